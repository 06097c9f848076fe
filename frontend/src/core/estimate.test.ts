import { describe, expect, it } from "vitest";

import ruleCases from "../testing/rule_cases.json";
import { sampleAccount, samplePosition } from "../testing/samples";
import {
  amountMax,
  estimateCash,
  estimateOrder,
  OPEN_ORDERS_MAX,
  POSITION_MAX,
  quantityMax,
  VALUE_MAX,
  workingValues,
  type OrderDraft,
} from "./estimate";
import { parseUnits, toDecimal } from "./money";
import { CUSHION_POINTS, hasLimit, hasStop, isLimitWithinStop, timesInForceOf } from "./order_terms";
import { parseShares, SHARE, toQuantity } from "./shares";
import { AMOUNT_MAX, PRICE_MAX, QUANTITY_MAX } from "./typed";
import type { Account, Order, OrderType, Position, Side, TimeInForce } from "./types";

const now = new Date("2026-01-15T12:00:00Z");
const context = { account: sampleAccount(), position: undefined, orders: [], symbol: "AAPL", now };

function draft(changes: Partial<OrderDraft> = {}): OrderDraft {
  return { side: "BUY", type: "LIMIT", quantity: 10n * SHARE, price: parseUnits("100.0000"), ...changes };
}

describe("an estimate", () => {
  it("says what a buy would lead to", () => {
    const estimate = estimateOrder(draft(), context);
    expect(toDecimal(estimate.value)).toBe("1000.0000");
    expect(toDecimal(estimate.reservedCash)).toBe("1000.0000");
    expect(toDecimal(estimate.buyingPowerAfter)).toBe("89000.0000");
    expect(toDecimal(estimate.tradeRemaining)).toBe("99000.0000");
    expect(estimate.positionAfter).toBe(10n * SHARE);
    expect(estimate.weightPoints).toBe(100n);
    expect(toDecimal(estimate.dayRemainingNet)).toBe("989000.0000");
    expect(estimate.expectedRefusal).toBeNull();
  });

  it.each([
    ["MARKET", "1040.0000"],
    ["STOP", "1040.0000"],
    ["LIMIT", "1000.0000"],
    ["STOP_LIMIT", "1000.0000"],
  ] as const)("reserves four percent more for a %s buy than it is judged by, where no limit holds it", (type, reserved) => {
    const estimate = estimateOrder(draft({ type }), context);
    expect([toDecimal(estimate.value), toDecimal(estimate.reservedCash)]).toEqual(["1000.0000", reserved]);
  });

  it("reserves shares for a sale", () => {
    const position = samplePosition({ quantity: "100", reserved_quantity: "30", available: "70" });
    const estimate = estimateOrder(draft({ side: "SELL", type: "MARKET" }), { ...context, position });
    expect([estimate.reservedCash, estimate.reservedShares, estimate.availableAfter]).toEqual([0n, 10n * SHARE, 60n * SHARE]);
    expect(estimate.buyingPowerAfter).toBe(parseUnits(context.account.buying_power));
  });

  it("says what a sale would realize, with the cost rounded down as the account does it", () => {
    const position = samplePosition({ quantity: "3", cost: "100.0000", last_price: "33.0000" });
    const estimate = estimateOrder(draft({ side: "SELL", quantity: 1n * SHARE, price: parseUnits("40.0000") }), {
      ...context,
      position,
    });
    expect(estimate.realized).toBe(parseUnits("40.0000") - parseUnits("33.3333"));
  });

  it("forgets the volume of an earlier day", () => {
    const estimate = estimateOrder(draft(), { ...context, now: new Date("2026-01-16T00:00:00Z") });
    expect(toDecimal(estimate.dayVolumeAfter)).toBe("1000.0000");
  });

  it("allows a position of exactly the limit and refuses one share more", () => {
    expect(estimateOrder(draft({ quantity: 100n * SHARE }), context).expectedRefusal).toBeNull();
    expect(estimateOrder(draft({ quantity: 101n * SHARE }), context).expectedRefusal).toEqual({
      code: "POSITION_LIMIT_EXCEEDED",
      limit: "10000.0000",
      actual: "10100.0000",
    });
  });

  it.each([
    ["TRADE_LIMIT_EXCEEDED", draft({ quantity: 1001n * SHARE }), {}],
    [
      "DAILY_LIMIT_EXCEEDED",
      draft(),
      { day: { date: "2026-01-15", volume: "999999.0000", trades: 9, realized_pnl: "0.0000" } },
    ],
    ["INSUFFICIENT_FUNDS", draft(), { cash: "999.9999", buying_power: "999.9999" }],
    ["INSUFFICIENT_FUNDS", draft({ type: "MARKET" }), { cash: "1039.9999", buying_power: "1039.9999" }],
    ["ORDER_COUNT_EXCEEDED", draft(), { open_orders: 1_000 }],
    ["INSUFFICIENT_POSITION", draft({ side: "SELL" }), {}],
  ] as const)("expects %s", (code, order, changes) => {
    const estimate = estimateOrder(order, { ...context, account: sampleAccount(changes) });
    expect(estimate.expectedRefusal?.code).toBe(code);
  });
});

