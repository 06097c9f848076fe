// Open an account, and wait until it can be looked at.
import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";

import { fetchAccount } from "../../core/api";
import { openAccount, type OpenAccountInput } from "../../core/commands";
import type { AccountOpened, CommandRefused } from "../../core/types";
import { ACCOUNTS_KEY } from "./useAccounts";

export function useOpenAccount(): UseMutationResult<AccountOpened | CommandRefused, Error, OpenAccountInput> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (input: OpenAccountInput) => {
      const outcome = await openAccount(input);
      if (outcome.__typename === "AccountOpened") await untilProjected(outcome);
      return outcome;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ACCOUNTS_KEY }),
  });
}

/** The account is open in any case: when its projection is late, the page shows that by itself. */
async function untilProjected({ accountId, version }: AccountOpened): Promise<void> {
  try {
    await fetchAccount({ accountId, minVersion: version });
  } catch {
    return;
  }
}
