// Log in; whatever an earlier user saw is forgotten.
import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";

import { logIn } from "../../core/api";
import type { LoginSession } from "../../core/types";
import { SESSION_KEY } from "./useSession";

export function useLogIn(): UseMutationResult<LoginSession, Error, { username: string; password: string }> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: logIn,
    onSuccess: (session) => {
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
      queries.setQueryData(SESSION_KEY, session);
    },
  });
}
