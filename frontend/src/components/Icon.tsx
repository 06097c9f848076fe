// The icons: one stroke, 16 by 16, drawn here so that nothing is loaded from elsewhere. Decoration only: whatever uses
// one names itself in text or aria-label.
import type { ReactElement } from "react";

const PATHS = {
  chevron: "M4 6l4 4 4-4",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3.5 3.5",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13.5 9.5A6 6 0 1 1 6.5 2.5a5 5 0 0 0 7 7z",
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  user: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.5-3 2.7-4.5 5.5-4.5S13 11 13.5 14",
  plus: "M8 3v10M3 8h10",
  deposit: "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11",
  withdraw: "M8 10.5v-8M4.5 5.5L8 2l3.5 3.5M2.5 13.5h11",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  check: "M3 8.5l3.5 3.5L13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  warning: "M8 2L1.5 13.5h13zM8 6.5v3.5M8 11.8v.2",
  keyboard: "M1.5 4h13v8h-13zM4 6.5h.1M6.7 6.5h.1M9.3 6.5h.1M12 6.5h.1M4.5 9.5h7",
  portfolio: "M8 2v6h6A6 6 0 1 1 8 2zM10.5 1.5a5 5 0 0 1 4 4h-4z",
  market: "M2 12l4-5 3 3 5-7M10.5 3H14v3.5",
  ticket: "M3 5h9.5L10 2.5M13 11H3.5L6 13.5",
  clock: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM8 4.5V8l2.5 1.5",
  orders: "M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h2.5",
  list: "M2.5 4h11M2.5 8h11M2.5 12h7",
  logout: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
  refresh: "M13.5 8A5.5 5.5 0 1 1 11.5 3.8M13.5 2v3h-3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
