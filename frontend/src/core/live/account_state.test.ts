import { describe, expect, it } from "vitest";

import { sampleAccount, sampleDelta, sampleOrder, samplePosition, sampleSnapshot, sampleTrade } from "../../testing/samples";
import { accountReducer, NOTHING_KNOWN, type AccountAction, type AccountState } from "./account_state";

function after(...actions: AccountAction[]): AccountState {
  return actions.reduce(accountReducer, NOTHING_KNOWN);
}

const snapshot: AccountAction = { type: "snapshotReceived", message: sampleSnapshot() };

describe("an account's state", () => {
  it("is not built from a delta without a snapshot", () => {
    expect(after({ type: "deltaReceived", message: sampleDelta(3, 4) })).toEqual(NOTHING_KNOWN);
  });

  it("moves on by a delta that continues the known version", () => {
    const message = sampleDelta(3, 5, {
      positions: [samplePosition({ quantity: "150" }), samplePosition({ symbol: "AMD", quantity: "10" })],
      trades: [sampleTrade(4), sampleTrade(5, { symbol: "AMD" })],
    });
    const state = after(snapshot, { type: "deltaReceived", message });
    expect(state.view?.version).toBe(5);
    expect(state.view?.positions.map(({ symbol, quantity }) => [symbol, quantity])).toEqual([
      ["AAPL", "150"],
      ["AMD", "10"],
    ]);
    expect(state.view?.trades.map((trade) => trade.version)).toEqual([5, 4, 3]);
  });

  it("lets go of a position that was closed", () => {
    const message = sampleDelta(3, 4, { positions: [samplePosition({ quantity: "0" })] });
    expect(after(snapshot, { type: "deltaReceived", message }).view?.positions).toEqual([]);
  });

  it("ignores a delta that it has already", () => {
    const known = after(snapshot);
    expect(accountReducer(known, { type: "deltaReceived", message: sampleDelta(1, 3) })).toBe(known);
  });

  it("finds a gap, changes nothing, and is made good by a snapshot", () => {
    const gap = after(snapshot, { type: "deltaReceived", message: sampleDelta(4, 5) });
    expect(gap.isGapFound).toBe(true);
    expect(gap.view?.version).toBe(3);
    const message = sampleSnapshot({ version: 5, trades: [sampleTrade(5), sampleTrade(4)] });
    const healed = accountReducer(gap, { type: "snapshotReceived", message });
    expect(healed.isGapFound).toBe(false);
    expect(healed.view?.version).toBe(5);
  });

  it("finds a gap by a heartbeat that is ahead, and none by one that is not", () => {
    expect(after(snapshot, { type: "heartbeatReceived", version: 4 }).isGapFound).toBe(true);
    expect(after(snapshot, { type: "heartbeatReceived", version: 3 }).isGapFound).toBe(false);
  });

  it("never goes back to an older snapshot", () => {
    const state = after(snapshot, { type: "snapshotReceived", message: sampleSnapshot({ version: 2 }) });
    expect(state.view?.version).toBe(3);
  });

  it("keeps the older trades when a new snapshot meets them, and lets go of them when it does not", () => {
    const older: AccountAction = { type: "olderTradesFetched", trades: [sampleTrade(2), sampleTrade(1)], next: null };
    const meeting = sampleSnapshot({ version: 4, trades: [sampleTrade(4), sampleTrade(3)] });
    const joined = after(snapshot, older, { type: "snapshotReceived", message: meeting });
    expect(joined.view?.trades.map((trade) => trade.version)).toEqual([4, 3, 2, 1]);
    expect(joined.olderTradesCursor).toBeNull();
    const apart = sampleSnapshot({ version: 90, trades: [sampleTrade(90), sampleTrade(80)] });
    const fresh = after(snapshot, older, { type: "snapshotReceived", message: apart });
    expect(fresh.view?.trades.map((trade) => trade.version)).toEqual([90, 80]);
    expect(fresh.olderTradesCursor).toBeUndefined();
  });

  it("takes from a page of older trades only what is older than what it has", () => {
    const trades = [sampleTrade(3), sampleTrade(2)];
    const state = after(snapshot, { type: "olderTradesFetched", trades, next: "c" });
    expect(state.view?.trades.map((trade) => trade.version)).toEqual([3, 2]);
    expect(state.olderTradesCursor).toBe("c");
  });

  it("moves on by a fetched portfolio, and leaves out trades that are younger than it", () => {
    const portfolio = { account: sampleAccount({ version: 4 }), positions: [] };
    const trades = [sampleTrade(5), sampleTrade(4), sampleTrade(3)];
    const state = after(snapshot, { type: "portfolioFetched", portfolio, working: [], trades });
    expect(state.view?.version).toBe(4);
    expect(state.view?.trades.map((trade) => trade.version)).toEqual([4, 3]);
    const late = accountReducer(state, { type: "deltaReceived", message: sampleDelta(3, 4) });
    expect(late).toBe(state);
  });

  const working = sampleSnapshot({ orders: [sampleOrder(3), sampleOrder(2)] });
  const filled = sampleOrder(3, { status: "FILLED", version: 4, ended_at: "2026-01-15T10:00:01.000000Z" });
  const cancelled = sampleOrder(1, { status: "CANCELLED", version: 2, ended_at: "2026-01-15T09:00:00.000000Z" });
  const statuses = (state: AccountState): string[] =>
    (state.view?.orders ?? []).map((order) => `${order.order_id} ${order.status}`);

  it("keeps an order that a delta says has ended", () => {
    const state = after(
      { type: "snapshotReceived", message: working },
      { type: "deltaReceived", message: sampleDelta(3, 4, { orders: [filled] }) },
    );
    expect(statuses(state)).toEqual(["order-3 FILLED", "order-2 PENDING"]);
  });

  it("takes the orders that have ended from where they are fetched, and knows that it has them", () => {
    const state = after(
      { type: "snapshotReceived", message: working },
      { type: "endedOrdersFetched", orders: [filled, cancelled] },
    );
    expect(statuses(state)).toEqual(["order-3 FILLED", "order-2 PENDING", "order-1 CANCELLED"]);
    expect(state.endedOrders).toBe("known");
    expect(accountReducer(state, { type: "endedOrdersFailed" }).endedOrders).toBe("known");
    expect(after(snapshot, { type: "endedOrdersFailed" }).endedOrders).toBe("failed");
  });

  it("shows no order as working that a later snapshot or portfolio does not have", () => {
    const message = sampleSnapshot({ version: 5, orders: [sampleOrder(5), sampleOrder(2)] });
    const known: AccountAction[] = [
      { type: "snapshotReceived", message: working },
      { type: "endedOrdersFetched", orders: [cancelled] },
    ];
    const expected = ["order-5 PENDING", "order-2 PENDING", "order-1 CANCELLED"];
    expect(statuses(after(...known, { type: "snapshotReceived", message }))).toEqual(expected);
    const portfolio = { account: sampleAccount({ version: 5 }), positions: [] };
    const fetched: AccountAction = { type: "portfolioFetched", portfolio, working: message.orders, trades: [] };
    expect(statuses(after(...known, fetched))).toEqual(expected);
  });
});