it("weighs a position in the portfolio that the fill leaves, to the unit", () => {
  const account = sampleAccount({ cash: "0.0010", buying_power: "0.0010", portfolio_value: "0.0010" });
  const position = samplePosition({ quantity: "0.5", available: "0.5", cost: "0.0000", last_price: "0.0001" });
  const estimate = estimateOrder(draft({ quantity: SHARE, price: 1n }), { ...context, account, position });
  expect(estimate.weightPoints).toBe(1818n);
});

describe("the largest quantity", () => {
  it("is the one that the rules still allow", () => {
    const most = quantityMax(draft(), context);
    expect(most).toBe(100n * SHARE);
    expect(estimateOrder(draft({ quantity: most }), context).expectedRefusal).toBeNull();
    expect(estimateOrder(draft({ quantity: most + 1n }), context).expectedRefusal).not.toBeNull();
  });

  it("is what is held for a sale, and never negative", () => {
    expect(quantityMax(draft({ side: "SELL" }), { ...context, position: samplePosition() })).toBe(100n * SHARE);
    const empty = sampleAccount({ cash: "0.0000", buying_power: "0.0000" });
    expect(quantityMax(draft(), { ...context, account: empty })).toBe(0n);
  });

  it("is all that there is to sell, parts of a share included, and whole shares to buy", () => {
    const position = samplePosition({ quantity: "2.75", available: "2.75" });
    expect(quantityMax(draft({ side: "SELL" }), { ...context, position })).toBe(2_750_000n);
    const account = sampleAccount({ limits: { ...sampleAccount().limits, max_trade_value: "250.0000" } });
    expect(quantityMax(draft(), { ...context, account })).toBe(2n * SHARE);
    expect(quantityMax(draft({ side: "SELL" }), { ...context, account, position })).toBe(2n * SHARE);
  });

  it("leaves alone what working orders reserve", () => {
    const account = sampleAccount({
      cash: "50000.0000",
      reserved_cash: "45000.0000",
      buying_power: "5000.0000",
      portfolio_value: "50000.0000",
      limits: { ...sampleAccount().limits, max_position_percent: "100.00" },
    });
    const position = samplePosition({ quantity: "10", reserved_quantity: "8", available: "2" });
    expect(quantityMax(draft({ price: parseUnits("40") }), { ...context, account })).toBe(125n * SHARE);
    expect(quantityMax(draft({ side: "SELL" }), { ...context, position })).toBe(2n * SHARE);
  });
});

