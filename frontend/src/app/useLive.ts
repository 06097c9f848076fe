// The live account and the live market, joined: what the panels show, and the ways to ask for more.
import { useMemo, useState } from "react";

import { useStore } from "../components/useStore";
import { worstConnection, type ConnectionState } from "../core/live/connection";
import type { AccountState, AccountView } from "../core/live/account_state";
import type { Listing, Quote } from "../core/live/market_state";
import type { MarketSession, MarketVenue } from "../core/types";
import { valueAtMarket, type Valuation } from "../core/valuation";
import { useAccountFeed } from "../features/connection/useAccountFeed";
import { useMarketFeed } from "../features/connection/useMarketFeed";

export interface Live {
  view: AccountView | null;
  valuation: Valuation | null;
  quotes: readonly Quote[];
  unpriced: readonly Listing[];
  session: MarketSession | null;
  venue: MarketVenue | null;
  connections: { account: ConnectionState; market: ConnectionState };
  /** Whether what is shown may have been overtaken since. */
  isStale: boolean;
  endedOrders: AccountState["endedOrders"];
  loadEndedOrders: () => Promise<void>;
  hasOlderTrades: boolean;
  loadOlderTrades: () => Promise<void>;
  expectVersion: (version: number) => void;
}

export function useLive(accountId: string): Live {
  const accountFeed = useAccountFeed(accountId);
  const marketFeed = useMarketFeed();
  const view = useStore(accountFeed.store, (state) => state.view);
  const endedOrders = useStore(accountFeed.store, (state) => state.endedOrders);
  const isOldestKnown = useStore(accountFeed.store, (state) => state.olderTradesCursor === null);
  const account = useStore(accountFeed.store, (state) => state.connection);
  const quotes = useStore(marketFeed.store, (state) => state.quotes);
  const unpriced = useStore(marketFeed.store, (state) => state.unpriced);
  const session = useStore(marketFeed.store, (state) => state.session);
  const venue = useStore(marketFeed.store, (state) => state.venue);
  const market = useStore(marketFeed.store, (state) => state.connection);

  const prices = useMemo(() => new Map(quotes.map((quote) => [quote.symbol, quote])), [quotes]);
  const valuation = useMemo(
    () => (view === null ? null : valueAtMarket(view.account, view.positions, prices)),
    [view, prices],
  );
  // Made once, so that the trades are not drawn again with every tick of the market.
  const [requests] = useState(() => ({
    loadEndedOrders: () => accountFeed.loadEndedOrders(),
    loadOlderTrades: () => accountFeed.loadOlderTrades(),
    expectVersion: (version: number) => accountFeed.expectVersion(version),
  }));
  return {
    view,
    valuation,
    quotes,
    unpriced,
    session,
    venue,
    connections: { account, market },
    isStale: worstConnection([account, market]).phase !== "live",
    endedOrders,
    hasOlderTrades: view !== null && !isOldestKnown && view.trades.length < view.account.trade_count,
    ...requests,
  };
}
