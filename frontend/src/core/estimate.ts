// What an order or a transfer of cash would lead to, before it is sent, and what the account's rules would refuse. The rules
// are the account's own (accounts/domain/risk.py, orders.py and account.py), in the same order and with the same sums:
// estimate.test.ts holds this module to figures that the domain itself gave. What working orders reserve is not there to
// spend or to sell. A forecast for a person, never a decision: the platform decides.

import { orderFee } from "./fees";
import { basisPoints, BASIS_POINTS, parseUnits, percentToBasisPoints, SCALE, toDecimal, type Units } from "./money";
import { cashReserved, marketPriceOf, reservePrice } from "./order_terms";
import { parseShares, SHARE, toQuantity, valueOf, type Shares } from "./shares";
import { AMOUNT_MAX, QUANTITY_MAX } from "./typed";
import type { Account, Order, OrderType, Position, Side } from "./types";
import { figuresOfToday } from "./valuation";

/** What an account, or a sum over its life, may come to. */
export const VALUE_MAX: Units = 100_000_000_000_000n * SCALE;
/** How many shares of a symbol it may hold. */
export const POSITION_MAX: Shares = 1_000_000_000_000n * SHARE;

/** How many orders of an account may work at once. */
export const OPEN_ORDERS_MAX = 1_000;

export interface OrderDraft {
  side: Side;
  type: OrderType;
  quantity: Shares;
  /** What the order is judged by: its limit, else its stop, else the market's price. */
  price: Units;
}

export type CashKind = "deposit" | "withdraw";

/** In the form of the platform's own refusals: money and shares as decimal strings, numbers of orders as whole ones. */
export interface ExpectedRefusal {
  code: string;
  limit: string;
  actual: string;
}

export interface OrderEstimate {
  /** At the price that the order is judged by. */
  value: Units;
  /** What the whole order costs by the account's schedule; no order reserves it. */
  fee: Units;
  /** What a buy takes of the cash with its fee, or a sale brings less its fee, once it is filled at that price. */
  total: Units;
  /** What a buy keeps in cash while it works. */
  reservedCash: Units;
  /** What a sale keeps in shares while it works. */
  reservedShares: Shares;
  /** Cash, and shares of the symbol, that no working order reserves. */
  buyingPowerAfter: Units;
  /** Once it is filled at the price that it is judged by. */
  buyingPowerFilled: Units;
  availableAfter: Shares;
  /** Once it is filled at the price that it is judged by. */
  positionAfter: Shares;
  /** Share of the portfolio once it is filled, and the most there may be after a buy, in basis points. */
  weightPoints: bigint | null;
  weightLimitPoints: bigint;
  /** What is left of the limit for one trade. */
  tradeRemaining: Units;
  dayVolumeAfter: Units;
  /** What is left of the day's limit, and of the one for the symbol, if this order and all that work are filled. */
  dayRemainingNet: Units;
  positionRemainingNet: Units;
  realized: Units | null;
  expectedRefusal: ExpectedRefusal | null;
}

export interface CashEstimate {
  cashAfter: Units;
  buyingPowerAfter: Units;
  expectedRefusal: ExpectedRefusal | null;
}

interface Context {
  account: Account;
  position: Position | undefined;
  /** Those that work, of every symbol. */
  orders: readonly Order[];
  symbol: string;
  now: Date;
}

