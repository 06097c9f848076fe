// The keyboard: one literal table of keys, used by the sheet that shows them and by the hook that listens. Keys count
// only when nothing is being typed and no dialog is open; Escape leaves a field.
import { useEffect, useEffectEvent } from "react";

export type ShortcutName = "symbol" | "buy" | "sell" | "type" | "quantity" | "filter" | "orders" | "clear" | "sheet";

export const SHORTCUTS: readonly { key: string; name: ShortcutName | null; meaning: string }[] = [
  { key: "/", name: "symbol", meaning: "Go to the symbol of the order ticket" },
  { key: "b", name: "buy", meaning: "Side: buy (also while typing quantity or price)" },
  { key: "s", name: "sell", meaning: "Side: sell (also while typing quantity or price)" },
  { key: "t", name: "type", meaning: "Go to the type of the order" },
  { key: "q", name: "quantity", meaning: "Go to the quantity" },
  { key: "m", name: "filter", meaning: "Filter the market" },
  { key: "o", name: "orders", meaning: "Go to the orders" },
  { key: "x", name: "clear", meaning: "Clear the ticket" },
  { key: "Enter", name: null, meaning: "In the ticket: send it. On a row: take it to the ticket" },
  { key: "Esc", name: null, meaning: "Leave a field, close a list or a dialog" },
  { key: "?", name: "sheet", meaning: "Show this sheet" },
];

export function useShortcuts(onShortcut: (name: ShortcutName) => void): void {
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.target instanceof HTMLElement && event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const name = SHORTCUTS.find(({ key }) => key === event.key.toLowerCase())?.name ?? null;
    if (name === null) return;
    event.preventDefault();
    onShortcut(name);
  });

  useEffect(() => {
    const listen = (event: KeyboardEvent): void => pressed(event);
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}
