// What the ticket's texts mean at this moment: quantity, price, the position they touch, what is wrong with them, and
// whether the account can be traded at all. Pure; the ticket's state is in ticket.ts.

import type { Quote } from "./live/market_state";
import { formatPrice, parseUnits, type Units } from "./money";
import { formatShares, type Shares } from "./shares";
import type { TicketState } from "./ticket";
import { readPrice, readQuantity } from "./typed";
import type { Account, Position } from "./types";

export interface Draft {
  livePrice: Units | null;
  quantity: Shares | null;
  price: Units | null;
  /** What the price field shows. */
  priceShown: string;
  isLivePrice: boolean;
  position: Position | undefined;
}

export function readDraft(ticket: TicketState, quotes: readonly Quote[], positions: readonly Position[]): Draft {
  const livePrice = quotes.find((quote) => quote.symbol === ticket.symbol)?.price ?? null;
  // An attempt under way keeps the price that it was sent with, whatever the market does.
  const price =
    ticket.attempt !== null
      ? parseUnits(ticket.attempt.price)
      : ticket.priceText === null
        ? livePrice
        : readPrice(ticket.priceText).value;
  return {
    livePrice,
    quantity: readQuantity(ticket.quantityText).value,
    price,
    priceShown: ticket.priceText ?? (price === null ? "" : formatPrice(price).replaceAll(",", "")),
    isLivePrice: ticket.priceText === null && ticket.attempt === null && livePrice !== null,
    position: positions.find((position) => position.symbol === ticket.symbol),
  };
}

/** Why nothing can be traded on the account, or null when it can. */
export function closedReasonOf(account: Account | null): string | null {
  if (account === null) return "The account is being loaded.";
  if (account.role === "viewer") return "You may look at this account, not trade it: your role is viewer.";
  if (account.role === "staff") return "Staff may look at every account and trade none.";
  if (account.status === "FROZEN")
    return "This account is frozen: nothing can be traded until compliance unfreezes it.";
  if (account.status === "CLOSED") return "This account is closed.";
  return null;
}

/** What is wrong with the quantity; an empty field is nothing to complain about before the first try. */
export function quantityProblem(text: string, hasTried: boolean): string | null {
  const { value, problem } = readQuantity(text);
  return problem ?? (value === null && hasTried ? "How many shares?" : null);
}

export function priceProblem(ticket: TicketState, price: Units | null, hasTried: boolean): string | null {
  if (price !== null) return null;
  const problem = ticket.priceText === null ? null : readPrice(ticket.priceText).problem;
  if (problem !== null || !hasTried) return problem;
  return ticket.symbol === "" ? "Choose a symbol" : "At which price?";
}

/** What will be sent, as it was understood. */
export function submitText(ticket: TicketState, { quantity, price }: Draft): string {
  if (ticket.isSubmitting) return "Sending …";
  const verb = ticket.side === "BUY" ? "Buy" : "Sell";
  const words = [verb, quantity === null ? "" : formatShares(quantity), ticket.symbol];
  if (quantity !== null && price !== null) words.push("at", formatPrice(price));
  return words.filter((word) => word !== "").join(" ");
}