export function estimateOrder(draft: OrderDraft, context: Context): OrderEstimate {
  const { account, position } = context;
  const { side, type, quantity, price } = draft;
  const isBuy = side === "BUY";
  const value = valueOf(quantity, price);
  const fee = orderFee(account.fee_schedule, quantity, value);
  const buyingPower = parseUnits(account.buying_power);
  const reserved = cashReserved(side, quantity, reservePrice(side, type, price));
  const held = parseShares(position?.quantity ?? "0");
  const positionAfter = held + (isBuy ? quantity : -quantity);
  const portfolioValue = portfolioValueAt(price, context);
  const dayVolumeAfter = figuresOfToday(account, context.now).volume + value;
  const isCovered = !isBuy && positionAfter >= 0n && held > 0n;
  const costSold = isCovered ? (parseUnits(position?.cost ?? "0") * quantity) / held : 0n;
  const heldAfter = positionAfter > 0n ? positionAfter : 0n;
  const positionValueAfter = valueOf(heldAfter, price);
  const portfolioAfter = portfolioValue - valueOf(held, price) + positionValueAfter + (isBuy ? -value : value) - fee;
  const working = workingValues(context);
  const limitPoints = percentToBasisPoints(account.limits.max_position_percent);
  const dailyMax = parseUnits(account.limits.max_daily_value);
  return {
    value,
    fee,
    total: isBuy ? value + fee : value - fee,
    reservedCash: reserved,
    reservedShares: isBuy ? 0n : quantity,
    buyingPowerAfter: buyingPower - reserved,
    buyingPowerFilled: buyingPower + (isBuy ? -value : value) - fee,
    availableAfter: parseShares(position?.available ?? "0") - (isBuy ? 0n : quantity),
    positionAfter,
    weightPoints: basisPoints(positionValueAfter, portfolioAfter),
    weightLimitPoints: limitPoints,
    tradeRemaining: parseUnits(account.limits.max_trade_value) - value,
    dayVolumeAfter,
    dayRemainingNet: dailyMax - dayVolumeAfter - working.all,
    positionRemainingNet: (limitPoints * portfolioValue) / BASIS_POINTS - positionValueAfter - working.buysOfSymbol,
    realized: isCovered ? value - fee - costSold : null,
    expectedRefusal: expectedRefusal(draft, context, { value, fee, reserved, portfolioValue, dayVolumeAfter }),
  };
}

/**
 * The most that is offered at this price now, 0 when nothing: all shares that there are to sell, or the largest number of
 * whole shares that the rules allow; whole lots of either.
 */
export function quantityMax(draft: Omit<OrderDraft, "quantity">, context: Context, lotSize: Shares = 1n): Shares {
  const isAllowed = (quantity: Shares): boolean => estimateOrder({ ...draft, quantity }, context).expectedRefusal === null;
  const held = parseShares(context.position?.available ?? "0");
  const available = held - (held % lotSize);
  const step = lotSize > SHARE ? lotSize : SHARE;
  if (draft.side === "SELL" && available > 0n && available <= QUANTITY_MAX && isAllowed(available)) return available;
  let [low, high] = [0n, QUANTITY_MAX / step];
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (isAllowed(middle * step)) low = middle;
    else high = middle - 1n;
  }
  return low * step - ((low * step) % lotSize);
}

export function estimateCash(kind: CashKind, amount: Units, account: Account): CashEstimate {
  const change = kind === "deposit" ? amount : -amount;
  const available = parseUnits(account.buying_power);
  const sums = [parseUnits(account.portfolio_value), parseUnits(account.deposited)].map((sum) => sum + amount);
  const highest = sums.reduce((most, sum) => (sum > most ? sum : most));
  let refusal: ExpectedRefusal | null = null;
  if (kind === "withdraw" && amount > available) refusal = breach("INSUFFICIENT_FUNDS", available, amount);
  if (kind === "deposit" && highest > VALUE_MAX) refusal = breach("VALUE_LIMIT_EXCEEDED", VALUE_MAX, highest);
  return {
    cashAfter: parseUnits(account.cash) + change,
    buyingPowerAfter: available + change,
    expectedRefusal: refusal,
  };
}

/** The largest amount that can be transferred at once; 0 when none. */
export function amountMax(kind: CashKind, account: Account): Units {
  if (kind === "withdraw") return leastOf([AMOUNT_MAX, parseUnits(account.buying_power)]);
  const room = [account.portfolio_value, account.deposited].map((sum) => VALUE_MAX - parseUnits(sum));
  return leastOf([AMOUNT_MAX, ...room]);
}

