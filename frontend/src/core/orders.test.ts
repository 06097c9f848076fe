import { describe, expect, it } from "vitest";

import { sampleOrder } from "../testing/samples";
import { toDecimal } from "./money";
import {
  endedOrders,
  ENDED_ORDERS_MAX,
  mergeOrders,
  newsOf,
  orderText,
  reservedCash,
  withWorkingOrders,
  workingOrders,
} from "./orders";
import type { Order } from "./types";

function ended(version: number, changes: Partial<Order> = {}): Order {
  const at = `2026-01-15T10:00:00.${version.toString().padStart(6, "0")}Z`;
  return sampleOrder(version, { status: "CANCELLED", ended_at: at, version: version + 1, ...changes });
}

const ids = (orders: readonly Order[]): string[] => orders.map((order) => order.order_id);

describe("the orders that are known", () => {
  it("are the newest first, each in its newest version, whatever came first", () => {
    const partly = sampleOrder(4, { status: "PARTIALLY_FILLED", version: 6 });
    const orders = mergeOrders([sampleOrder(4)], [sampleOrder(5), partly]);
    expect(orders.map(({ order_id, version }) => [order_id, version])).toEqual([
      ["order-5", 5],
      ["order-4", 6],
    ]);
    expect(mergeOrders(orders, [sampleOrder(4)]).find((order) => order.order_id === "order-4")).toBe(partly);
  });

  it("are the same as long as nothing arrives", () => {
    const orders = [sampleOrder(4)];
    expect(mergeOrders(orders, [])).toBe(orders);
  });

  it("are told apart by whether they work; the latest end is first", () => {
    const orders = mergeOrders([], [sampleOrder(2), ended(3), sampleOrder(4), ended(1, { ended_at: "2026-01-15T11:00:00.000000Z" })]);
    expect(ids(workingOrders(orders))).toEqual(["order-4", "order-2"]);
    expect(ids(endedOrders(orders))).toEqual(["order-1", "order-3"]);
  });

  it("keep the latest of those that have ended, and all that work", () => {
    const many = Array.from({ length: ENDED_ORDERS_MAX + 5 }, (_, place) => ended(place + 10));
    const orders = mergeOrders([sampleOrder(1)], many);
    expect(endedOrders(orders)).toHaveLength(ENDED_ORDERS_MAX);
    expect(ids(endedOrders(orders))[0]).toBe(`order-${ENDED_ORDERS_MAX + 14}`);
    expect(ids(workingOrders(orders))).toEqual(["order-1"]);
  });

  it("lose one that works no more by all that work", () => {
    const orders = withWorkingOrders([sampleOrder(4), sampleOrder(3), ended(2)], [sampleOrder(5), sampleOrder(3)]);
    expect(ids(orders)).toEqual(["order-5", "order-3", "order-2"]);
  });
});

it("reserves cash for what is left of a buy, rounded up, and none for a sale", () => {
  const buy = sampleOrder(4, { remaining_quantity: "2.5", reserve_price: "40.0001" });
  expect(toDecimal(reservedCash(buy))).toBe("100.0003");
  expect(reservedCash({ ...buy, side: "SELL" })).toBe(0n);
});

it.each([
  [{ limit_price: null }, "BUY 10 KO at market"],
  [{}, "BUY 10 KO limit 50.00"],
  [{ side: "SELL", quantity: "1200.5", limit_price: null, stop_price: "45.1250" }, "SELL 1,200.5 KO stop 45.125"],
  [{ stop_price: "45.0000" }, "BUY 10 KO stop 45.00 limit 50.00"],
] as const)("is told from others: %j", (changes, text) => {
  expect(orderText(sampleOrder(4, changes))).toBe(text);
});

describe("what became of an order", () => {
  const partly = { filled_quantity: "4", remaining_quantity: "6", avg_fill_price: "49.5000", filled_value: "198.0000" };
  const end = { ended_at: "2026-01-15T10:00:01.000000Z" };

  it.each([
    [{ limit_price: null }, "works", "Order placed: BUY 10 KO at market", "It works until its session closes."],
    [
      { ...partly, status: "PARTIALLY_FILLED" },
      "works",
      "Partially filled: 4 of 10 KO",
      "Bought at 49.50 on average. The other 6 wait.",
    ],
    [
      { ...end, status: "FILLED", filled_quantity: "10", remaining_quantity: "0", avg_fill_price: "49.7500" },
      "done",
      "Filled: bought 10 KO",
      "Bought at 49.75 on average.",
    ],
    [
      { ...end, ...partly, status: "CANCELLED" },
      "ended",
      "Cancelled: BUY 10 KO limit 50.00",
      "4 were filled at 49.50 on average.",
    ],
    [
      { ...end, status: "EXPIRED", reason: "the day is over" },
      "ended",
      "Expired: BUY 10 KO limit 50.00",
      "The day is over. Nothing was filled.",
    ],
    [
      { ...end, status: "REJECTED", reason: "KO is halted." },
      "ended",
      "Rejected: BUY 10 KO limit 50.00",
      "KO is halted. Nothing was filled.",
    ],
    [{ ...end, status: "REPLACED" }, "ended", "Replaced by another order: BUY 10 KO limit 50.00", "Nothing was filled."],
  ] as const)("is said: %j", (changes, kind, title, detail) => {
    expect(newsOf(sampleOrder(4, changes))).toEqual({ kind, title, detail });
  });
});
