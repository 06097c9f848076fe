// Place an order and say what became of it. A retry of a placing that had reached the account is answered with the order
// that it placed; when that order has ended in the meantime, as a market order does at once, the account says that the
// client order id is spent, and the order is looked up by it.

import { fetchOrders } from "./api";
import { placeOrder, type PlaceOrderInput } from "./commands";
import type { OrderSummary } from "./orders";
import { parseShares, toQuantity } from "./shares";
import type { CommandRefused, PlacedOrder } from "./types";

export type Placing =
  | { kind: "placed"; order: OrderSummary; version: number }
  | { kind: "refused"; refusal: CommandRefused };

export async function placeOrFind(input: PlaceOrderInput): Promise<Placing> {
  const outcome = await placeOrder(input);
  if (outcome.__typename === "OrderPlaced") {
    return { kind: "placed", order: summaryOf(outcome.order, outcome.version), version: outcome.version };
  }
  if (outcome.code === "CLIENT_ORDER_ID_SPENT") {
    const found = await fetchOrders({ accountId: input.accountId, clientOrderId: input.clientOrderId, limit: 1 });
    const order = found.results[0];
    if (order !== undefined) return { kind: "placed", order, version: order.version };
  }
  return { kind: "refused", refusal: outcome };
}

function summaryOf(placed: PlacedOrder, version: number): OrderSummary {
  return {
    order_id: placed.orderId,
    side: placed.side,
    quantity: placed.quantity,
    symbol: placed.symbol,
    limit_price: placed.limitPrice,
    stop_price: placed.stopPrice,
    trail_amount: placed.trailAmount,
    trail_percent: placed.trailPercent,
    time_in_force: placed.timeInForce,
    status: placed.status,
    filled_quantity: placed.filledQuantity,
    remaining_quantity: toQuantity(parseShares(placed.quantity) - parseShares(placed.filledQuantity)),
    avg_fill_price: null,
    reason: "",
    version,
  };
}
