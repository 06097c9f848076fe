// Execute a trade: sends an attempt and tells the ticket, and the page, what came of it. The same attempt can be sent
// again, with the same command id.
import { useMutation } from "@tanstack/react-query";
import type { Dispatch } from "react";

import { useToast } from "../../components/toast_context";
import { executeTrade, type ExecuteTradeInput } from "../../core/commands";
import { failureOf } from "../../core/failures";
import { formatPrice, parseUnits } from "../../core/money";
import { formatQuantity } from "../../core/shares";
import type { TicketAction } from "../../core/ticket";

interface ExecuteTradeOptions {
  dispatch: Dispatch<TicketAction>;
  onRecorded: (version: number) => void;
}

export function useExecuteTrade({ dispatch, onRecorded }: ExecuteTradeOptions): (attempt: ExecuteTradeInput) => void {
  const toast = useToast();
  const { mutate } = useMutation({
    mutationFn: executeTrade,
    onMutate: (attempt) => dispatch({ type: "submissionStarted", attempt }),
    onSuccess: (outcome) => {
      if (outcome.version !== null) onRecorded(outcome.version);
      if (outcome.__typename === "CommandRefused") {
        dispatch({ type: "tradeRefused", refusal: outcome, isRecorded: outcome.version !== null });
        return;
      }
      dispatch({ type: "tradeExecuted", trade: outcome });
      const verb = outcome.side === "BUY" ? "Bought" : "Sold";
      toast({
        kind: "success",
        title: `${verb} ${formatQuantity(outcome.quantity)} ${outcome.symbol} at ${formatPrice(parseUnits(outcome.price))}`,
        detail: `Recorded as version ${outcome.version} of the account.`,
      });
    },
    onError: (error) => {
      const { isSafeToRetry, ...failure } = failureOf(error);
      dispatch({ type: "submissionFailed", failure, isSafeToRetry });
    },
  });
  return mutate;
}
