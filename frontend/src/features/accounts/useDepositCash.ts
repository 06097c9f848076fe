// Bring money into an account.
import { useMutation, type UseMutationResult } from "@tanstack/react-query";

import { depositCash, type CashInput } from "../../core/commands";
import type { CashDeposited, CommandRefused } from "../../core/types";

export function useDepositCash(): UseMutationResult<CashDeposited | CommandRefused, Error, CashInput> {
  return useMutation({ mutationFn: depositCash });
}
