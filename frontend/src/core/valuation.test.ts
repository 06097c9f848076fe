import { expect, it } from "vitest";

import ruleCases from "../testing/rule_cases.json";
import { sampleAccount, samplePosition } from "../testing/samples";
import { parseUnits, toDecimal } from "./money";
import { formatQuantity, SHARE } from "./shares";
import type { Account } from "./types";
import { figuresOfToday, valueAtMarket } from "./valuation";

it("values positions at the live price, exactly", () => {
  const price = parseUnits("110.1234");
  const prices = new Map([["AAPL", { price, previousClose: parseUnits("111"), at: "2026-01-15T12:00:00Z" }]]);
  const valuation = valueAtMarket(sampleAccount(), [samplePosition()], prices);
  expect(toDecimal(valuation.portfolioValue)).toBe("101012.3400");
  expect(toDecimal(valuation.unrealized)).toBe("1012.3400");
  expect(valuation.positions[0]?.weightPoints).toBe(1090n);
  expect(toDecimal(valuation.dayChange)).toBe("-87.6600");
  expect(valuation.positions[0]?.pricedAt).toBe("2026-01-15T12:00:00Z");
  expect(valuation.isAtMarket).toBe(true);
});

it("counts every share of a position that no number holds", () => {
  const position = samplePosition({ quantity: "9007199254740993", last_price: "0.0001" });
  const [valued] = valueAtMarket(sampleAccount(), [position], new Map()).positions;
  expect(valued?.quantity).toBe(9007199254740993n * SHARE);
  expect(valued?.marketValue).toBe(9007199254740993n);
  expect(formatQuantity(position.quantity)).toBe("9,007,199,254,740,993");
});

it("uses the price last traded at where the market has none, and says so", () => {
  const valuation = valueAtMarket(sampleAccount(), [samplePosition()], new Map());
  expect(toDecimal(valuation.portfolioValue)).toBe("100000.0000");
  expect(valuation.isAtMarket).toBe(false);
});

it.each(ruleCases.accounts.map((each) => [each.name, each] as const))(
  "comes to what the server says, to the unit: %s",
  (_, { account, positions, at_market: known }) => {
    const quotes = known.quotes.map(({ symbol, price, previous_close }) => {
      const quote = { price: parseUnits(price), previousClose: parseUnits(previous_close), at: known.quoted_at };
      return [symbol, quote] as const;
    });
    const valuation = valueAtMarket(account as Account, positions, new Map(quotes));
    expect({
      is_complete: valuation.isAtMarket,
      positions_value: toDecimal(valuation.positionsValue),
      equity: toDecimal(valuation.portfolioValue),
      unrealized_pnl: toDecimal(valuation.unrealized),
      day_change: toDecimal(valuation.dayChange),
    }).toEqual(known.account);
    const found = valuation.positions.map((position) => ({
      price: toDecimal(position.price),
      price_at: position.pricedAt,
      market_value: toDecimal(position.marketValue),
      unrealized_pnl: toDecimal(position.unrealized),
      day_change: position.dayChange === null ? null : toDecimal(position.dayChange),
    }));
    expect(found).toEqual(known.positions);
  },
);

it("counts the day's figures on that UTC day only", () => {
  expect(figuresOfToday(sampleAccount(), new Date("2026-01-15T23:59:59Z")).realized).toBe(parseUnits("25.0000"));
  expect(figuresOfToday(sampleAccount(), new Date("2026-01-16T00:00:00Z"))).toEqual({
    volume: 0n,
    realized: 0n,
    trades: 0,
  });
});
