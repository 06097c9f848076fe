import { describe, expect, it } from "vitest";

import { sampleAccount, samplePosition } from "../testing/samples";
import { estimateTrade, quantityMax, type TradeDraft } from "./estimate";
import { parseUnits, toDecimal } from "./money";

const now = new Date("2026-01-15T12:00:00Z");
const context = { account: sampleAccount(), position: undefined, now };

function draft(changes: Partial<TradeDraft> = {}): TradeDraft {
  return { symbol: "AMD", side: "BUY", quantity: 10, price: parseUnits("100.0000"), ...changes };
}

describe("an estimate", () => {
  it("says what a buy would lead to", () => {
    const estimate = estimateTrade(draft(), context);
    expect(toDecimal(estimate.value)).toBe("1000.0000");
    expect(toDecimal(estimate.cashAfter)).toBe("89000.0000");
    expect(estimate.positionAfter).toBe(10n);
    expect(estimate.weightPoints).toBe(100n);
    expect(toDecimal(estimate.dayRemainingAfter)).toBe("989000.0000");
    expect(estimate.expectedRefusal).toBeNull();
  });

  it("says what a sale would realize, with the cost rounded down as the account does it", () => {
    const position = samplePosition({ quantity: "3", cost: "100.0000", last_price: "33.0000" });
    const estimate = estimateTrade(draft({ symbol: "AAPL", side: "SELL", quantity: 1, price: parseUnits("40.0000") }), {
      ...context,
      position,
    });
    expect(estimate.realized).toBe(parseUnits("40.0000") - parseUnits("33.3333"));
  });

  it("forgets the volume of an earlier day", () => {
    const estimate = estimateTrade(draft(), { ...context, now: new Date("2026-01-16T00:00:00Z") });
    expect(toDecimal(estimate.dayVolumeAfter)).toBe("1000.0000");
  });

  it("allows a position of exactly the limit and refuses one share more", () => {
    expect(estimateTrade(draft({ quantity: 100 }), context).expectedRefusal).toBeNull();
    expect(estimateTrade(draft({ quantity: 101 }), context).expectedRefusal).toEqual({
      code: "POSITION_LIMIT_EXCEEDED",
      limit: "10000.0000",
      actual: "10100.0000",
    });
  });

  it.each([
    ["TRADE_LIMIT_EXCEEDED", draft({ quantity: 1001 }), {}],
    [
      "DAILY_LIMIT_EXCEEDED",
      draft(),
      { day: { date: "2026-01-15", volume: "999999.0000", trades: 9, realized_pnl: "0.0000" } },
    ],
    ["INSUFFICIENT_FUNDS", draft(), { cash: "999.9999" }],
    ["INSUFFICIENT_POSITION", draft({ side: "SELL" }), {}],
  ] as const)("expects %s", (code, trade, changes) => {
    const estimate = estimateTrade(trade, { ...context, account: sampleAccount(changes) });
    expect(estimate.expectedRefusal?.code).toBe(code);
  });
});

describe("the largest quantity", () => {
  it("is the one that the rules still allow", () => {
    const most = quantityMax(draft(), context);
    expect(most).toBe(100);
    expect(estimateTrade(draft({ quantity: most }), context).expectedRefusal).toBeNull();
    expect(estimateTrade(draft({ quantity: most + 1 }), context).expectedRefusal).not.toBeNull();
  });

  it("is what is held for a sale, and never negative", () => {
    expect(quantityMax(draft({ side: "SELL" }), { ...context, position: samplePosition() })).toBe(100);
    expect(quantityMax(draft(), { ...context, account: sampleAccount({ cash: "0.0000" }) })).toBe(0);
  });
});
