// Take money out of an account.
import { useMutation, type UseMutationResult } from "@tanstack/react-query";

import { withdrawCash, type CashInput } from "../../core/commands";
import type { CashWithdrawn, CommandRefused } from "../../core/types";

export function useWithdrawCash(): UseMutationResult<CashWithdrawn | CommandRefused, Error, CashInput> {
  return useMutation({ mutationFn: withdrawCash });
}
