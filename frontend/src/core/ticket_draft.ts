// What the ticket's texts mean at this moment: quantity, prices, the position they touch, what is wrong with them, the order
// that they make, and whether the account can be traded at all. Pure; the ticket's state is in ticket.ts.

import type { PlaceOrderInput } from "./commands";
import { staleText, type Listing, type Quote } from "./live/market_state";
import { formatPrice, formatUnits, toDecimal, type Units } from "./money";
import { hasLimit, hasStop, isLimitWithinStop, judgedPrice } from "./order_terms";
import { priceTerms } from "./orders";
import { formatShares, toQuantity, type Shares } from "./shares";
import type { TicketState } from "./ticket";
import { PRICE_MAX, QUANTITY_MAX, readPrice, readQuantity } from "./typed";
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
  /** Of the symbol; undefined as long as the market has not said. */
  listing: Listing | undefined;
}

interface Market {
  quotes: readonly Quote[];
  unpriced: readonly Listing[];
}

export function readDraft(ticket: TicketState, { quotes, unpriced }: Market, positions: readonly Position[]): Draft {
  const quote = quotes.find(({ symbol }) => symbol === ticket.symbol);
  const marketPrice = quote?.price ?? null;
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
    listing: quote ?? unpriced.find(({ symbol }) => symbol === ticket.symbol),
  };
}

/** The order as it would be sent, or null while something is missing or wrong. A market order needs no price to be sent. */
export function orderOf(ticket: TicketState, draft: Draft): Omit<PlaceOrderInput, "accountId" | "clientOrderId"> | null {
  const { symbol, side, type, timeInForce } = ticket;
  const { quantity, limit, stop } = draft;
  const isPriced = draft.price !== null || type === "MARKET";
  if (isOffStep(quantity, draft.listing?.lotSize)) return null;
  if ([limit, stop].some((price) => isOffStep(price, draft.listing?.priceIncrement))) return null;
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
export function quantityProblem(text: string, { listing }: Draft, hasTried: boolean): string | null {
  const { value, problem } = readQuantity(text);
  if (problem !== null) return problem;
  if (value === null) return hasTried ? "How many shares?" : null;
  const near = nearest(value, listing?.lotSize, QUANTITY_MAX);
  if (near.length === 0) return null;
  return `In lots of ${formatShares(listing?.lotSize ?? 0n)}: ${near.map(formatShares).join(" or ")}`;
}

export function stopProblem(ticket: TicketState, draft: Draft, hasTried: boolean): string | null {
  return priceProblem(ticket.stopText, draft, hasTried);
}

export function limitProblem(ticket: TicketState, draft: Draft, hasTried: boolean): string | null {
  const { limit, stop } = draft;
  if (stop !== null && !isLimitWithinStop(ticket.side, { limit, stop })) {
    return `At ${formatPrice(stop)} or ${BEYOND_STOP[ticket.side]}`;
  }
  return priceProblem(ticket.limitText, draft, hasTried);
}

/** The values next to one that is no multiple of its step, as they are typed; none when it is one, or no step is known. */
export function nearest(value: bigint, step: bigint | undefined, most: bigint): bigint[] {
  if (!isOffStep(value, step) || step === undefined) return [];
  const below = value - (value % step);
  return [below, below + step].filter((each) => each > 0n && each <= most);
}

function isOffStep(value: bigint | null, step: bigint | undefined): boolean {
  return value !== null && step !== undefined && value % step !== 0n;
}

function priceProblem(text: string, { listing }: Pick<Draft, "listing">, hasTried: boolean): string | null {
  const { value, problem } = readPrice(text);
  if (problem !== null) return problem;
  if (value === null) return hasTried ? "At which price?" : null;
  const near = nearest(value, listing?.priceIncrement, PRICE_MAX);
  if (near.length === 0) return null;
  return `In steps of ${priceText(listing?.priceIncrement ?? 0n)}: ${near.map(priceText).join(" or ")}`;
}

/** With two decimals at least, and no more than it has. */
export function priceText(price: Units): string {
  return formatUnits(price, { decimals: 2, decimalsMax: 4 });
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
