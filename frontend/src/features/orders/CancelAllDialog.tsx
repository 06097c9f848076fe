// Cancel all working orders: what will happen, and then what happened. The command ids are made when it is confirmed and stay
// for every retry.
import { useState, type ReactElement } from "react";

import { Amount } from "../../components/Figures";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { Refusal } from "../../components/Refusal";
import { makeCommandId, type CancelOrderInput } from "../../core/commands";
import { failureOf } from "../../core/failures";
import { orderText, reservedCash } from "../../core/orders";
import { describeRefusal } from "../../core/refusals";
import type { Account, BatchOutcome, Order } from "../../core/types";
import { useCancelOrders } from "./useCancelOrders";

interface CancelAllDialogProps {
  account: Account;
  /** Those that work now: more may come, and some go, until it is confirmed. */
  orders: readonly Order[];
  onRecorded: (version: number) => void;
  onClose: () => void;
}

interface Attempt {
  orders: readonly Order[];
  inputs: readonly CancelOrderInput[];
}

export function CancelAllDialog({ account, orders, onRecorded, onClose }: CancelAllDialogProps): ReactElement {
  const { mutate, data, error, isPending } = useCancelOrders();
  const [attempt, setAttempt] = useState<Attempt | null>(null);
  const failure = error === null ? null : failureOf(error);
  const asked = attempt?.orders ?? orders;

  const confirm = (): void => {
    const sent = attempt ?? { orders, inputs: orders.map((order) => inputOf(order, account.account_id)) };
    setAttempt(sent);
    mutate(sent.inputs, {
      onSuccess: ({ outcomes }) => onRecorded(Math.max(0, ...outcomes.map(({ version }) => version ?? 0))),
      onError: (thrown) => {
        if (!failureOf(thrown).isSafeToRetry) setAttempt(null);
      },
    });
  };

  if (data !== undefined) {
    return (
      <Dialog title="Cancel all orders" onClose={onClose}>
        <Outcome accepted={data.accepted} outcomes={data.outcomes} orders={asked} onClose={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title="Cancel all orders" onClose={onClose}>
      <div className="dialog-form">
        <div className="what-happens">
          <strong>
            Cancel {counted(asked.length)} of “{account.name}”
          </strong>
          <dl className="facts">
            <div>
              <dt>Buys, with cash that is set free</dt>
              <dd>
                {countOf(asked, "BUY")} · <Amount units={cashOf(asked)} testId="cancel-all-cash" />
              </dd>
            </div>
            <div>
              <dt>Sales</dt>
              <dd>{countOf(asked, "SELL")}</dd>
            </div>
          </dl>
          <p className="muted">What is filled already stays. A fill that comes first wins.</p>
        </div>
        <div aria-live="assertive">
          {failure !== null && <Refusal refusal={failure} tone={failure.isSafeToRetry ? "warning" : "error"} />}
        </div>
        <footer className="dialog-actions">
          <button type="button" className="button" data-autofocus disabled={isPending} onClick={onClose}>
            Keep them
          </button>
          <button
            type="button"
            className="button danger"
            data-testid="cancel-all-confirm"
            disabled={isPending || asked.length === 0}
            onClick={confirm}
          >
            {isPending ? "Sending …" : failure?.isSafeToRetry === true ? "Retry safely" : `Cancel ${counted(asked.length)}`}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}

interface OutcomeProps {
  accepted: number;
  outcomes: readonly BatchOutcome[];
  orders: readonly Order[];
  onClose: () => void;
}

function Outcome({ accepted, outcomes, orders, onClose }: OutcomeProps): ReactElement {
  const refused = outcomes.flatMap(({ code, ...rest }, place) => {
    const order = orders[place];
    return code === undefined || order === undefined ? [] : [{ order, text: describeRefusal({ code, ...rest }).title }];
  });
  return (
    <>
      <div className="outcome" role="status" data-testid="cancel-all-result">
        <Icon name={refused.length === 0 ? "check" : "warning"} size={28} />
        <strong>{counted(accepted)} cancelled</strong>
        {refused.length > 0 && (
          <ul className="refused-orders">
            {refused.map(({ order, text }) => (
              <li key={order.order_id}>
                {orderText(order)}: <span className="muted">{text}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <footer className="dialog-actions">
        <button type="button" className="button primary" onClick={onClose} autoFocus>
          Done
        </button>
      </footer>
    </>
  );
}

function inputOf(order: Order, accountId: string): CancelOrderInput {
  return { accountId, orderId: order.order_id, commandId: makeCommandId() };
}

function counted(orders: number): string {
  return `${orders} ${orders === 1 ? "order" : "orders"}`;
}

function countOf(orders: readonly Order[], side: Order["side"]): number {
  return orders.filter((order) => order.side === side).length;
}

function cashOf(orders: readonly Order[]): bigint {
  return orders.reduce((sum, order) => sum + reservedCash(order), 0n);
}
