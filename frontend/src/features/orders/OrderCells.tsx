// The heads and cells that working orders and ended ones have in common.
import type { ReactElement } from "react";

import { Price, Quantity } from "../../components/Figures";
import { parseUnits } from "../../core/money";
import { groupText, TIME_NAMES, trailText, TYPE_NAMES } from "../../core/orders";
import { parseShares } from "../../core/shares";
import { formatDay } from "../../core/time";
import type { Order } from "../../core/types";

/** The heads of the columns that both tables begin with: when, what is traded, and how much of it. */
export function OrderHeads({ when }: { when: string }): ReactElement {
  return (
    <>
      <th scope="col">{when}</th>
      <th scope="col">Side</th>
      <th scope="col" className="is-text">
        Symbol
      </th>
      <th scope="col" className="is-text">
        Type
      </th>
      <th scope="col">Qty</th>
      <th scope="col">Filled</th>
    </>
  );
}

export function NameCells({ order }: { order: Order }): ReactElement {
  const trail = trailText(order);
  const group = groupText(order);
  return (
    <>
      <td data-label="Side">
        <span className={`side ${order.side.toLowerCase()}`}>{order.side}</span>
      </td>
      <th scope="row">{order.symbol}</th>
      <td data-label="Type" className="is-text">
        {TYPE_NAMES[order.order_type]}
        {trail !== null && <small data-testid="order-trail"> {trail}</small>}
        {group !== null && (
          <small className="muted" data-testid="order-group">
            {" "}
            {group}
          </small>
        )}
      </td>
    </>
  );
}

/** The most decimals of any order's quantities are given: the points of a column are below one another. */
export function QuantityCells({ order, decimals }: { order: Order; decimals: number }): ReactElement {
  return (
    <>
      <td data-label="Qty">
        <Quantity shares={parseShares(order.quantity)} decimals={decimals} />
      </td>
      <td data-label="Filled" data-testid="order-filled">
        <Quantity shares={parseShares(order.filled_quantity)} decimals={decimals} />
      </td>
    </>
  );
}

interface PriceCellProps {
  label: string;
  price: string | null;
  /** What there is to say of the price in a word. */
  note?: string | null;
}

export function PriceCell({ label, price, note = null }: PriceCellProps): ReactElement {
  return (
    <td data-label={label} data-none={price === null}>
      {price === null ? <span className="muted">–</span> : <Price units={parseUnits(price)} />}
      {note !== null && <small className="muted"> {note}</small>}
    </td>
  );
}

export function TimeInForceCell({ order }: { order: Order }): ReactElement {
  return (
    <td data-label="TIF" className="is-text" title={order.expires_at ?? TIME_NAMES[order.time_in_force]}>
      {order.time_in_force}
      {order.expires_at !== null && <small> {formatDay(order.expires_at)}</small>}
    </td>
  );
}
