// Place an order: sends an attempt and tells the ticket, and the page, what came of it. The same attempt can be sent again,
// with the same client order id.
import { useMutation } from "@tanstack/react-query";
import type { Dispatch } from "react";

import type { PlaceOrderInput } from "../../core/commands";
import { failureOf } from "../../core/failures";
import { placeOrFind } from "../../core/place_order";
import type { TicketAction } from "../../core/ticket";

interface PlaceOrderOptions {
  dispatch: Dispatch<TicketAction>;
  onRecorded: (version: number) => void;
  onPlaced: (orderId: string) => void;
}

export function usePlaceOrder(options: PlaceOrderOptions): (attempt: PlaceOrderInput) => void {
  const { dispatch, onRecorded, onPlaced } = options;
  const { mutate } = useMutation({
    mutationFn: placeOrFind,
    onMutate: (attempt) => dispatch({ type: "submissionStarted", attempt }),
    onSuccess: (placing) => {
      if (placing.kind === "placed") {
        onRecorded(placing.version);
        dispatch({ type: "orderPlaced", order: placing.order });
        onPlaced(placing.order.order_id);
        return;
      }
      const { refusal } = placing;
      if (refusal.version !== null) onRecorded(refusal.version);
      dispatch({ type: "orderRefused", refusal, isRecorded: refusal.version !== null });
    },
    onError: (error) => {
      const { isSafeToRetry, ...failure } = failureOf(error);
      dispatch({ type: "submissionFailed", failure, isSafeToRetry });
    },
  });
  return mutate;
}
