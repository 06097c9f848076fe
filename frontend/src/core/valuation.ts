// What an account is worth at the market's prices now. The account itself records values at the price it last traded
// each symbol at; here the same sums are made with the live prices. Exact: all of it is integer arithmetic.

import { basisPoints, parseUnits, type Units } from "./money";
import { parseShares, valueOf, type Shares } from "./shares";
import type { Account, Position } from "./types";

/** What the market says of a symbol. */
export interface MarketPrice {
  price: Units;
  previousClose: Units | null;
  /** When it said so. */
  at: string;
}

/** Live prices by symbol. */
export type Prices = ReadonlyMap<string, MarketPrice>;

export interface ValuedPosition {
  symbol: string;
  quantity: Shares;
  /** Those that no working order keeps. */
  available: bigint;
  averageCost: Units;
  cost: Units;
  /** The live price, or the one last traded at when the market has none. */
  price: Units;
  isLivePrice: boolean;
  /** When the market said it; null when it says none. */
  pricedAt: string | null;
  marketValue: Units;
  unrealized: Units;
  unrealizedPoints: bigint | null;
  /** What it gained since the previous close; null when the market says none. */
  dayChange: Units | null;
  realized: Units;
  /** Share of the portfolio at market, in basis points. */
  weightPoints: bigint | null;
}

export interface Valuation {
  positions: ValuedPosition[];
  positionsValue: Units;
  portfolioValue: Units;
  unrealized: Units;
  unrealizedPoints: bigint | null;
  /** What the positions gained since the previous close. */
  dayChange: Units;
  /** Whether every position is valued at a live price. */
  isAtMarket: boolean;
}

export function valueAtMarket(account: Account, positions: readonly Position[], prices: Prices): Valuation {
  const valued = positions.map((position) => valuePosition(position, prices));
  const positionsValue = sum(valued.map((position) => position.marketValue));
  const cost = sum(valued.map((position) => position.cost));
  const portfolioValue = parseUnits(account.cash) + positionsValue;
  return {
    positions: valued.map((position) => ({
      ...position,
      weightPoints: basisPoints(position.marketValue, portfolioValue),
    })),
    positionsValue,
    portfolioValue,
    unrealized: positionsValue - cost,
    unrealizedPoints: basisPoints(positionsValue - cost, cost),
    dayChange: sum(valued.map((position) => position.dayChange ?? 0n)),
    isAtMarket: valued.every((position) => position.isLivePrice),
  };
}

/** The day's figures as they count now: those of an earlier UTC day count no more. */
export function figuresOfToday(account: Account, now: Date): { volume: Units; realized: Units; trades: number } {
  if (account.day.date !== now.toISOString().slice(0, 10)) return { volume: 0n, realized: 0n, trades: 0 };
  const { volume, realized_pnl, trades } = account.day;
  return { volume: parseUnits(volume), realized: parseUnits(realized_pnl), trades };
}

function valuePosition(position: Position, prices: Prices): ValuedPosition {
  const live = prices.get(position.symbol);
  const price = live?.price ?? parseUnits(position.last_price);
  const cost = parseUnits(position.cost);
  const quantity = parseShares(position.quantity);
  const marketValue = valueOf(quantity, price);
  return {
    symbol: position.symbol,
    quantity,
    available: parseShares(position.available),
    averageCost: parseUnits(position.avg_cost),
    cost,
    price,
    isLivePrice: live !== undefined,
    pricedAt: live?.at ?? null,
    marketValue,
    unrealized: marketValue - cost,
    unrealizedPoints: basisPoints(marketValue - cost, cost),
    dayChange: live?.previousClose == null ? null : marketValue - valueOf(quantity, live.previousClose),
    realized: parseUnits(position.realized_pnl),
    weightPoints: null,
  };
}

function sum(values: readonly Units[]): Units {
  return values.reduce((total, value) => total + value, 0n);
}
