// What the ticket's texts mean at this moment: quantity, prices, the position they touch, what is wrong with them, the order
// that they make, and whether the account can be traded at all. Pure; the ticket's state is in ticket.ts.

import type { PlaceOrderInput } from "./commands";
import { staleText, type Listing, type Quote } from "./live/market_state";
import { formatPrice, toDecimal, type Units } from "./money";
import { hasLimit, hasStop, isLimitWithinStop, judgedPrice } from "./order_terms";
import { priceTerms } from "./orders";
import { formatShares, toQuantity, type Shares } from "./shares";
import type { TicketState } from "./ticket";
import { readPrice, readQuantity } from "./typed";
import type { Account, Position, Side } from "./types";

export interface Draft {
  /** What the market says of the symbol now. */
  marketPrice: Units | null;
  quantity: Shares | null;
  /** Null where the type has none, and where none was understood. */
  limit: Units | null;
  stop: Units | null;
  /** What the order will be judged by. */
  price: Units | null;
  position: Position | undefined;
}

export function readDraft(ticket: TicketState, quotes: readonly Quote[], positions: readonly Position[]): Draft {
  const marketPrice = quotes.find((quote) => quote.symbol === ticket.symbol)?.price ?? null;
  const limit = hasLimit(ticket.type) ? readPrice(ticket.limitText).value : null;
  const stop = hasStop(ticket.type) ? readPrice(ticket.stopText).value : null;
  const isPriced = (limit !== null || !hasLimit(ticket.type)) && (stop !== null || !hasStop(ticket.type));
  return {
    marketPrice,
    quantity: readQuantity(ticket.quantityText).value,
    limit,
    stop,
    price: isPriced ? judgedPrice({ limit, stop }, marketPrice) : null,
    position: positions.find((position) => position.symbol === ticket.symbol),
  };
}

/** The order as it would be sent, or null while something is missing or wrong. A market order needs no price to be sent. */
export function orderOf(ticket: TicketState, draft: Draft): Omit<PlaceOrderInput, "accountId" | "clientOrderId"> | null {
  const { symbol, side, type, timeInForce } = ticket;
  const { quantity, limit, stop } = draft;
  const isPriced = draft.price !== null || type === "MARKET";
  if (symbol === "" || quantity === null || !isPriced || !isLimitWithinStop(side, { limit, stop })) return null;
  return {
    symbol,
    side,
    quantity: toQuantity(quantity),
    type,
    timeInForce,
    limitPrice: limit === null ? null : toDecimal(limit),
    stopPrice: stop === null ? null : toDecimal(stop),
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

/** Why the ticket's order cannot be sent whatever else it says, or null when it can. */
export function unsendableReasonOf(
  { symbol, type }: TicketState,
  quotes: readonly Quote[],
  unpriced: readonly Listing[],
): string | null {
  if (symbol === "") return "Choose a symbol first.";
  if (type === "MARKET" && unpriced.some((listing) => listing.symbol === symbol)) {
    return `${symbol} has no price yet: place a limit or a stop order.`;
  }
  const quote = quotes.find((each) => each.symbol === symbol);
  const stale = quote === undefined ? null : staleText(quote);
  if (type === "MARKET" && stale !== null) {
    return `The price of ${symbol} is too old (${stale}): place a limit or a stop order.`;
  }
  return null;
}

/** What is wrong with the quantity; an empty field is nothing to complain about before the first try. */
export function quantityProblem(text: string, hasTried: boolean): string | null {
  const { value, problem } = readQuantity(text);
  return problem ?? (value === null && hasTried ? "How many shares?" : null);
}

export function stopProblem(ticket: TicketState, hasTried: boolean): string | null {
  return priceProblem(ticket.stopText, hasTried);
}

export function limitProblem(ticket: TicketState, { limit, stop }: Draft, hasTried: boolean): string | null {
  if (stop !== null && !isLimitWithinStop(ticket.side, { limit, stop })) {
    return `At ${formatPrice(stop)} or ${BEYOND_STOP[ticket.side]}`;
  }
  return priceProblem(ticket.limitText, hasTried);
}

function priceProblem(text: string, hasTried: boolean): string | null {
  const { value, problem } = readPrice(text);
  return problem ?? (value === null && hasTried ? "At which price?" : null);
}

const BEYOND_STOP: Readonly<Record<Side, string>> = { BUY: "above", SELL: "below" };

/** What will be sent, as it was understood. */
export function submitText(ticket: TicketState, draft: Draft): string {
  if (ticket.isSubmitting) return "Sending …";
  const verb = ticket.side === "BUY" ? "Buy" : "Sell";
  const words = [verb, draft.quantity === null ? "" : formatShares(draft.quantity), ticket.symbol];
  const order = orderOf(ticket, draft);
  if (order !== null) words.push(priceTerms({ limit_price: order.limitPrice, stop_price: order.stopPrice }));
  return words.filter((word) => word !== "").join(" ");
}
