// The accounts that the user may see, page by page, refreshed now and then for the values in the switcher.
import { useInfiniteQuery, type InfiniteData, type UseInfiniteQueryResult } from "@tanstack/react-query";

import { cursorOf, fetchAccounts } from "../../core/api";
import type { Account, Page } from "../../core/types";

export const ACCOUNTS_KEY = ["accounts"] as const;
const REFRESH_MS = 15_000;

export function useAccounts(): UseInfiniteQueryResult<Account[]> {
  return useInfiniteQuery({
    queryKey: ACCOUNTS_KEY,
    queryFn: ({ pageParam, signal }) => fetchAccounts({ cursor: pageParam, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page: Page<Account>) => cursorOf(page.next),
    refetchInterval: REFRESH_MS,
    select: (data: InfiniteData<Page<Account>>) => data.pages.flatMap((page) => page.results),
  });
}
