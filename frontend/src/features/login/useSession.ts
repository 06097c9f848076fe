// Who is logged in.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { fetchSession } from "../../core/api";
import type { LoginSession } from "../../core/types";

export const SESSION_KEY = ["session"] as const;

export function useSession(): UseQueryResult<LoginSession> {
  return useQuery({ queryKey: SESSION_KEY, queryFn: ({ signal }) => fetchSession(signal), staleTime: Infinity });
}
