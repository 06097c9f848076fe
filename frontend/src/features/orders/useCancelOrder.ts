// Cancel an order: sends the command, and keeps what came of it for the panel. The same order's cancel can be sent again,
// with the same command id as long as its outcome is unknown. That the order has ended is said by the account's socket.
import { useMutation } from "@tanstack/react-query";
import { useReducer } from "react";

import { cancelInputOf, cancelReducer, NOTHING_CANCELLED, type CancelState } from "../../core/cancellation";
import { cancelOrder, type CancelOrderInput } from "../../core/commands";
import { failureOf } from "../../core/failures";
import type { Order } from "../../core/types";

interface CancelOptions {
  accountId: string;
  onRecorded: (version: number) => void;
  onCancelled: (orderId: string) => void;
}

interface Cancelling {
  state: CancelState;
  cancel: (order: Order) => void;
  dismissProblem: () => void;
}

export function useCancelOrder({ accountId, onRecorded, onCancelled }: CancelOptions): Cancelling {
  const [state, dispatch] = useReducer(cancelReducer, NOTHING_CANCELLED);
  const { mutate } = useMutation({
    mutationFn: ({ input }: { order: Order; input: CancelOrderInput }) => cancelOrder(input),
    onMutate: ({ input }) => dispatch({ type: "cancelSent", input }),
    onSuccess: (outcome, { order, input }) => {
      if (outcome.version !== null) onRecorded(outcome.version);
      if (outcome.__typename === "CommandRefused") {
        dispatch({ type: "cancelRefused", order, refusal: outcome });
        return;
      }
      dispatch({ type: "cancelDone", input });
      onCancelled(order.order_id);
    },
    onError: (error, { order, input }) => {
      const { isSafeToRetry, ...failure } = failureOf(error);
      dispatch({ type: "cancelFailed", order, input, failure, isSafeToRetry });
    },
  });
  return {
    state,
    cancel: (order) => mutate({ order, input: cancelInputOf(state, order, accountId) }),
    dismissProblem: () => dispatch({ type: "problemDismissed" }),
  };
}
