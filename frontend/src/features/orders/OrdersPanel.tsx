// The account's orders: those that work, each with its Cancel, and how the latest ones ended.
import { useEffect, useMemo, useRef, useState, type ReactElement, type RefObject } from "react";

import { Refusal } from "../../components/Refusal";
import { EmptyMessage, ErrorMessage, Panel, SkeletonRows } from "../../components/Panel";
import type { CancelProblem } from "../../core/cancellation";
import type { AccountState } from "../../core/live/account_state";
import { endedOrders, orderText, workingOrders } from "../../core/orders";
import type { Account, Order } from "../../core/types";
import { CancelAllDialog } from "./CancelAllDialog";
import { EndedOrders } from "./EndedOrders";
import { useCancelOrder } from "./useCancelOrder";
import { WorkingOrders } from "./WorkingOrders";

interface OrdersPanelProps {
  account: Account | null;
  /** All that are known, null while nothing is. */
  orders: Order[] | null;
  ended: AccountState["endedOrders"];
  /** Where the keyboard comes to the panel. */
  panelRef: RefObject<HTMLButtonElement | null>;
  onRecorded: (version: number) => void;
  onCancelled: (orderId: string) => void;
  onEndedWanted: () => Promise<void>;
}

export function OrdersPanel(props: OrdersPanelProps): ReactElement {
  const { account, orders, panelRef, onRecorded, onCancelled } = props;
  const [shown, setShown] = useState<"working" | "ended">("working");
  const [isCancellingAll, setIsCancellingAll] = useState(false);
  const working = useMemo(() => workingOrders(orders ?? []), [orders]);
  const ended = useMemo(() => endedOrders(orders ?? []), [orders]);
  const accountId = account?.account_id ?? "";
  const { state, cancel, dismissProblem } = useCancelOrder({ accountId, onRecorded, onCancelled });
  // What was to be found out about a cancel is known once its order works no more.
  const doesWork = working.some(({ order_id }) => order_id === state.problem?.order.order_id);
  const problem = state.problem?.isSafeToRetry === true && !doesWork ? null : state.problem;
  const mayCancel = account !== null && account.status !== "CLOSED" && ["owner", "trader"].includes(account.role);
  useFocusKept(panelRef, working.length + (isCancellingAll ? 1 : 0));

  return (
    <Panel
      title="Orders"
      className="orders"
      actions={
        <>
          <div className="choice" role="group" aria-label="Which orders">
            <button
              type="button"
              ref={panelRef}
              aria-pressed={shown === "working"}
              data-testid="orders-working"
              onClick={() => setShown("working")}
            >
              Working{orders === null ? "" : ` ${working.length}`}
            </button>
            <button
              type="button"
              aria-pressed={shown === "ended"}
              data-testid="orders-ended"
              onClick={() => setShown("ended")}
            >
              Ended
            </button>
          </div>
          {mayCancel && shown === "working" && (
            <button
              type="button"
              className="button small"
              data-testid="orders-cancel-all"
              disabled={working.length === 0}
              onClick={() => setIsCancellingAll(true)}
            >
              Cancel all
            </button>
          )}
        </>
      }
    >
      {problem !== null && <Problem problem={problem} onRetry={cancel} onDismissed={dismissProblem} />}
      {orders === null && <SkeletonRows rows={4} label="Loading orders" />}
      {orders !== null && shown === "working" && (
        <WorkingOrders orders={working} attempts={state.attempts} onCancel={mayCancel ? cancel : null} />
      )}
      {orders !== null && shown === "ended" && <Ended {...props} orders={ended} />}
      {isCancellingAll && account !== null && (
        <CancelAllDialog
          account={account}
          orders={working}
          onRecorded={onRecorded}
          onClose={() => setIsCancellingAll(false)}
        />
      )}
    </Panel>
  );
}

/** What had the focus goes away, a row with its order or the dialog: the focus stays in the panel. */
function useFocusKept(panelRef: RefObject<HTMLButtonElement | null>, count: number): void {
  const countBefore = useRef(count);
  useEffect(() => {
    const isFewer = count < countBefore.current;
    countBefore.current = count;
    const { activeElement } = document;
    if (isFewer && (activeElement === null || activeElement === document.body)) panelRef.current?.focus();
  }, [panelRef, count]);
}

interface ProblemProps {
  problem: CancelProblem;
  onRetry: (order: Order) => void;
  onDismissed: () => void;
}

function Problem({ problem, onRetry, onDismissed }: ProblemProps): ReactElement {
  const { order, failure, isSafeToRetry } = problem;
  return (
    <div className="orders-problem" role="alert" data-testid="orders-problem">
      <Refusal
        refusal={failure}
        tone={isSafeToRetry ? "warning" : "error"}
        note={`${isSafeToRetry ? "Cancelling" : "Not cancelled:"} ${orderText(order)}`}
      >
        <div className="refusal-actions">
          {isSafeToRetry && (
            <button
              type="button"
              className="button primary small"
              data-testid="orders-retry"
              onClick={() => onRetry(order)}
            >
              Retry safely
            </button>
          )}
          <button type="button" className="button small" data-testid="orders-dismiss" onClick={onDismissed}>
            Dismiss
          </button>
        </div>
      </Refusal>
    </div>
  );
}

function Ended({ orders, ended, onEndedWanted }: OrdersPanelProps & { orders: Order[] }): ReactElement {
  if (orders.length > 0) return <EndedOrders orders={orders} />;
  switch (ended) {
    case "unknown":
      return <SkeletonRows rows={4} label="Loading orders that have ended" />;
    case "known":
      return <EmptyMessage title="No order has ended yet">Orders that were filled, cancelled or have expired.</EmptyMessage>;
    case "failed":
      return (
        <ErrorMessage
          title="The orders could not be loaded"
          action={
            <button type="button" className="button small" onClick={() => void onEndedWanted()}>
              Try again
            </button>
          }
        />
      );
  }
}
