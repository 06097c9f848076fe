// The orders that work, newest first: what they wait for, how much of them is filled, what they reserve. Each can be
// cancelled; nothing asks twice, since nothing is lost by it.
import { memo, useState, type ReactElement } from "react";

import { Amount } from "../../components/Figures";
import { EmptyMessage } from "../../components/Panel";
import { useNow } from "../../components/useNow";
import type { CancelAttempt } from "../../core/cancellation";
import { orderText, reservedCash } from "../../core/orders";
import { decimalsOf, formatQuantity, parseShares } from "../../core/shares";
import { formatAge } from "../../core/time";
import type { Order } from "../../core/types";
import { NameCells, OrderHeads, PriceCell, QuantityCells, TimeInForceCell } from "./OrderCells";

const AGE_CHECK_MS = 1_000;

interface WorkingOrdersProps {
  orders: Order[];
  attempts: ReadonlyMap<string, CancelAttempt>;
  /** Null where one may not. */
  onCancel: ((order: Order) => void) | null;
}

export function WorkingOrders({ orders, attempts, onCancel }: WorkingOrdersProps): ReactElement {
  const now = useNow(AGE_CHECK_MS);
  const [versionAtFirst] = useState(orders[0]?.placed_version ?? 0);
  const decimals = decimalsOf(orders.flatMap((order) => [order.quantity, order.filled_quantity].map(parseShares)));
  if (orders.length === 0) {
    return (
      <EmptyMessage icon="orders" title="No working orders">
        An order that waits to be filled is here, with what it reserves.
      </EmptyMessage>
    );
  }
  return (
    <table className="data-table" data-testid="working-orders">
      <thead>
        <tr>
          <OrderHeads when="Age" />
          <th scope="col">Limit</th>
          <th scope="col">Stop</th>
          <th scope="col" className="is-text" title="Time in force">
            TIF
          </th>
          <th scope="col" title="Cash that a buy keeps, shares that a sale keeps">
            Reserved
          </th>
          {onCancel !== null && (
            <th scope="col">
              <span className="sr-only">Cancel</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {orders.map((order) => (
          <Row
            key={order.order_id}
            order={order}
            decimals={decimals}
            age={formatAge(now - Date.parse(order.placed_at))}
            isNew={order.placed_version > versionAtFirst}
            phase={attempts.get(order.order_id)?.phase ?? null}
            onCancel={onCancel}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  order: Order;
  decimals: number;
  age: string;
  isNew: boolean;
  phase: CancelAttempt["phase"] | null;
  onCancel: WorkingOrdersProps["onCancel"];
}

const Row = memo(function Row({ order, decimals, age, isNew, phase, onCancel }: RowProps): ReactElement {
  return (
    <tr className={isNew ? "is-new" : ""} data-testid="order-row" data-order-id={order.order_id}>
      <td data-label="Age" title={order.placed_at} className="muted">
        {age}
      </td>
      <NameCells order={order} />
      <QuantityCells order={order} decimals={decimals} />
      <PriceCell label="Limit" price={order.limit_price} />
      <PriceCell label="Stop" price={order.stop_price} note={order.trigger_price === null ? null : "reached"} />
      <TimeInForceCell order={order} />
      <td data-label="Reserved">
        {order.side === "BUY" || order.status === "HELD" ? (
          <Amount units={reservedCash(order)} testId="order-reserved" />
        ) : (
          <span data-testid="order-reserved">{formatQuantity(order.remaining_quantity)} shares</span>
        )}
      </td>
      {onCancel !== null && (
        <td data-label="Cancel">
          <CancelButton order={order} isBusy={phase === "sending" || phase === "done"} onCancel={onCancel} />
        </td>
      )}
    </tr>
  );
});

interface CancelButtonProps {
  order: Order;
  /** Sent, or answered and about to go away: stays in the row, and keeps the focus. */
  isBusy: boolean;
  onCancel: (order: Order) => void;
}

function CancelButton({ order, isBusy, onCancel }: CancelButtonProps): ReactElement {
  return (
    <button
      type="button"
      className="button tiny"
      data-testid="order-cancel"
      aria-label={`Cancel ${orderText(order)}`}
      aria-disabled={isBusy}
      onClick={() => {
        if (!isBusy) onCancel(order);
      }}
    >
      Cancel
    </button>
  );
}
