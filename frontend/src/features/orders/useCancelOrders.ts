// Cancel many orders with one request.
import { useMutation, type UseMutationResult } from "@tanstack/react-query";

import { cancelOrders, type CancelOrderInput } from "../../core/commands";
import type { OrdersCancelled } from "../../core/types";

export function useCancelOrders(): UseMutationResult<OrdersCancelled, Error, readonly CancelOrderInput[]> {
  return useMutation({ mutationFn: cancelOrders });
}
