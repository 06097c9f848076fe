// Orders that were placed on this page say in passing how they ended, also when the ticket is long about something else.
import { useEffect, useReducer, useRef } from "react";

import { useToast } from "../../components/toast_context";
import { isWorking, newsOf } from "../../core/orders";
import type { Order } from "../../core/types";

/** Returns how to be told of an order's end, which may be known already. */
export function useOrderNotices(orders: readonly Order[]): (orderId: string) => void {
  const toast = useToast();
  const [watched, watch] = useReducer((ids: readonly string[], id: string) => [...ids, id], []);
  const told = useRef(new Set<string>());

  useEffect(() => {
    for (const order of orders) {
      if (isWorking(order) || !watched.includes(order.order_id) || told.current.has(order.order_id)) continue;
      told.current.add(order.order_id);
      const { kind, title, detail } = newsOf(order);
      toast({ kind: kind === "done" ? "success" : "info", title, detail });
    }
  }, [orders, watched, toast]);

  return watch;
}
