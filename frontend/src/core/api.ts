// The REST queries, one function per operation. Reading only, but for the session itself. `minVersion` asks the
// platform to answer only from data that has that version of the account (it waits up to two seconds, then says 503).

import { rememberCsrfToken, requestJson } from "./http";
import type { Account, LoginSession, Order, Page, Portfolio, Trade } from "./types";

const SESSION = "/api/session";

async function session(request: Promise<LoginSession>): Promise<LoginSession> {
  const answer = await request;
  rememberCsrfToken(answer.csrf_token);
  return answer;
}

export function fetchSession(signal?: AbortSignal): Promise<LoginSession> {
  return session(requestJson(SESSION, signal ? { signal } : {}));
}

export function logIn(credentials: { username: string; password: string }): Promise<LoginSession> {
  return session(requestJson(SESSION, { method: "POST", body: credentials, isLogin: true }));
}

export async function logOut(): Promise<LoginSession> {
  await requestJson(SESSION, { method: "DELETE" });
  return fetchSession();
}

interface AccountRead {
  accountId: string;
  minVersion?: number | undefined;
  signal?: AbortSignal | undefined;
}

export function fetchAccounts(options: {
  cursor?: string | null;
  signal?: AbortSignal;
}): Promise<Page<Account>> {
  const path = withQuery("/api/accounts", { cursor: options.cursor });
  return requestJson(path, options.signal ? { signal: options.signal } : {});
}

export function fetchAccount({ accountId, minVersion, signal }: AccountRead): Promise<Account> {
  return requestJson(withQuery(accountPath(accountId), { min_version: minVersion }), signal ? { signal } : {});
}

export function fetchPortfolio({ accountId, minVersion, signal }: AccountRead): Promise<Portfolio> {
  const path = withQuery(`${accountPath(accountId)}/portfolio`, { min_version: minVersion });
  return requestJson(path, signal ? { signal } : {});
}

export function fetchTrades(options: AccountRead & { cursor?: string | null; limit?: number }): Promise<Page<Trade>> {
  const query = { cursor: options.cursor, limit: options.limit, min_version: options.minVersion };
  const path = withQuery(`${accountPath(options.accountId)}/trades`, query);
  return requestJson(path, options.signal ? { signal: options.signal } : {});
}

interface OrdersRead extends AccountRead {
  status?: "open" | "closed";
  clientOrderId?: string;
  limit?: number;
}

/** Newest first; asked for by their client order id, whatever their status. */
export function fetchOrders({ accountId, minVersion, signal, ...asked }: OrdersRead): Promise<Page<Order>> {
  const query = { status: asked.status, client_order_id: asked.clientOrderId, limit: asked.limit, min_version: minVersion };
  return requestJson(withQuery(`${accountPath(accountId)}/orders`, query), signal ? { signal } : {});
}

export const TRADE_FILES = [
  { type: "csv", name: "CSV" },
  { type: "parquet", name: "Parquet" },
] as const;

/** Where all trades of an account are had as one file. */
export function tradesFilePath(accountId: string, type: (typeof TRADE_FILES)[number]["type"]): string {
  return `${accountPath(accountId)}/trades.${type}`;
}

function accountPath(accountId: string): string {
  return `/api/accounts/${encodeURIComponent(accountId)}`;
}

/** The API's `next` may be a cursor, or an address that carries one. */
export function cursorOf(next: string | null): string | null {
  if (next === null || !/^(https?:)?\//.test(next)) return next;
  return new URL(next, "http://localhost").searchParams.get("cursor");
}

function withQuery(path: string, query: Record<string, string | number | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}
