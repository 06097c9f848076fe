// The page with a platform that the test plays: answers over HTTP are the contract's, sockets say what the test says.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { vi } from "vitest";

import { App } from "../app/App";
import { Toasts } from "../components/Toasts";
import { navigate } from "../core/navigation";
import type { AccountDeltaMessage, Order } from "../core/types";
import { FakeSocket } from "./fake_socket";
import { sampleAccount, sampleSnapshot, sampleSteps, sampleVenue } from "./samples";

export const account = sampleAccount();
export const accountSocket = `/ws/accounts/${account.account_id}`;

const alice = { id: "user:1", username: "alice", display_name: "Alice Young", is_staff: false };

type Variables = Record<string, unknown>;

/** What the platform says, and what it was asked. */
export class FakePlatform {
  isLoggedIn = false;
  /** Answers a command by its input, or by the list of a batch. */
  graphql: (input: Variables) => Response | Promise<Response> = () => Promise.reject(new TypeError("network"));
  endedOrders: Order[] = [];
  readonly commands: Variables[] = [];

  /** Take the place of everything outside the page until the globals are restored. */
  static install(): FakePlatform {
    const platform = new FakePlatform();
    FakeSocket.install();
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => Promise.resolve().then(() => platform.#answer(path, init)));
    vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
    Element.prototype.scrollIntoView = vi.fn();
    navigate("/", { isReplacing: true });
    return platform;
  }

  #answer(path: string, init: RequestInit): Response | Promise<Response> {
    if (path === "/api/session") {
      if (init.method === "POST") this.isLoggedIn = true;
      const user = this.isLoggedIn ? alice : null;
      const demo_logins = [{ username: "alice", password: "secret", description: "Trader" }];
      return Response.json({ user, csrf_token: "token", currencies: ["USD", "CHF"], demo_logins });
    }
    if (path === "/api/accounts") return Response.json({ results: [account], next: null });
    if (path.startsWith(`/api/accounts/${account.account_id}/orders?`)) return this.#orders(path);
    if (path === "/graphql") {
      const { variables } = JSON.parse(init.body as string) as { variables: { input?: Variables; orders?: Variables[] } };
      const input = variables.input ?? { orders: variables.orders };
      this.commands.push(input);
      return this.graphql(input);
    }
    throw new Error(`Nothing is expected to ask for ${path}.`);
  }

  #orders(path: string): Response {
    const wanted = new URL(path, "http://localhost").searchParams.get("client_order_id");
    const results = this.endedOrders.filter((order) => wanted === null || order.client_order_id === wanted);
    return Response.json({ results, next: null });
  }
}

/** Log in and see an account live, with AAPL at 100. */
export async function openWorkspace(snapshot = sampleSnapshot()): Promise<void> {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <Toasts>
        <App />
      </Toasts>
    </QueryClientProvider>,
  );
  await userEvent.click(await screen.findByTestId("demo-login-alice"));
  await userEvent.click(screen.getByTestId("login-submit"));
  await waitFor(() => FakeSocket.latest(accountSocket));
  const quote = {
    price: "100.0000",
    bid: null,
    ask: null,
    source: "SIMULATED",
    is_stale: false,
    age_seconds: 0,
    previous_close: "99.0000",
    session_open: "99.0000",
    day_high: "101.0000",
    day_low: "98.0000",
  };
  const instrument = { symbol: "AAPL", name: "Apple Inc.", sector: "Technology", at: "2026-01-15T10:00:00Z", ...sampleSteps, ...quote };
  act(() => {
    FakeSocket.latest(accountSocket).receive(snapshot);
    FakeSocket.latest("/ws/market").receive({
      type: "snapshot",
      session: { date: "2019-03-04", market_time: "2019-03-04T15:00:00Z", phase: "OPEN", simulated: true, note: "" },
      venue: sampleVenue(),
      instruments: [instrument],
    });
  });
}

/** The account's socket says that something changed. */
export function receive(delta: AccountDeltaMessage): void {
  act(() => FakeSocket.latest(accountSocket).receive(delta));
}

export async function retype(testId: string, text: string): Promise<void> {
  await userEvent.clear(screen.getByTestId(testId));
  await userEvent.type(screen.getByTestId(testId), text);
}

/** A refusal of a command, as GraphQL gives it. */
export function refusal(field: string, changes: Variables): Response {
  const refused = { code: "", message: "", limit: null, actual: null, accountId: account.account_id, version: 4, duplicate: false };
  return Response.json({ data: { [field]: { __typename: "CommandRefused", ...refused, ...changes } } });
}
