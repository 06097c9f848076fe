import { describe, expect, it } from "vitest";

import { parseUnits } from "../money";
import type { MarketSession, MarketSnapshotMessage, MarketTickMessage } from "../types";
import { marketReducer, NO_MARKET, POINTS_MAX, staleText, type MarketState } from "./market_state";

const at = "2026-01-15T10:00:00.000000Z";

function session(date: string): MarketSession {
  return { date, market_time: `${date}T15:00:00Z`, phase: "OPEN", simulated: true, note: "" };
}

function snapshot(date: string, price = "101.0000"): MarketSnapshotMessage {
  const names = { symbol: "AAPL", name: "Apple Inc.", sector: "Information Technology" };
  const terms = {
    kind: "STOCK",
    exchange: "NASDAQ",
    currency: "USD",
    price_increment: "0.0100",
    lot_size: "1",
    is_halted: false,
  } as const;
  const prices = {
    price,
    bid: null,
    ask: null,
    source: "SIMULATED" as const,
    is_stale: false,
    age_seconds: 0,
    previous_close: "100.0000",
    session_open: "100.5000",
    day_high: "102.0000",
    day_low: "99.0000",
  };
  const venue = { is_stopped: false, since: null, actor: "", reason: "" };
  return { type: "snapshot", session: session(date), venue, instruments: [{ ...names, ...terms, ...prices, at }] };
}

function tick(date: string, price: string): MarketTickMessage {
  return {
    type: "tick",
    session: session(date),
    prices: [
      { symbol: "AAPL", price, day_high: price, day_low: price, at, source: "SIMULATED", is_stale: false, age_seconds: 0 },
    ],
  };
}

function withSnapshot(): MarketState {
  return marketReducer(NO_MARKET, { type: "snapshotReceived", message: snapshot("2019-03-04") });
}

describe("the market", () => {
  it("is not built from ticks alone", () => {
    expect(marketReducer(NO_MARKET, { type: "tickReceived", message: tick("2019-03-04", "1.0000") })).toBe(NO_MARKET);
  });

  it("takes price and range from a tick and remembers the price", () => {
    const state = marketReducer(withSnapshot(), { type: "tickReceived", message: tick("2019-03-04", "103.0000") });
    expect(state.quotes[0]?.price).toBe(parseUnits("103.0000"));
    expect(state.quotes[0]?.dayHigh).toBe(parseUnits("103.0000"));
    expect(state.quotes[0]?.seen).toEqual([parseUnits("100.5000"), parseUnits("103.0000")]);
  });

  it("starts the line anew in a new session and says that the previous closes are outdated", () => {
    const state = marketReducer(withSnapshot(), { type: "tickReceived", message: tick("2019-03-05", "104.0000") });
    expect(state.isOutdated).toBe(true);
    expect(state.quotes[0]?.seen).toEqual([parseUnits("104.0000")]);
    const renewed = marketReducer(state, { type: "snapshotReceived", message: snapshot("2019-03-05") });
    expect(renewed.isOutdated).toBe(false);
  });

  it("lists what has no price apart, until it has one", () => {
    const message = snapshot("2019-03-04");
    const unpriced = { price: null, previous_close: null, session_open: null, day_high: null, day_low: null, at: null };
    const instruments = message.instruments.flatMap((each) => [
      each,
      { ...each, ...unpriced, symbol: "NEW", is_halted: true },
    ]);
    const state = marketReducer(NO_MARKET, { type: "snapshotReceived", message: { ...message, instruments } });
    expect(state.quotes.map((quote) => quote.symbol)).toEqual(["AAPL"]);
    const steps = { priceIncrement: 100n, lotSize: 1_000_000n };
    expect(state.unpriced).toEqual([
      { ...{ symbol: "NEW", name: "Apple Inc.", sector: "Information Technology" }, isHalted: true, ...steps },
    ]);
    const ticked = marketReducer(state, { type: "tickReceived", message: tick("2019-03-04", "103.0000") });
    expect(ticked.unpriced).toBe(state.unpriced);
    expect(ticked.isOutdated).toBe(false);
    const first = tick("2019-03-04", "103.0000");
    const priced = { ...first, prices: first.prices.map((each) => ({ ...each, symbol: "NEW" })) };
    expect(marketReducer(state, { type: "tickReceived", message: priced }).isOutdated).toBe(true);
  });

  it("takes from a tick that a price is too old, and how old", () => {
    const message = tick("2019-03-04", "103.0000");
    const old = { ...message, prices: message.prices.map((each) => ({ ...each, is_stale: true, age_seconds: 185 })) };
    const [quote] = marketReducer(withSnapshot(), { type: "tickReceived", message: old }).quotes;
    expect(quote && staleText(quote)).toBe("stale, 3 min");
  });

  it("keeps a bounded number of points over the whole session", () => {
    let state = withSnapshot();
    for (let count = 0; count < 2000; count += 1) {
      state = marketReducer(state, { type: "tickReceived", message: tick("2019-03-04", "103.0000") });
    }
    const seen = state.quotes[0]?.seen ?? [];
    expect(seen.length).toBeLessThanOrEqual(POINTS_MAX);
    expect(seen.length).toBeGreaterThan(POINTS_MAX / 4);
    expect(seen[0]).toBe(parseUnits("100.5000"));
  });
});
