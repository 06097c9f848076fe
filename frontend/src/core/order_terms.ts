// The terms of an order, as the account has them (accounts/domain/order_terms.py): which prices and times in force go with
// which type, the price that it is judged by, and what it reserves for a share. estimate.test.ts holds them to the domain.

import { BASIS_POINTS, type Units } from "./money";
import { valueRoundedUp, type Shares } from "./shares";
import type { OrderType, Side, TimeInForce } from "./types";

export const ORDER_TYPES: readonly OrderType[] = ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"];
/** What a buy without a limit reserves above the price that it is judged by: the market may move until it fills. */
export const CUSHION_POINTS = 400n;

const TIMES: readonly TimeInForce[] = ["DAY", "GTC", "GTD", "IOC", "FOK"];
const TIMES_OF_STOPS: readonly TimeInForce[] = ["DAY", "GTC", "GTD"];

export function hasLimit(type: OrderType): boolean {
  return type === "LIMIT" || type === "STOP_LIMIT";
}

export function hasStop(type: OrderType): boolean {
  return type === "STOP" || type === "STOP_LIMIT";
}

/** What waits for its stop, or has exits, cannot be immediate. */
export function timesInForceOf(type: OrderType, hasExits = false): readonly TimeInForce[] {
  return hasStop(type) || type === "TRAILING_STOP" || hasExits ? TIMES_OF_STOPS : TIMES;
}

/** What a trailing stop stays behind the market: an amount, or basis points of its price. */
export type Trail = { amount: Units } | { points: bigint };

/** Where the stop of a trailing order is while the market is at a price; null when that is no price. */
export function trailingStop(side: Side, market: Units, trail: Trail): Units | null {
  let stop: Units;
  if ("amount" in trail) stop = side === "SELL" ? market - trail.amount : market + trail.amount;
  else if (side === "SELL") stop = (market * (BASIS_POINTS - trail.points)) / BASIS_POINTS;
  else stop = (market * (BASIS_POINTS + trail.points) + BASIS_POINTS - 1n) / BASIS_POINTS;
  return stop > 0n ? stop : null;
}

/** Whether a price triggers the order and is within its limit; an order without both has nothing that could disagree. */
export function isLimitWithinStop(side: Side, { limit, stop }: { limit: Units | null; stop: Units | null }): boolean {
  if (limit === null || stop === null) return true;
  return side === "BUY" ? stop <= limit : stop >= limit;
}

/** What an order is judged by: its limit, else its stop, else the market's price. */
export function judgedPrice({ limit, stop }: { limit: Units | null; stop: Units | null }, market: Units | null): Units | null {
  return limit ?? stop ?? market;
}

/** Whether more is reserved than the order is judged by. */
export function hasCushion(side: Side, type: OrderType): boolean {
  return side === "BUY" && !hasLimit(type);
}

export function reservePrice(side: Side, type: OrderType, price: Units): Units {
  if (!hasCushion(side, type)) return price;
  return (price * (BASIS_POINTS + CUSHION_POINTS) + BASIS_POINTS - 1n) / BASIS_POINTS;
}

/** The market's price that an order without one of its own was judged by, from what it reserves for a share. */
export function marketPriceOf(side: Side, priceReserved: Units): Units {
  return side === "BUY" ? (priceReserved * BASIS_POINTS) / (BASIS_POINTS + CUSHION_POINTS) : priceReserved;
}

/** The cash that so many shares of an order keep reserved, rounded up together; a sale keeps shares. */
export function cashReserved(side: Side, quantity: Shares, priceReserved: Units): Units {
  return side === "BUY" ? valueRoundedUp(quantity, priceReserved) : 0n;
}
