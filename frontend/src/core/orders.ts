// The orders of an account, as far as they are known: those that work and the latest of those that have ended, and each in
// words. Pure; what arrives is put together in live/account_state.ts.

import { formatPrice, parseUnits, type Units } from "./money";
import { cashReserved } from "./order_terms";
import { formatQuantity, parseShares } from "./shares";
import type { Order, OrderStatus, OrderType, Side, TimeInForce } from "./types";

/** How many of those that have ended are kept. */
export const ENDED_ORDERS_MAX = 100;

export const TYPE_NAMES: Readonly<Record<OrderType, string>> = {
  MARKET: "Market",
  LIMIT: "Limit",
  STOP: "Stop",
  STOP_LIMIT: "Stop limit",
  TRAILING_STOP: "Trailing stop",
};

export const TIME_NAMES: Readonly<Record<TimeInForce, string>> = {
  DAY: "Day",
  GTC: "Until cancelled",
  GTD: "Until a day",
  IOC: "Immediate or cancel",
  FOK: "Fill or kill",
};

/** What tells one order from another for a person. */
export type OrderTerms = Pick<Order, "side" | "quantity" | "symbol" | "limit_price" | "stop_price"> &
  Pick<Order, "trail_amount" | "trail_percent">;

/** What there is to say of an order, also of one that was placed just now. */
export type OrderSummary = OrderTerms &
  Pick<Order, "order_id" | "time_in_force" | "status" | "filled_quantity" | "remaining_quantity" | "avg_fill_price"> &
  Pick<Order, "reason" | "version">;

export function isWorking(order: Order): boolean {
  return order.ended_at === null;
}

export function workingOrders(orders: readonly Order[]): Order[] {
  return orders.filter(isWorking);
}

/** Those that have ended, the latest first. */
export function endedOrders(orders: readonly Order[]): Order[] {
  return orders.filter((order) => !isWorking(order)).sort(byEnd);
}

/**
 * Put what arrived about orders to what is known of them: of each the newest version counts, whatever came first.
 * The newest is first; of those that have ended the latest are kept.
 */
export function mergeOrders(known: Order[], arrived: readonly Order[]): Order[] {
  if (arrived.length === 0) return known;
  const orders = new Map(known.map((order) => [order.order_id, order]));
  for (const order of arrived) {
    const version = orders.get(order.order_id)?.version ?? 0;
    if (order.version >= version) orders.set(order.order_id, order);
  }
  const all = [...orders.values()];
  const forgotten = new Set(endedOrders(all).slice(ENDED_ORDERS_MAX));
  return all.filter((order) => !forgotten.has(order)).sort((a, b) => b.placed_version - a.placed_version);
}

function byEnd(a: Order, b: Order): number {
  const [first, second] = [a.ended_at ?? "", b.ended_at ?? ""];
  return first === second ? b.version - a.version : first < second ? 1 : -1;
}

/** What is known of orders, given all that work: one that is not among them has ended, and how is not known here. */
export function withWorkingOrders(known: Order[], working: readonly Order[]): Order[] {
  const ids = new Set(working.map((order) => order.order_id));
  const kept = known.filter((order) => !isWorking(order) || ids.has(order.order_id));
  return mergeOrders(kept, working);
}

/** An order as it stands by what is known of all of them, which may be older than what was said of it alone. */
export function latestOf(order: OrderSummary, known: readonly Order[]): OrderSummary {
  const found = known.find(({ order_id }) => order_id === order.order_id);
  return found !== undefined && found.version >= order.version ? found : order;
}

/** The cash that a working order keeps; one that waits for another order keeps none. */
export function reservedCash(order: Order): Units {
  if (order.status === "HELD") return 0n;
  return cashReserved(order.side, parseShares(order.remaining_quantity), parseUnits(order.reserve_price));
}

/** How far a trailing stop stays behind the market, such as "2.00" or "2.50 %"; null for any other order. */
export function trailText({ trail_amount, trail_percent }: Pick<Order, "trail_amount" | "trail_percent">): string | null {
  if (trail_percent !== null) return `${trail_percent} %`;
  return trail_amount === null ? null : formatPrice(parseUnits(trail_amount));
}

