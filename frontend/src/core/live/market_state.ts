// The market as far as it was shown to us: a pure reducer over snapshots and ticks. Keeps, for each instrument, the
// prices seen in this session for a sparkline (bounded: when full, every other point goes and sampling slows down).

import { parseUnits, type Units } from "../money";
import type { Instrument, MarketSession, MarketSnapshotMessage, MarketTickMessage } from "../types";

export interface Quote {
  symbol: string;
  name: string;
  sector: string;
  price: Units;
  previousClose: Units;
  sessionOpen: Units;
  dayHigh: Units;
  dayLow: Units;
  at: string;
  /** Prices seen in this session, oldest first; the current price comes after the last of them. */
  seen: readonly Units[];
}

export interface MarketState {
  session: MarketSession | null;
  quotes: readonly Quote[];
  /** Every how many ticks a price is kept. */
  stride: number;
  ticksSinceKept: number;
  /** A new session began, so previous closes have to come with a new snapshot. */
  isOutdated: boolean;
}

export type MarketAction =
  { type: "snapshotReceived"; message: MarketSnapshotMessage } | { type: "tickReceived"; message: MarketTickMessage };

export const POINTS_MAX = 240;

export const NO_MARKET: MarketState = { session: null, quotes: [], stride: 1, ticksSinceKept: 0, isOutdated: false };

export function marketReducer(state: MarketState, action: MarketAction): MarketState {
  switch (action.type) {
    case "snapshotReceived":
      return snapshotReceived(state, action.message);
    case "tickReceived":
      return tickReceived(state, action.message);
  }
}

function snapshotReceived(state: MarketState, { session, instruments }: MarketSnapshotMessage): MarketState {
  const isSameSession = state.session?.date === session.date;
  const known = new Map(state.quotes.map((quote) => [quote.symbol, quote.seen]));
  const quotes = instruments.map((instrument) => {
    const seen = isSameSession ? known.get(instrument.symbol) : undefined;
    return quoteOf(instrument, seen ?? [parseUnits(instrument.session_open)]);
  });
  const sampling = isSameSession ? state : NO_MARKET;
  return { ...sampling, session, quotes, isOutdated: false };
}

function tickReceived(state: MarketState, { session, prices }: MarketTickMessage): MarketState {
  if (state.session === null) return state;
  const isNewSession = session.date !== state.session.date;
  const isKept = !isNewSession && state.ticksSinceKept + 1 >= state.stride;
  const ticks = new Map(prices.map((tick) => [tick.symbol, tick]));
  const quotes = state.quotes.map((quote) => {
    const tick = ticks.get(quote.symbol);
    if (tick === undefined) return quote;
    const price = parseUnits(tick.price);
    const seen = isNewSession ? [price] : isKept ? [...quote.seen, price] : quote.seen;
    const [dayHigh, dayLow] = [parseUnits(tick.day_high), parseUnits(tick.day_low)];
    return { ...quote, price, dayHigh, dayLow, at: tick.at, seen };
  });
  const ticked = { ...state, session, quotes, ticksSinceKept: isKept ? 0 : state.ticksSinceKept + 1 };
  if (isNewSession) return { ...ticked, stride: 1, ticksSinceKept: 0, isOutdated: true };
  return thinned(ticked);
}

function thinned(state: MarketState): MarketState {
  const length = state.quotes.reduce((longest, quote) => Math.max(longest, quote.seen.length), 0);
  if (length <= POINTS_MAX) return state;
  const quotes = state.quotes.map((quote) => ({ ...quote, seen: quote.seen.filter((_, index) => index % 2 === 0) }));
  return { ...state, quotes, stride: state.stride * 2 };
}

function quoteOf(instrument: Instrument, seen: readonly Units[]): Quote {
  return {
    symbol: instrument.symbol,
    name: instrument.name,
    sector: instrument.sector,
    price: parseUnits(instrument.price),
    previousClose: parseUnits(instrument.previous_close),
    sessionOpen: parseUnits(instrument.session_open),
    dayHigh: parseUnits(instrument.day_high),
    dayLow: parseUnits(instrument.day_low),
    at: instrument.at,
    seen,
  };
}
