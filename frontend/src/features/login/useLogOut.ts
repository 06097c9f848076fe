// Log out, and forget what was seen.
import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";

import { logOut } from "../../core/api";
import type { LoginSession } from "../../core/types";
import { SESSION_KEY } from "./useSession";

export function useLogOut(): UseMutationResult<LoginSession> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: logOut,
    onSuccess: (session) => {
      queries.setQueryData(SESSION_KEY, session);
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
    },
  });
}
