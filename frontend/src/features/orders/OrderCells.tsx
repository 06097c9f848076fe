// The heads and cells that working orders and ended ones have in common.
import type { ReactElement } from "react";

import { Price, Quantity } from "../../components/Figures";
import { parseUnits } from "../../core/money";
import { TIME_NAMES, TYPE_NAMES } from "../../core/orders";
import { parseShares } from "../../core/shares";
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
  return (
    <>
      <td data-label="Side">
        <span className={`side ${order.side.toLowerCase()}`}>{order.side}</span>
      </td>
      <th scope="row">{order.symbol}</th>
      <td data-label="Type" className="is-text">
        {TYPE_NAMES[order.order_type]}
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

export function PriceCell({ label, price }: { label: string; price: string | null }): ReactElement {
  return (
    <td data-label={label} data-none={price === null}>
      {price === null ? <span className="muted">–</span> : <Price units={parseUnits(price)} />}
    </td>
  );
}

export function TimeInForceCell({ order }: { order: Order }): ReactElement {
  return (
    <td data-label="TIF" className="is-text" title={TIME_NAMES[order.time_in_force]}>
      {order.time_in_force}
    </td>
  );
}
