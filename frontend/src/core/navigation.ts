// Where one is: the page's address, without a router's machinery. Three kinds of address exist: "/login", "/" and
// "/accounts/<id>"; the panel that a phone shows is in the query.

import { Store } from "./live/store";

export type Panel = "portfolio" | "market" | "ticket" | "orders" | "trades";

export const PANELS: readonly Panel[] = ["portfolio", "market", "ticket", "orders", "trades"];

export type Route =
  | { page: "login"; next: string }
  | { page: "home" }
  | { page: "account"; accountId: string; panel: Panel }
  | { page: "unknown" };

const address = new Store(currentAddress());

window.addEventListener("popstate", () => address.set(currentAddress()));

export const addressStore = address;

export function navigate(to: string, options: { isReplacing?: boolean } = {}): void {
  if (to === currentAddress()) return;
  if (options.isReplacing === true) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  address.set(currentAddress());
}

export function parseRoute(path: string): Route {
  const url = new URL(path, "http://localhost");
  if (url.pathname === "/") return { page: "home" };
  if (url.pathname === "/login") return { page: "login", next: safeNext(url.searchParams.get("next")) };
  const match = /^\/accounts\/([^/]+)$/.exec(url.pathname);
  if (match === null) return { page: "unknown" };
  const panel = PANELS.find((each) => each === url.searchParams.get("panel")) ?? "portfolio";
  return { page: "account", accountId: decodeURIComponent(match[1] ?? ""), panel };
}

export function loginAddress(next: string): string {
  return next === "/" ? "/login" : `/login?next=${encodeURIComponent(next)}`;
}

export function accountAddress(accountId: string, panel: Panel = "portfolio"): string {
  const path = `/accounts/${encodeURIComponent(accountId)}`;
  return panel === "portfolio" ? path : `${path}?panel=${panel}`;
}

/** Only addresses of this site: a link must not be able to lead elsewhere after the login. */
function safeNext(next: string | null): string {
  if (next === null || !/^\/(?![/\\])/.test(next) || next.startsWith("/login")) return "/";
  return next;
}

function currentAddress(): string {
  return window.location.pathname + window.location.search;
}
