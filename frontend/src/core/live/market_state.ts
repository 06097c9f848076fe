// The market as far as it was shown to us: a pure reducer over snapshots and ticks. Keeps, for each instrument, the
// prices seen in this session for a sparkline (bounded: when full, every other point goes and sampling slows down).

import { parseUnits, type Units } from "../money";
import { parseShares, type Shares } from "../shares";
import type { Instrument, MarketSession, MarketSnapshotMessage, MarketTickMessage, MarketVenue } from "../types";

/** An instrument that is traded, whether it has a price or not. */
export interface Listing {
  symbol: string;
  name: string;
  sector: string;
  isHalted: boolean;
  /** Prices are multiples of it. */
  priceIncrement: Units;
  /** Quantities are multiples of it. */
  lotSize: Shares;
}

export interface Quote extends Listing {
  price: Units;
  /** Null where nobody has said it. */
  previousClose: Units | null;
  sessionOpen: Units;
  dayHigh: Units;
  dayLow: Units;
  at: string;
  /** The price is too old to be traded at. */
  isStale: boolean;
  ageSeconds: number;
  /** Prices seen in this session, oldest first; the current price comes after the last of them. */
  seen: readonly Units[];
}

export interface MarketState {
  session: MarketSession | null;
  venue: MarketVenue | null;
  quotes: readonly Quote[];
  /** What is traded and has no price yet. */
  unpriced: readonly Listing[];
  /** Every how many ticks a price is kept. */
  stride: number;
  ticksSinceKept: number;
  /** A new session began, so previous closes have to come with a new snapshot; or something has its first price. */
  isOutdated: boolean;
}

export type MarketAction =
  { type: "snapshotReceived"; message: MarketSnapshotMessage } | { type: "tickReceived"; message: MarketTickMessage };

export const POINTS_MAX = 240;

export const NO_MARKET: MarketState = {
  session: null,
  venue: null,
  quotes: [],
  unpriced: [],
  stride: 1,
  ticksSinceKept: 0,
  isOutdated: false,
};

export function marketReducer(state: MarketState, action: MarketAction): MarketState {
  switch (action.type) {
    case "snapshotReceived":
      return snapshotReceived(state, action.message);
    case "tickReceived":
      return tickReceived(state, action.message);
  }
}

/** What is said beside a price that is too old to be traded at, null beside any other. */
export function staleText({ isStale, ageSeconds }: Pick<Quote, "isStale" | "ageSeconds">): string | null {
  if (!isStale) return null;
  if (ageSeconds < 120) return `stale, ${ageSeconds} s`;
  return ageSeconds < 7200 ? `stale, ${Math.floor(ageSeconds / 60)} min` : `stale, ${Math.floor(ageSeconds / 3600)} h`;
}

function snapshotReceived(state: MarketState, { session, venue, instruments }: MarketSnapshotMessage): MarketState {
  const isSameSession = state.session?.date === session.date;
  const known = new Map(state.quotes.map((quote) => [quote.symbol, quote.seen]));
  const quotes: Quote[] = [];
  const unpriced: Listing[] = [];
  for (const instrument of instruments) {
    const seen = isSameSession ? known.get(instrument.symbol) : undefined;
    const quote = quoteOf(instrument, seen);
    if (quote === null) unpriced.push(listingOf(instrument));
    else quotes.push(quote);
  }
  const sampling = isSameSession ? state : NO_MARKET;
  return { ...sampling, session, venue, quotes, unpriced, isOutdated: false };
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
    return { ...quote, price, dayHigh, dayLow, at: tick.at, isStale: tick.is_stale, ageSeconds: tick.age_seconds, seen };
  });
  const isFirstPrice = state.unpriced.some((listing) => ticks.has(listing.symbol));
  const isOutdated = state.isOutdated || isFirstPrice;
  const ticked = { ...state, session, quotes, isOutdated, ticksSinceKept: isKept ? 0 : state.ticksSinceKept + 1 };
  if (isNewSession) return { ...ticked, stride: 1, ticksSinceKept: 0, isOutdated: true };
  return thinned(ticked);
}

function thinned(state: MarketState): MarketState {
  const length = state.quotes.reduce((longest, quote) => Math.max(longest, quote.seen.length), 0);
  if (length <= POINTS_MAX) return state;
  const quotes = state.quotes.map((quote) => ({ ...quote, seen: quote.seen.filter((_, index) => index % 2 === 0) }));
  return { ...state, quotes, stride: state.stride * 2 };
}

function listingOf({ symbol, name, sector, is_halted, price_increment, lot_size }: Instrument): Listing {
  const steps = { priceIncrement: parseUnits(price_increment), lotSize: parseShares(lot_size) };
  return { symbol, name, sector, isHalted: is_halted, ...steps };
}

function quoteOf(instrument: Instrument, seen: readonly Units[] | undefined): Quote | null {
  const { price, previous_close, session_open, day_high, day_low, at } = instrument;
  if (price === null || session_open === null) return null;
  if (day_high === null || day_low === null || at === null) return null;
  const sessionOpen = parseUnits(session_open);
  return {
    ...listingOf(instrument),
    price: parseUnits(price),
    previousClose: previous_close === null ? null : parseUnits(previous_close),
    sessionOpen,
    dayHigh: parseUnits(day_high),
    dayLow: parseUnits(day_low),
    at,
    isStale: instrument.is_stale,
    ageSeconds: instrument.age_seconds ?? 0,
    seen: seen ?? [sessionOpen],
  };
}
