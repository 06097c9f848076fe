// The workspace of one account: everything a trader needs on one page. It joins the live account and the live market,
// and hands each panel what it shows. On a phone it shows one panel at a time.
import { useEffect, useMemo, useReducer, useRef, useState, type ReactElement } from "react";

import { EmptyMessage } from "../components/Panel";
import { useMediaQuery } from "../components/useMediaQuery";
import { useNow } from "../components/useNow";
import { useStore } from "../components/useStore";
import { CLOSE_NO_PERMISSION, CLOSE_NOT_LOGGED_IN } from "../core/live/socket";
import { accountAddress, navigate, type Panel } from "../core/navigation";
import { rememberAccount } from "../core/preferences";
import { EMPTY_TICKET, ticketReducer } from "../core/ticket";
import type { SessionUser } from "../core/types";
import { valueAtMarket, type ValuedPosition } from "../core/valuation";
import { useAccountFeed } from "../features/connection/useAccountFeed";
import { useMarketFeed } from "../features/connection/useMarketFeed";
import { MarketPanel } from "../features/market/MarketPanel";
import { PositionsTable } from "../features/portfolio/PositionsTable";
import { SummaryCards, SummarySkeleton } from "../features/portfolio/SummaryCards";
import { TradeTicket } from "../features/ticket/TradeTicket";
import { TradesPanel } from "../features/trades/TradesPanel";
import { BottomNavigation } from "./BottomNavigation";
import type { DialogName } from "./dialogs";
import { Header } from "./Header";
import { useShortcuts, type ShortcutName } from "./shortcuts";
import { WorkspaceDialogs } from "./WorkspaceDialogs";

const PHONE = "(max-width: 759px)";

interface WorkspaceProps {
  user: SessionUser;
  accountId: string;
  panel: Panel;
}

export function Workspace({ user, accountId, panel }: WorkspaceProps): ReactElement {
  const accountFeed = useAccountFeed(accountId);
  const marketFeed = useMarketFeed();
  const view = useStore(accountFeed.store, (state) => state.view);
  const hasOlder = useStore(accountFeed.store, (state) => state.olderTradesCursor !== null);
  const accountConnection = useStore(accountFeed.store, (state) => state.connection);
  const quotes = useStore(marketFeed.store, (state) => state.quotes);
  const session = useStore(marketFeed.store, (state) => state.session);
  const marketConnection = useStore(marketFeed.store, (state) => state.connection);

  const [ticket, dispatch] = useReducer(ticketReducer, EMPTY_TICKET);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const isPhone = useMediaQuery(PHONE);
  const now = new Date(useNow(30_000));
  const symbolRef = useRef<HTMLInputElement>(null);
  const quantityRef = useRef<HTMLInputElement>(null);
  const filterRef = useRef<HTMLInputElement>(null);

  const prices = useMemo(() => new Map(quotes.map((quote) => [quote.symbol, quote.price])), [quotes]);
  const valuation = useMemo(
    () => (view === null ? null : valueAtMarket(view.account, view.positions, prices)),
    [view, prices],
  );
  const [loadOlder] = useState(() => () => accountFeed.loadOlderTrades());

  useEffect(() => {
    if (view !== null) rememberAccount(user.username, accountId);
  }, [view, user.username, accountId]);

  const showPanel = (next: Panel): void => navigate(accountAddress(accountId, next), { isReplacing: true });

  const chooseInstrument = (symbol: string): void => {
    dispatch({ type: "instrumentPicked", symbol });
    if (isPhone) showPanel("ticket");
    else quantityRef.current?.focus();
  };

  const choosePosition = ({ symbol, quantity }: ValuedPosition): void => {
    dispatch({ type: "instrumentPicked", symbol, side: "SELL", quantity });
    if (isPhone) showPanel("ticket");
    else quantityRef.current?.focus();
  };

  const runShortcut = (name: ShortcutName): void => {
    const panelOf: Partial<Record<ShortcutName, Panel>> = { symbol: "ticket", quantity: "ticket", filter: "market" };
    const wanted = panelOf[name];
    if (isPhone && wanted !== undefined) showPanel(wanted);
    const actions: Record<ShortcutName, () => void> = {
      symbol: () => symbolRef.current?.focus(),
      quantity: () => quantityRef.current?.focus(),
      filter: () => filterRef.current?.focus(),
      buy: () => dispatch({ type: "sideChosen", side: "BUY" }),
      sell: () => dispatch({ type: "sideChosen", side: "SELL" }),
      clear: () => dispatch({ type: "ticketCleared" }),
      sheet: () => setDialog("shortcuts"),
    };
    actions[name]();
  };
  useShortcuts(runShortcut);

  const isShown = (each: Panel): boolean => !isPhone || panel === each;
  const isRefused = accountConnection.phase === "refused" && accountConnection.closeCode !== CLOSE_NOT_LOGGED_IN;
  return (
    <div className="app">
      <Header
        user={user}
        accountId={accountId}
        account={view?.account ?? null}
        portfolioValue={valuation?.portfolioValue ?? null}
        session={session}
        connections={{ account: accountConnection, market: marketConnection }}
        onDialog={setDialog}
      />
      {isRefused ? (
        <RefusedAccount isForbidden={accountConnection.closeCode === CLOSE_NO_PERMISSION} />
      ) : (
        <main className="workspace" data-panel={isPhone ? panel : "all"}>
          {isShown("portfolio") && (
            <div className="summary-area">
              {view === null || valuation === null ? (
                <SummarySkeleton />
              ) : (
                <SummaryCards account={view.account} valuation={valuation} now={now} />
              )}
            </div>
          )}
          {isShown("market") && (
            <MarketPanel quotes={quotes} chosenSymbol={ticket.symbol} filterRef={filterRef} onChosen={chooseInstrument} />
          )}
          {isShown("portfolio") && (
            <PositionsTable
              account={view?.account ?? null}
              valuation={valuation}
              chosenSymbol={ticket.symbol}
              onChosen={choosePosition}
            />
          )}
          {isShown("trades") && (
            <TradesPanel
              trades={view?.trades ?? null}
              tradeCount={view?.account.trade_count ?? 0}
              hasOlder={hasOlder && (view?.trades.length ?? 0) < (view?.account.trade_count ?? 0)}
              onOlderWanted={loadOlder}
            />
          )}
          {isShown("ticket") && (
            <TradeTicket
              ticket={ticket}
              dispatch={dispatch}
              account={view?.account ?? null}
              positions={view?.positions ?? []}
              quotes={quotes}
              now={now}
              symbolRef={symbolRef}
              quantityRef={quantityRef}
              onRecorded={(version) => accountFeed.expectVersion(version)}
            />
          )}
        </main>
      )}
      {isPhone && <BottomNavigation panel={panel} onChosen={showPanel} />}
      <WorkspaceDialogs
        dialog={dialog}
        account={view?.account ?? null}
        onRecorded={(version) => accountFeed.expectVersion(version)}
        onClose={() => setDialog(null)}
      />
    </div>
  );
}

function RefusedAccount({ isForbidden }: { isForbidden: boolean }): ReactElement {
  return (
    <main className="full-page">
      <EmptyMessage
        icon="warning"
        title={isForbidden ? "You have no access to this account" : "There is no such account"}
        action={
          <button type="button" className="button primary" onClick={() => window.location.reload()}>
            Try again
          </button>
        }
      >
        {isForbidden ? "Ask its owner for access, or choose another account above." : "Choose another account above."}
      </EmptyMessage>
    </main>
  );
}