/** What an order is to the others that belong to it, or null when it is by itself. */
export function groupText({ order_class, status, parent_order_id }: Order): string | null {
  if (order_class === "SIMPLE") return null;
  if (status === "HELD") return "waits for its entry";
  if (order_class === "OCO") return "OCO";
  return parent_order_id === null ? "with exits" : "exit";
}

type PriceTerms = Pick<OrderTerms, "limit_price" | "stop_price" | "trail_amount" | "trail_percent">;

/** Such as "at market", "limit 50.00", "stop 45.00 limit 46.00" or "trailing by 2.50 %". */
export function priceTerms(terms: PriceTerms): string {
  const { limit_price, stop_price } = terms;
  const trail = trailText(terms);
  if (trail !== null) return `trailing by ${trail}`;
  const stop = stop_price === null ? "" : `stop ${formatPrice(parseUnits(stop_price))}`;
  const limit = limit_price === null ? "" : `limit ${formatPrice(parseUnits(limit_price))}`;
  return [stop, limit].filter((word) => word !== "").join(" ") || "at market";
}

/** Such as "BUY 10 KO at market". */
export function orderText(terms: OrderTerms): string {
  return `${terms.side} ${formatQuantity(terms.quantity)} ${terms.symbol} ${priceTerms(terms)}`;
}

export interface OrderNews {
  /** Working, done as it was meant to be, or ended in another way. */
  kind: "works" | "done" | "ended";
  title: string;
  detail: string;
}

const ENDINGS: Readonly<Record<Exclude<OrderStatus, "HELD" | "PENDING" | "PARTIALLY_FILLED" | "FILLED">, string>> = {
  CANCELLED: "Cancelled",
  EXPIRED: "Expired",
  REJECTED: "Rejected",
  REPLACED: "Replaced by another order",
};

const ENDS: Readonly<Record<TimeInForce, string>> = {
  DAY: "It works until its session closes.",
  GTC: "It works until it is filled or cancelled.",
  GTD: "It works until its time is over.",
  IOC: "What is not filled at once expires.",
  FOK: "It is filled at once and whole, or expires.",
};

/** What became of an order, in words. */
export function newsOf(order: OrderSummary): OrderNews {
  const { side, symbol, status } = order;
  const filled = formatQuantity(order.filled_quantity);
  const average = order.avg_fill_price === null ? "" : `at ${formatPrice(parseUnits(order.avg_fill_price))} on average`;
  switch (status) {
    case "HELD":
      return { kind: "works", title: `Order placed: ${orderText(order)}`, detail: "It waits until another order is filled." };
    case "PENDING":
      return { kind: "works", title: `Order placed: ${orderText(order)}`, detail: ENDS[order.time_in_force] };
    case "PARTIALLY_FILLED":
      return {
        kind: "works",
        title: `Partially filled: ${filled} of ${formatQuantity(order.quantity)} ${symbol}`,
        detail: `${average === "" ? "" : `${verbOf(side)} ${average}. `}The other ${formatQuantity(order.remaining_quantity)} wait.`,
      };
    case "FILLED":
      return {
        kind: "done",
        title: `Filled: ${verbOf(side).toLowerCase()} ${filled} ${symbol}`,
        detail: `${verbOf(side)} ${average}.`,
      };
    default:
      return {
        kind: "ended",
        title: `${ENDINGS[status]}: ${orderText(order)}`,
        detail: `${sentence(order.reason)}${average === "" ? "Nothing was filled." : `${filled} were filled ${average}.`}`,
      };
  }
}

function verbOf(side: Side): string {
  return side === "BUY" ? "Bought" : "Sold";
}

/** The reason as a sentence with a space after it; nothing when there is none. */
function sentence(reason: string): string {
  if (reason === "") return "";
  const text = reason.charAt(0).toUpperCase() + reason.slice(1);
  return `${text}${/[.!?]$/.test(text) ? "" : "."} `;
}

/** What an order is called in a list once it has ended. */
export function statusName(status: OrderStatus): string {
  const words = status.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