/** What the orders that work come to at the prices that they were judged by: all of them, and buys of the symbol. */
export function workingValues({ orders, symbol }: Pick<Context, "orders" | "symbol">): { all: Units; buysOfSymbol: Units } {
  let [all, buysOfSymbol] = [0n, 0n];
  const groups = new Set<string>();
  for (const order of orders) {
    if (order.status === "HELD" || (order.oco_group !== null && groups.has(order.oco_group))) continue;
    if (order.oco_group !== null) groups.add(order.oco_group); // One of them is filled in the end.
    const value = valueOf(parseShares(order.remaining_quantity), judgedPriceOf(order));
    all += value;
    if (order.side === "BUY" && order.symbol === symbol) buysOfSymbol += value;
  }
  return { all, buysOfSymbol };
}

function judgedPriceOf({ side, limit_price, stop_price, reserve_price }: Order): Units {
  const price = limit_price ?? stop_price;
  return price === null ? marketPriceOf(side, parseUnits(reserve_price)) : parseUnits(price);
}

interface Sums {
  value: Units;
  fee: Units;
  reserved: Units;
  portfolioValue: Units;
  dayVolumeAfter: Units;
}

function expectedRefusal(draft: OrderDraft, { account, position }: Context, sums: Sums): ExpectedRefusal | null {
  const { limits } = account;
  const { quantity, price } = draft;
  const { value, fee, reserved, portfolioValue, dayVolumeAfter } = sums;
  const isBuy = draft.side === "BUY";
  const tradeMax = parseUnits(limits.max_trade_value);
  const dailyMax = parseUnits(limits.max_daily_value);
  const buyingPower = parseUnits(account.buying_power);
  const available = parseShares(position?.available ?? "0");
  const heldAfter = parseShares(position?.quantity ?? "0") + quantity;
  if (account.open_orders >= OPEN_ORDERS_MAX) return breachOfCount(OPEN_ORDERS_MAX, account.open_orders + 1);
  if (value === 0n) return breach("VALUE_TOO_SMALL", 1n, 0n);
  if (value > tradeMax) return breach("TRADE_LIMIT_EXCEEDED", tradeMax, value);
  if (dayVolumeAfter > dailyMax) return breach("DAILY_LIMIT_EXCEEDED", dailyMax, dayVolumeAfter);
  if (isBuy && reserved + fee > buyingPower) return breach("INSUFFICIENT_FUNDS", buyingPower, reserved + fee);
  if (!isBuy && quantity > available) return breachOfShares("INSUFFICIENT_POSITION", available, quantity);
  if (!isBuy && fee > buyingPower + value) return breach("INSUFFICIENT_FUNDS", buyingPower + value, fee);
  if (isBuy && heldAfter > POSITION_MAX) return breachOfShares("QUANTITY_LIMIT_EXCEEDED", POSITION_MAX, heldAfter);
  if (portfolioValue > VALUE_MAX) return breach("VALUE_LIMIT_EXCEEDED", VALUE_MAX, portfolioValue);
  if (!isBuy) return null;
  const limitPoints = percentToBasisPoints(limits.max_position_percent);
  const positionValue = valueOf(heldAfter, price);
  const positionMax = (limitPoints * portfolioValue) / BASIS_POINTS;
  return positionValue > positionMax ? breach("POSITION_LIMIT_EXCEEDED", positionMax, positionValue) : null;
}

function breachOfCount(limit: number, actual: number): ExpectedRefusal {
  return { code: "ORDER_COUNT_EXCEEDED", limit: limit.toString(), actual: actual.toString() };
}

function breach(code: string, limit: Units, actual: Units): ExpectedRefusal {
  return { code, limit: toDecimal(limit), actual: toDecimal(actual) };
}

function breachOfShares(code: string, limit: Shares, actual: Shares): ExpectedRefusal {
  return { code, limit: toQuantity(limit), actual: toQuantity(actual) };
}

/** The portfolio with this symbol at the order's price and all others at the price last traded at. */
function portfolioValueAt(price: Units, { account, position }: Context): Units {
  const recorded = parseUnits(account.portfolio_value);
  if (position === undefined) return recorded;
  const held = parseShares(position.quantity);
  return recorded - valueOf(held, parseUnits(position.last_price)) + valueOf(held, price);
}

function leastOf(bounds: readonly bigint[]): bigint {
  const least = bounds.reduce((lowest, bound) => (bound < lowest ? bound : lowest));
  return least > 0n ? least : 0n;
}
