// The orders that have ended, the latest first: how, how much of them was filled and at what price, and why.
import { memo, type ReactElement } from "react";

import { decimalsOf, parseShares } from "../../core/shares";
import { statusName } from "../../core/orders";
import { formatClock, formatDay } from "../../core/time";
import type { Order } from "../../core/types";
import { NameCells, OrderHeads, PriceCell, QuantityCells } from "./OrderCells";

export function EndedOrders({ orders }: { orders: Order[] }): ReactElement {
  const decimals = decimalsOf(orders.flatMap((order) => [order.quantity, order.filled_quantity].map(parseShares)));
  return (
    <table className="data-table" data-testid="ended-orders">
      <thead>
        <tr>
          <OrderHeads when="Ended" />
          <th scope="col" title="Average price of what was filled">
            Avg price
          </th>
          <th scope="col" className="is-text">
            Status
          </th>
          <th scope="col" className="is-text">
            Reason
          </th>
        </tr>
      </thead>
      <tbody>
        {orders.map((order) => (
          <Row key={order.order_id} order={order} decimals={decimals} />
        ))}
      </tbody>
    </table>
  );
}

const Row = memo(function Row({ order, decimals }: { order: Order; decimals: number }): ReactElement {
  const endedAt = order.ended_at ?? order.updated_at;
  return (
    <tr data-testid="ended-order-row" data-order-id={order.order_id}>
      <td data-label="Ended" title={endedAt}>
        <time dateTime={endedAt}>
          <span className="day">{formatDay(endedAt)}</span> {formatClock(endedAt)}
        </time>
      </td>
      <NameCells order={order} />
      <QuantityCells order={order} decimals={decimals} />
      <PriceCell label="Avg price" price={order.avg_fill_price} />
      <td data-label="Status" className="is-text">
        <span className={`order-status ${order.status.toLowerCase()}`} data-testid="order-status">
          {statusName(order.status)}
        </span>
      </td>
      <td data-label="Reason" data-none={order.reason === ""} className="is-text reason" title={order.reason}>
        {order.reason === "" ? <span className="muted">–</span> : order.reason}
      </td>
    </tr>
  );
});
