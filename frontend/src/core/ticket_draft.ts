// What the ticket's texts mean at this moment: quantity, prices, the position they touch, what is wrong with them, the order
// that they make, and whether the account can be traded at all. Pure; the ticket's state is in ticket.ts.

import type { PlaceOrderInput } from "./commands";
import { staleText, type Listing, type Quote } from "./live/market_state";
import { formatPrice, formatUnits, toDecimal, type Units } from "./money";
import { hasLimit, hasStop, isLimitWithinStop, judgedPrice, trailingStop, type Trail } from "./order_terms";
import { priceTerms } from "./orders";
import { formatShares, toQuantity, type Shares } from "./shares";
import type { TicketState } from "./ticket";
import { PRICE_MAX, QUANTITY_MAX, readPercent, readPrice, readQuantity } from "./typed";
import type { Account, Position, Side } from "./types";

export interface Draft {
  /** What the market says of the symbol now. */
  marketPrice: Units | null;
  quantity: Shares | null;
  /** Null where the type has none, and where none was understood. */
  limit: Units | null;
  stop: Units | null;
  /** Of a trailing stop; its stop is then where it begins. */
  trail: Trail | null;
  /** The exits, where the order has some. */
  profit: Units | null;
  loss: Units | null;
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
  const trail = ticket.type === "TRAILING_STOP" ? readTrail(ticket) : null;
  const typedStop = hasStop(ticket.type) ? readPrice(ticket.stopText).value : null;
  const stop = trail !== null && marketPrice !== null ? trailingStop(ticket.side, marketPrice, trail) : typedStop;
  const isPriced = (limit !== null || !hasLimit(ticket.type)) && (stop !== null || !hasStop(ticket.type));
  return {
    marketPrice,
    quantity: readQuantity(ticket.quantityText).value,
    limit,
    stop,
    trail,
    profit: ticket.hasExits ? readPrice(ticket.profitText).value : null,
    loss: ticket.hasExits ? readPrice(ticket.lossText).value : null,
    price: isPriced ? judgedPrice({ limit, stop }, ticket.type === "TRAILING_STOP" ? null : marketPrice) : null,
    position: positions.find((position) => position.symbol === ticket.symbol),
    listing: quote ?? unpriced.find(({ symbol }) => symbol === ticket.symbol),
  };
}

function readTrail({ trailText, isTrailInPercent }: TicketState): Trail | null {
  const { value } = isTrailInPercent ? readPercent(trailText) : readPrice(trailText);
  if (value === null) return null;
  return isTrailInPercent ? { points: value } : { amount: value };
}

/** The order as it would be sent, or null while something is missing or wrong. A market order needs no price to be sent. */
export function orderOf(ticket: TicketState, draft: Draft): Omit<PlaceOrderInput, "accountId" | "clientOrderId"> | null {
  const { symbol, side, type, timeInForce } = ticket;
  const { quantity, limit, stop, trail, profit, loss } = draft;
  const isTrailed = trail !== null && (draft.marketPrice === null || stop !== null);
  const isPriced = type === "TRAILING_STOP" ? isTrailed : draft.price !== null || type === "MARKET";
  if (isOffStep(quantity, draft.listing?.lotSize)) return null;
  const typed = [limit, trail === null ? stop : null, profit, loss, trailAmount(trail)];
  if (typed.some((price) => isOffStep(price, draft.listing?.priceIncrement))) return null;
  if (timeInForce === "GTD" && ticket.lastDay === "") return null;
  if (ticket.hasExits && ((profit === null && loss === null) || exitsProblem(ticket, draft) !== null)) return null;
  if (symbol === "" || quantity === null || !isPriced || !isLimitWithinStop(side, { limit, stop })) return null;
  return {
    symbol,
    side,
    quantity: toQuantity(quantity),
    type,
    timeInForce,
    limitPrice: limit === null ? null : toDecimal(limit),
    stopPrice: stop === null || trail !== null ? null : toDecimal(stop),
    ...(trail === null ? {} : "amount" in trail ? { trailAmount: toDecimal(trail.amount) } : { trailPercent: percentText(trail.points) }),
    ...(timeInForce === "GTD" ? { expiresAt: `${ticket.lastDay}T23:59:59Z` } : {}),
    ...(profit === null ? {} : { takeProfit: { limitPrice: toDecimal(profit) } }),
    ...(loss === null ? {} : { stopLoss: { stopPrice: toDecimal(loss) } }),
  };
}

function trailAmount(trail: Trail | null): Units | null {
  return trail !== null && "amount" in trail ? trail.amount : null;
}

function percentText(points: bigint): string {
  return `${points / 100n}.${(points % 100n).toString().padStart(2, "0")}`;
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
  const isByMarket = type === "MARKET" || type === "TRAILING_STOP";
  if (isByMarket && unpriced.some((listing) => listing.symbol === symbol)) {
    return `${symbol} has no price yet: place a limit or a stop order.`;
  }
  const quote = quotes.find((each) => each.symbol === symbol);
  const stale = quote === undefined ? null : staleText(quote);
  if (isByMarket && stale !== null) {
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

export function trailProblem(ticket: TicketState, draft: Draft, hasTried: boolean): string | null {
  const { value, problem } = ticket.isTrailInPercent ? readPercent(ticket.trailText) : readPrice(ticket.trailText);
  if (problem !== null) return problem;
  if (value === null) return hasTried ? "How far behind the market?" : null;
  if (draft.marketPrice !== null && draft.stop === null) return "The stop would be below 0";
  return ticket.isTrailInPercent ? null : priceProblem(ticket.trailText, draft, hasTried);
}

export function profitProblem(ticket: TicketState, draft: Draft, hasTried: boolean): string | null {
  return exitsProblem(ticket, draft) ?? priceProblem(ticket.profitText, draft, hasTried && draft.loss === null);
}

export function lossProblem(ticket: TicketState, draft: Draft, hasTried: boolean): string | null {
  return priceProblem(ticket.lossText, draft, hasTried && draft.profit === null);
}

/** What is wrong with the exits beside one another and the order's own price, or null. */
function exitsProblem({ side }: TicketState, { profit, loss, limit, stop }: Draft): string | null {
  const prices = [loss, limit ?? stop, profit].filter((price) => price !== null);
  const isInOrder = prices.every((price, place) => {
    const before = prices[place - 1];
    return before === undefined || (side === "BUY" ? before < price : before > price);
  });
  if (isInOrder) return null;
  return side === "BUY" ? "Above the order's price, the stop loss below" : "Below the order's price, the stop loss above";
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
  if (order !== null) {
    const { limitPrice, stopPrice, trailAmount: amount = null, trailPercent = null } = order;
    words.push(priceTerms({ limit_price: limitPrice, stop_price: stopPrice, trail_amount: amount, trail_percent: trailPercent }));
  }
  return words.filter((word) => word !== "").join(" ");
}
