// The workspace of one account: everything a trader needs on one page. It holds what the panels share (the ticket, the
// dialog that is open) and lets rows and keys fill the ticket. On a phone it shows one panel at a time.
import { useEffect, useReducer, useRef, useState, type ReactElement } from "react";

import { EmptyMessage } from "../components/Panel";
import { useMediaQuery } from "../components/useMediaQuery";
import { useNow } from "../components/useNow";
import { CLOSE_NO_PERMISSION, CLOSE_NOT_LOGGED_IN } from "../core/live/socket";
import { accountAddress, navigate, type Panel } from "../core/navigation";
import { rememberAccount } from "../core/preferences";
import { EMPTY_TICKET, ticketReducer, type TicketAction } from "../core/ticket";
import type { Order, SessionUser } from "../core/types";
import { MarketPanel } from "../features/market/MarketPanel";
import { OrdersPanel } from "../features/orders/OrdersPanel";
import { useOrderNotices } from "../features/orders/useOrderNotices";
import { PositionsTable } from "../features/portfolio/PositionsTable";
import { SummaryCards, SummarySkeleton } from "../features/portfolio/SummaryCards";
import { OrderTicket } from "../features/ticket/OrderTicket";
import { TradesPanel } from "../features/trades/TradesPanel";
import { BottomNavigation } from "./BottomNavigation";
import type { DialogName } from "./dialogs";
import { Header } from "./Header";
import { useShortcuts, type ShortcutName } from "./shortcuts";
import { useLive } from "./useLive";
import { WorkspaceDialogs } from "./WorkspaceDialogs";

const PHONE = "(max-width: 759px)";
const TODAY_CHECK_MS = 30_000;
const NO_ORDERS: Order[] = [];

interface WorkspaceProps {
  user: SessionUser;
  accountId: string;
  panel: Panel;
}

export function Workspace({ user, accountId, panel }: WorkspaceProps): ReactElement {
  const live = useLive(accountId);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const isPhone = useMediaQuery(PHONE);
  const account = live.view?.account ?? null;
  const connection = live.connections.account;
  const isRefused = connection.phase === "refused" && connection.closeCode !== CLOSE_NOT_LOGGED_IN;

  useEffect(() => {
    if (account !== null) rememberAccount(user.id, accountId);
  }, [account, user.id, accountId]);

  const showPanel = (next: Panel): void => navigate(accountAddress(accountId, next), { isReplacing: true });
  const shown = { live, panel: isPhone ? panel : null, showPanel, onDialog: setDialog };
  return (
    <div className="app">
      <Header
        user={user}
        accountId={accountId}
        account={account}
        portfolioValue={live.valuation?.portfolioValue ?? null}
        session={live.session}
        venue={live.venue}
        connections={live.connections}
        onDialog={setDialog}
      />
      {isRefused ? <RefusedAccount closeCode={connection.closeCode} /> : <Panels {...shown} />}
      {isPhone && <BottomNavigation panel={panel} onChosen={showPanel} />}
      <WorkspaceDialogs
        dialog={dialog}
        account={account}
        onRecorded={live.expectVersion}
        onClose={() => setDialog(null)}
      />
    </div>
  );
}

interface PanelsProps {
  live: ReturnType<typeof useLive>;
  /** The one panel that a phone shows; null shows all. */
  panel: Panel | null;
  showPanel: (panel: Panel) => void;
  onDialog: (dialog: DialogName) => void;
}

function Panels({ live, panel, showPanel, onDialog }: PanelsProps): ReactElement {
  const { view, valuation, quotes } = live;
  const [ticket, dispatch] = useReducer(ticketReducer, EMPTY_TICKET);
  const now = new Date(useNow(TODAY_CHECK_MS));
  const symbolRef = useRef<HTMLInputElement>(null);
  const typeRef = useRef<HTMLSelectElement>(null);
  const quantityRef = useRef<HTMLInputElement>(null);
  const ordersRef = useRef<HTMLButtonElement>(null);
  const filterRef = useRef<HTMLInputElement>(null);
  const watchOrder = useOrderNotices(view?.orders ?? NO_ORDERS);
  const isShown = (each: Panel): boolean => panel === null || panel === each;

  const pick = (action: TicketAction): void => {
    dispatch(action);
    if (panel === null) quantityRef.current?.focus();
    else showPanel("ticket");
  };

  const actions: Record<ShortcutName, () => void> = {
    symbol: () => symbolRef.current?.focus(),
    type: () => typeRef.current?.focus(),
    quantity: () => quantityRef.current?.focus(),
    orders: () => ordersRef.current?.focus(),
    filter: () => filterRef.current?.focus(),
    buy: () => dispatch({ type: "sideChosen", side: "BUY" }),
    sell: () => dispatch({ type: "sideChosen", side: "SELL" }),
    clear: () => dispatch({ type: "ticketCleared" }),
    sheet: () => onDialog("shortcuts"),
  };
  useShortcuts((name) => actions[name]());

  const summary =
    view === null || valuation === null ? (
      <SummarySkeleton />
    ) : (
      <SummaryCards account={view.account} valuation={valuation} now={now} isMarketStale={live.session?.phase === "STALE"} />
    );
  return (
    <main className={`workspace ${view !== null && live.isStale ? "is-stale" : ""}`}>
      {isShown("portfolio") && <div className="summary-area">{summary}</div>}
      {isShown("market") && (
        <MarketPanel
          quotes={quotes}
          unpriced={live.unpriced}
          chosenSymbol={ticket.symbol}
          filterRef={filterRef}
          onChosen={(symbol) => pick({ type: "instrumentPicked", symbol })}
        />
      )}
      {isShown("portfolio") && (
        <PositionsTable
          account={view?.account ?? null}
          valuation={valuation}
          chosenSymbol={ticket.symbol}
          onChosen={({ symbol, available }) =>
            pick({ type: "instrumentPicked", symbol, side: "SELL", quantity: available })
          }
        />
      )}
      {isShown("orders") && (
        <OrdersPanel
          account={view?.account ?? null}
          orders={view?.orders ?? null}
          ended={live.endedOrders}
          panelRef={ordersRef}
          onRecorded={live.expectVersion}
          onCancelled={watchOrder}
          onEndedWanted={live.loadEndedOrders}
        />
      )}
      {isShown("trades") && (
        <TradesPanel
          accountId={view?.account.account_id ?? null}
          trades={view?.trades ?? null}
          tradeCount={view?.account.trade_count ?? 0}
          hasOlder={live.hasOlderTrades}
          onOlderWanted={live.loadOlderTrades}
        />
      )}
      {isShown("ticket") && (
        <OrderTicket
          ticket={ticket}
          dispatch={dispatch}
          account={view?.account ?? null}
          positions={view?.positions ?? []}
          orders={view?.orders ?? NO_ORDERS}
          quotes={quotes}
          unpriced={live.unpriced}
          now={now}
          symbolRef={symbolRef}
          typeRef={typeRef}
          quantityRef={quantityRef}
          onRecorded={live.expectVersion}
          onPlaced={watchOrder}
        />
      )}
    </main>
  );
}

function RefusedAccount({ closeCode }: { closeCode: number | null }): ReactElement {
  const isForbidden = closeCode === CLOSE_NO_PERMISSION;
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
