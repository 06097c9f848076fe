import { describe, expect, it } from "vitest";

import type { Quote } from "./live/market_state";
import { SHARE } from "./shares";
import { EMPTY_TICKET, type TicketState } from "./ticket";
import {
  limitProblem,
  orderOf,
  quantityProblem,
  readDraft,
  stopProblem,
  submitText,
  unsendableReasonOf,
} from "./ticket_draft";

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
  priceIncrement: 100n,
  lotSize: SHARE,
  seen: [],
};

const market = { quotes: [quote], unpriced: [] };

function ticketOf(changes: Partial<TicketState>): TicketState {
  return { ...EMPTY_TICKET, symbol: "KO", quantityText: "10", ...changes };
}

function orderAndText(changes: Partial<TicketState>, quotes = [quote]): [ReturnType<typeof orderOf>, string] {
  const ticket = ticketOf(changes);
  const draft = readDraft(ticket, { quotes, unpriced: [] }, []);
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

  it("trails the market by percent or by an amount, and is judged where its stop begins", () => {
    const trailing = { type: "TRAILING_STOP", trailText: "2" } as const;
    const terms = { ...order, type: "TRAILING_STOP", limitPrice: null, stopPrice: null } as const;
    expect(orderAndText(trailing)).toEqual([{ ...terms, trailPercent: "2.00" }, "Buy 10 KO trailing by 2.00 %"]);
    expect(orderAndText({ ...trailing, isTrailInPercent: false })).toEqual([
      { ...terms, trailAmount: "2.0000" },
      "Buy 10 KO trailing by 2.00",
    ]);
    const buy = readDraft(ticketOf(trailing), market, []);
    const sell = readDraft(ticketOf({ ...trailing, side: "SELL" }), market, []);
    expect([buy.price, sell.price]).toEqual([511_020n, 490_980n]);
    expect(orderAndText({ ...trailing, trailText: "100" })[0]).toBeNull();
    expect(orderAndText({ ...trailing, side: "SELL", isTrailInPercent: false, trailText: "51" })[0]).toBeNull();
  });

  it("of a day has the day's end, and is not sent without a day", () => {
    const changes = { type: "LIMIT", limitText: "49", timeInForce: "GTD" } as const;
    expect(orderAndText(changes)[0]).toBeNull();
    expect(orderAndText({ ...changes, lastDay: "2030-01-31" })[0]).toMatchObject({ expiresAt: "2030-01-31T23:59:59Z" });
  });

  it("has exits on either side of its price, one at least", () => {
    const changes = { type: "LIMIT", limitText: "50", hasExits: true } as const;
    expect(orderAndText(changes)[0]).toBeNull();
    expect(orderAndText({ ...changes, profitText: "55" })[0]).toMatchObject({ takeProfit: { limitPrice: "55.0000" } });
    expect(orderAndText({ ...changes, profitText: "55", lossText: "50" })[0]).toBeNull();
    expect(orderAndText({ ...changes, side: "SELL", profitText: "45", lossText: "52" })[0]).toMatchObject({
      takeProfit: { limitPrice: "45.0000" },
      stopLoss: { stopPrice: "52.0000" },
    });
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
  const priceOf = (changes: Partial<TicketState>): bigint | null => readDraft(ticketOf(changes), market, []).price;
  expect(priceOf({})).toBe(501_000n);
  expect(priceOf({ type: "LIMIT", limitText: "49" })).toBe(490_000n);
  expect(priceOf({ type: "STOP", stopText: "52" })).toBe(520_000n);
  expect(priceOf({ type: "STOP_LIMIT", stopText: "52", limitText: "53" })).toBe(530_000n);
  expect(priceOf({ type: "LIMIT" })).toBeNull();
});

it("says on which side of its stop a limit has to be", () => {
  const problemOf = (changes: Partial<TicketState>): string | null => {
    const ticket = ticketOf({ type: "STOP_LIMIT", ...changes });
    return limitProblem(ticket, readDraft(ticket, market, []), false);
  };
  expect(problemOf({ stopText: "52", limitText: "51" })).toBe("At 52.00 or above");
  expect(problemOf({ side: "SELL", stopText: "52", limitText: "53" })).toBe("At 52.00 or below");
  expect(problemOf({ stopText: "52", limitText: "52" })).toBeNull();
});

describe("an instrument's steps", () => {
  const draftOf = (ticket: TicketState, steps: Partial<Quote> = {}): ReturnType<typeof readDraft> =>
    readDraft(ticket, { quotes: [{ ...quote, ...steps }], unpriced: [] }, []);

  it.each([
    ["2.5", SHARE, "In lots of 1: 2 or 3"],
    ["0.5", SHARE, "In lots of 1: 1"],
    ["1,050", 100n * SHARE, "In lots of 100: 1,000 or 1,100"],
    ["0.30", SHARE / 4n, "In lots of 0.25: 0.25 or 0.5"],
    ["1000000000", 3n * SHARE, "In lots of 3: 999,999,999"],
    ["2.50", SHARE / 2n, null],
    ["2.123456", 1n, null],
  ])("say of a quantity of %s what is next to it", (quantityText, lotSize, problem) => {
    const ticket = ticketOf({ quantityText });
    const draft = draftOf(ticket, { lotSize });
    expect(quantityProblem(quantityText, draft, false)).toBe(problem);
    expect(orderOf(ticket, draft) === null).toBe(problem !== null);
  });

  it.each([
    ["49.505", 100n, "In steps of 0.01: 49.50 or 49.51"],
    ["49.52", 500n, "In steps of 0.05: 49.50 or 49.55"],
    ["0.0001", 100n, "In steps of 0.01: 0.01"],
    ["49.5051", 1n, null],
  ])("say of a price of %s what is next to it", (text, priceIncrement, problem) => {
    for (const [ticket, problemOf] of [
      [ticketOf({ type: "LIMIT", limitText: text }), limitProblem],
      [ticketOf({ type: "STOP", stopText: text }), stopProblem],
    ] as const) {
      const draft = draftOf(ticket, { priceIncrement });
      expect(problemOf(ticket, draft, false)).toBe(problem);
      expect(orderOf(ticket, draft) === null).toBe(problem !== null);
    }
  });

  it("are those of an instrument without a price, too, and nothing is said as long as they are not known", () => {
    const ticket = ticketOf({ type: "LIMIT", limitText: "49.505", quantityText: "2.5" });
    const unpriced = readDraft(ticket, { quotes: [], unpriced: [quote] }, []);
    expect(limitProblem(ticket, unpriced, false)).toBe("In steps of 0.01: 49.50 or 49.51");
    const unknown = readDraft(ticket, { quotes: [], unpriced: [] }, []);
    expect([limitProblem(ticket, unknown, false), quantityProblem("2.5", unknown, false)]).toEqual([null, null]);
    expect(orderOf(ticket, unknown)).not.toBeNull();
  });
});
