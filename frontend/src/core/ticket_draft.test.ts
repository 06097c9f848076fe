import { describe, expect, it } from "vitest";

import type { Quote } from "./live/market_state";
import { EMPTY_TICKET, type TicketState } from "./ticket";
import { limitProblem, orderOf, readDraft, submitText, unsendableReasonOf } from "./ticket_draft";

const quote: Quote = {
  symbol: "KO",
  name: "Coca-Cola",
  sector: "Consumer",
  price: 501_000n,
  previousClose: 500_000n,
  sessionOpen: 500_000n,
  dayHigh: 510_000n,
  dayLow: 490_000n,
  at: "2026-01-15T10:00:00Z",
  isStale: false,
  ageSeconds: 0,
  isHalted: false,
  seen: [],
};

function ticketOf(changes: Partial<TicketState>): TicketState {
  return { ...EMPTY_TICKET, symbol: "KO", quantityText: "10", ...changes };
}

function orderAndText(changes: Partial<TicketState>, quotes: Quote[] = [quote]): [ReturnType<typeof orderOf>, string] {
  const ticket = ticketOf(changes);
  const draft = readDraft(ticket, quotes, []);
  return [orderOf(ticket, draft), submitText(ticket, draft)];
}

const order = { symbol: "KO", side: "BUY", quantity: "10", timeInForce: "DAY" } as const;

describe("a ticket's order", () => {
  it("is not sent at the market's price when that is too old", () => {
    const old = [{ ...quote, isStale: true, ageSeconds: 7_300 }];
    expect(unsendableReasonOf(ticketOf({ type: "MARKET" }), old, [])).toBe(
      "The price of KO is too old (stale, 2 h): place a limit or a stop order.",
    );
    expect(unsendableReasonOf(ticketOf({ type: "LIMIT" }), old, [])).toBeNull();
    expect(unsendableReasonOf(ticketOf({ type: "MARKET" }), [quote], [])).toBeNull();
  });

  it.each([
    [{ type: "MARKET" }, { type: "MARKET", limitPrice: null, stopPrice: null }, "Buy 10 KO at market"],
    [{ type: "LIMIT", limitText: "49.5" }, { type: "LIMIT", limitPrice: "49.5000", stopPrice: null }, "Buy 10 KO limit 49.50"],
    [{ type: "STOP", stopText: "52" }, { type: "STOP", limitPrice: null, stopPrice: "52.0000" }, "Buy 10 KO stop 52.00"],
    [
      { type: "STOP_LIMIT", stopText: "52", limitText: "52.25" },
      { type: "STOP_LIMIT", limitPrice: "52.2500", stopPrice: "52.0000" },
      "Buy 10 KO stop 52.00 limit 52.25",
    ],
  ] as const)("of %j has the prices of its type", (changes, terms, text) => {
    expect(orderAndText(changes)).toEqual([{ ...order, ...terms }, text]);
  });

  it("leaves out a price that was typed for another type", () => {
    expect(orderAndText({ type: "MARKET", limitText: "49", stopText: "52" })[0]).toMatchObject({ limitPrice: null, stopPrice: null });
    expect(orderAndText({ type: "STOP", limitText: "49", stopText: "52" })[0]).toMatchObject({ limitPrice: null });
  });

  it.each([
    { symbol: "" },
    { quantityText: "" },
    { quantityText: "1,5" },
    { type: "LIMIT" },
    { type: "STOP_LIMIT", stopText: "52" },
    { type: "STOP_LIMIT", limitText: "52" },
    { type: "STOP_LIMIT", stopText: "52", limitText: "51.99" },
    { type: "STOP_LIMIT", side: "SELL", stopText: "52", limitText: "52.01" },
  ] as const)("is none with %j", (changes) => {
    expect(orderAndText(changes)[0]).toBeNull();
  });

  it("is sent at market though the market says nothing here: the platform says so, too", () => {
    expect(orderAndText({}, [])[0]).toMatchObject({ type: "MARKET" });
  });
});

it("is judged by its limit, else its stop, else the market", () => {
  const priceOf = (changes: Partial<TicketState>): bigint | null => readDraft(ticketOf(changes), [quote], []).price;
  expect(priceOf({})).toBe(501_000n);
  expect(priceOf({ type: "LIMIT", limitText: "49" })).toBe(490_000n);
  expect(priceOf({ type: "STOP", stopText: "52" })).toBe(520_000n);
  expect(priceOf({ type: "STOP_LIMIT", stopText: "52", limitText: "53" })).toBe(530_000n);
  expect(priceOf({ type: "LIMIT" })).toBeNull();
});

it("says on which side of its stop a limit has to be", () => {
  const problemOf = (changes: Partial<TicketState>): string | null => {
    const ticket = ticketOf({ type: "STOP_LIMIT", ...changes });
    return limitProblem(ticket, readDraft(ticket, [quote], []), false);
  };
  expect(problemOf({ stopText: "52", limitText: "51" })).toBe("At 52.00 or above");
  expect(problemOf({ side: "SELL", stopText: "52", limitText: "53" })).toBe("At 52.00 or below");
  expect(problemOf({ stopText: "52", limitText: "52" })).toBeNull();
});
