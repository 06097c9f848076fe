// What a trade would lead to, before it is sent: value, cash, weight against the limit, what is left of the day. The
// rules are the account's own (accounts/domain/risk.py), in the same order and with the same sums at the price the
// account last traded at. A forecast for a person, never a decision: the platform decides.

import {
  basisPoints,
  BASIS_POINTS,
  parseUnits,
  percentToBasisPoints,
  QUANTITY_MAX,
  toDecimal,
  type Units,
} from "./money";
import type { AccountSummary, Position, Side } from "./types";
import { figuresOfToday } from "./valuation";

export interface TradeDraft {
  symbol: string;
  side: Side;
  quantity: number;
  price: Units;
}

/** In the form of the platform's own refusals: money as decimal strings, shares as whole numbers. */
export interface ExpectedRefusal {
  code: string;
  limit: string;
  actual: string;
}

export interface TradeEstimate {
  value: Units;
  cashAfter: Units;
  positionAfter: bigint;
  /** Share of the portfolio after the trade, and the most there may be after a buy, in basis points. */
  weightPoints: bigint | null;
  weightLimitPoints: bigint;
  dayVolumeAfter: Units;
  dayRemainingAfter: Units;
  realized: Units | null;
  expectedRefusal: ExpectedRefusal | null;
}

interface Context {
  account: AccountSummary;
  position: Position | undefined;
  now: Date;
}

export function estimateTrade(draft: TradeDraft, context: Context): TradeEstimate {
  const { account, position } = context;
  const isBuy = draft.side === "BUY";
  const quantity = BigInt(draft.quantity);
  const value = quantity * draft.price;
  const held = BigInt(position?.quantity ?? 0);
  const positionAfter = held + (isBuy ? quantity : -quantity);
  const portfolioValue = portfolioValueAt(draft.price, context);
  const dayVolumeAfter = figuresOfToday(account, context.now).volume + value;
  const isCovered = !isBuy && positionAfter >= 0n && held > 0n;
  const costSold = isCovered ? (parseUnits(position?.cost ?? "0") * quantity) / held : 0n;
  return {
    value,
    cashAfter: parseUnits(account.cash) + (isBuy ? -value : value),
    positionAfter,
    weightPoints: basisPoints((positionAfter > 0n ? positionAfter : 0n) * draft.price, portfolioValue),
    weightLimitPoints: percentToBasisPoints(account.limits.max_position_percent),
    dayVolumeAfter,
    dayRemainingAfter: parseUnits(account.limits.max_daily_value) - dayVolumeAfter,
    realized: isCovered ? value - costSold : null,
    expectedRefusal: expectedRefusal(draft, context, { value, portfolioValue, dayVolumeAfter }),
  };
}

/** The largest quantity that the rules allow at this price now; 0 when none. */
export function quantityMax(draft: Omit<TradeDraft, "quantity">, context: Context): number {
  const { account, position } = context;
  const { max_trade_value, max_daily_value, max_position_percent } = account.limits;
  const remaining = parseUnits(max_daily_value) - figuresOfToday(account, context.now).volume;
  const bounds = [BigInt(QUANTITY_MAX), parseUnits(max_trade_value) / draft.price, remaining / draft.price];
  const held = BigInt(position?.quantity ?? 0);
  if (draft.side === "SELL") {
    bounds.push(held);
  } else {
    const room = (percentToBasisPoints(max_position_percent) * portfolioValueAt(draft.price, context)) / BASIS_POINTS;
    bounds.push(parseUnits(account.cash) / draft.price, room / draft.price - held);
  }
  const lowest = bounds.reduce((least, bound) => (bound < least ? bound : least));
  return lowest > 0n ? Number(lowest) : 0;
}

function expectedRefusal(
  draft: TradeDraft,
  { account, position }: Context,
  { value, portfolioValue, dayVolumeAfter }: { value: Units; portfolioValue: Units; dayVolumeAfter: Units },
): ExpectedRefusal | null {
  const { limits } = account;
  const breach = (code: string, limit: Units, actual: Units): ExpectedRefusal => ({
    code,
    limit: toDecimal(limit),
    actual: toDecimal(actual),
  });
  const quantity = BigInt(draft.quantity);
  const held = BigInt(position?.quantity ?? 0);
  const isBuy = draft.side === "BUY";
  const tradeMax = parseUnits(limits.max_trade_value);
  const dailyMax = parseUnits(limits.max_daily_value);
  const cash = parseUnits(account.cash);
  if (value > tradeMax) return breach("TRADE_LIMIT_EXCEEDED", tradeMax, value);
  if (dayVolumeAfter > dailyMax) return breach("DAILY_LIMIT_EXCEEDED", dailyMax, dayVolumeAfter);
  if (isBuy && value > cash) return breach("INSUFFICIENT_FUNDS", cash, value);
  if (!isBuy && quantity > held)
    return { code: "INSUFFICIENT_POSITION", limit: held.toString(), actual: quantity.toString() };
  if (!isBuy) return null;
  const limitPoints = percentToBasisPoints(limits.max_position_percent);
  const positionValue = (held + quantity) * draft.price;
  if (positionValue * BASIS_POINTS <= limitPoints * portfolioValue) return null;
  return breach("POSITION_LIMIT_EXCEEDED", (limitPoints * portfolioValue) / BASIS_POINTS, positionValue);
}

/** The portfolio with this symbol at the trade's price and all others at the price last traded at. */
function portfolioValueAt(price: Units, { account, position }: Context): Units {
  const recorded = parseUnits(account.portfolio_value);
  if (position === undefined) return recorded;
  return recorded + BigInt(position.quantity) * (price - parseUnits(position.last_price));
}
