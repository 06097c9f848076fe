// Orders that this page had to do with say in passing how they ended, also when the ticket is long about something else.
import { useEffect, useReducer, useRef } from "react";

import { useToast } from "../../components/toast_context";
import { isWorking, newsOf } from "../../core/orders";
import type { Order } from "../../core/types";

/** Of more that end together it is only said how many. */
const TOLD_TOGETHER_MAX = 2;

/** Returns how to be told of an order's end, which may be known already. */
export function useOrderNotices(orders: readonly Order[]): (orderId: string) => void {
  const toast = useToast();
  const [watched, watch] = useReducer((ids: readonly string[], id: string) => [...ids, id], []);
  const told = useRef(new Set<string>());

  useEffect(() => {
    const isNews = (order: Order): boolean =>
      !isWorking(order) && watched.includes(order.order_id) && !told.current.has(order.order_id);
    const ended = orders.filter(isNews);
    for (const { order_id } of ended) told.current.add(order_id);
    if (ended.length > TOLD_TOGETHER_MAX) {
      toast({ kind: "info", title: `${ended.length} orders have ended`, detail: "The list of orders says how." });
      return;
    }
    for (const { kind, title, detail } of ended.map(newsOf)) {
      toast({ kind: kind === "done" ? "success" : "info", title, detail });
    }
  }, [orders, watched, toast]);

  return watch;
}