describe("the account's own rules (readmodels/tests/rule_cases.py), figure for figure:", () => {
  const at = new Date(ruleCases.now);

  it("the largest figures", () => {
    expect(toDecimal(AMOUNT_MAX)).toBe(ruleCases.amount_max);
    expect(toDecimal(PRICE_MAX)).toBe(ruleCases.price_max);
    expect(toQuantity(QUANTITY_MAX)).toBe(ruleCases.quantity_max);
    expect(toQuantity(POSITION_MAX)).toBe(ruleCases.position_max);
    expect(toDecimal(VALUE_MAX)).toBe(ruleCases.value_max);
    expect(OPEN_ORDERS_MAX).toBe(ruleCases.open_orders_max);
    expect(CUSHION_POINTS).toBe(BigInt(ruleCases.cushion_bp));
  });

  it("the terms that go together", () => {
    for (const { side, type: name, time_in_force, limit_price, stop_price, code } of ruleCases.terms) {
      const type = name as OrderType;
      const [limit, stop] = [limit_price, stop_price].map((price) => (price === null ? null : parseUnits(price)));
      expect([name, hasLimit(type), hasStop(type)]).toEqual([name, limit_price !== null, stop_price !== null]);
      const isTaken =
        timesInForceOf(type).includes(time_in_force as TimeInForce) &&
        isLimitWithinStop(side as Side, { limit: limit ?? null, stop: stop ?? null });
      expect([side, name, time_in_force, limit_price, stop_price, isTaken]).toEqual(
        [side, name, time_in_force, limit_price, stop_price, code === null], // Which one, when they differ.
      );
    }
  });

  it.each(ruleCases.accounts.map((each) => [each.name, each] as const))("%s", (_, known) => {
    const account = known.account as Account;
    const positions: Position[] = known.positions;
    for (const symbol of ["KO", "XOM"] as const) {
      if (known.working === null) continue;
      const orders = known.working.orders as unknown as Order[];
      const { all, buysOfSymbol } = workingValues({ orders, symbol });
      expect([toDecimal(all), toDecimal(buysOfSymbol)]).toEqual([known.working.value, known.working.bought[symbol]]);
    }
    for (const { symbol, side, type, price, most, outcomes } of known.orders) {
      const position = positions.find((each) => each.symbol === symbol);
      const about = { side: side as Side, type: type as OrderType, price: parseUnits(price) };
      const orders = (known.working?.orders ?? []) as unknown as Order[];
      const found = { account, position, orders, symbol, now: at };
      const which = [symbol, side, type, price]; // Which one, when they differ.
      expect([...which, toQuantity(quantityMax(about, found))]).toEqual([...which, most]);
      for (const outcome of outcomes) {
        const estimate = estimateOrder({ ...about, quantity: parseShares(outcome.quantity) }, found);
        expect([...which, outcome.quantity, estimate.expectedRefusal]).toEqual([...which, outcome.quantity, outcome.refused]);
        if (outcome.refused !== null) continue;
        expect({
          quantity: outcome.quantity,
          refused: null,
          fee: toDecimal(estimate.fee),
          buying_power_filled: toDecimal(estimate.buyingPowerFilled),
          reserved_cash: toDecimal(estimate.reservedCash),
          buying_power_after: toDecimal(estimate.buyingPowerAfter),
          available_after: toQuantity(estimate.availableAfter),
          position_after: toQuantity(estimate.positionAfter),
          day_volume_after: toDecimal(estimate.dayVolumeAfter),
          realized: estimate.realized === null ? null : toDecimal(estimate.realized),
          weight_points: estimate.weightPoints === null ? null : Number(estimate.weightPoints),
        }).toEqual(outcome);
      }
    }
    for (const [kind, transfers] of [["withdraw", known.withdrawals] as const, ["deposit", known.deposits] as const]) {
      expect(toDecimal(amountMax(kind, account))).toBe(transfers.most);
      for (const { amount, refused, cash_after } of transfers.outcomes) {
        const estimate = estimateCash(kind, parseUnits(amount), account);
        expect(estimate.expectedRefusal).toEqual(refused);
        if (refused === null) expect(toDecimal(estimate.cashAfter)).toBe(cash_after);
      }
    }
  });
});
