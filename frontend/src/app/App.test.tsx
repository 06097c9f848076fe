// The page as a person uses it: the platform's answers are the contract's, what is on the screen is looked at.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Toasts } from "../components/Toasts";
import { navigate } from "../core/navigation";
import { FakeSocket } from "../testing/fake_socket";
import { sampleAccount, sampleDelta, samplePosition, sampleSnapshot, sampleTrade } from "../testing/samples";
import { App } from "./App";

const account = sampleAccount();
const accountSocket = `/ws/accounts/${account.account_id}`;
const alice = { id: "user:1", username: "alice", display_name: "Alice Young", is_staff: false };

let isLoggedIn: boolean;
let graphql: (input: Record<string, unknown>) => Response | Promise<Response>;
const commandIds: unknown[] = [];

function answer(path: string, init: RequestInit): Response | Promise<Response> {
  if (path === "/api/session") {
    if (init.method === "POST") isLoggedIn = true;
    const demo_logins = [{ username: "alice", password: "secret", description: "Trader" }];
    return Response.json({ user: isLoggedIn ? alice : null, csrf_token: "token", currencies: ["USD", "CHF"], demo_logins });
  }
  if (path === "/api/accounts") return Response.json({ results: [account], next: null });
  if (path === "/graphql") {
    const { variables } = JSON.parse(init.body as string) as { variables: { input: Record<string, unknown> } };
    commandIds.push(variables.input.commandId);
    return graphql(variables.input);
  }
  throw new Error(`Nothing is expected to ask for ${path}.`);
}

beforeEach(() => {
  isLoggedIn = false;
  commandIds.length = 0;
  FakeSocket.install();
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => Promise.resolve().then(() => answer(path, init)));
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  Element.prototype.scrollIntoView = vi.fn();
  navigate("/", { isReplacing: true });
});

afterEach(() => vi.unstubAllGlobals());

async function openWorkspace(snapshot = sampleSnapshot()): Promise<void> {
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
    previous_close: "99.0000",
    session_open: "99.0000",
    day_high: "101.0000",
    day_low: "98.0000",
  };
  const instrument = { symbol: "AAPL", name: "Apple Inc.", sector: "Technology", at: "2026-01-15T10:00:00Z", ...quote };
  act(() => {
    FakeSocket.latest(accountSocket).receive(snapshot);
    FakeSocket.latest("/ws/market").receive({
      type: "snapshot",
      session: { date: "2019-03-04", phase: "OPEN", simulated: true, note: "" },
      instruments: [instrument],
    });
  });
}

async function buyOne(): Promise<void> {
  await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
  await userEvent.type(screen.getByTestId("ticket-quantity"), "1");
  await userEvent.click(screen.getByTestId("ticket-submit"));
}

const executed = (input: Record<string, unknown>, changes: Record<string, unknown> = {}): Response =>
  Response.json({
    data: {
      executeTrade: {
        ...{ __typename: "TradeExecuted", accountId: account.account_id, version: 4, commandId: input.commandId },
        ...{ tradeId: "trade-4", symbol: "AAPL", side: "BUY", quantity: "1", price: input.price, value: "100.0000", fee: "0.0000" },
        ...{
          realizedPnl: "0.0000",
          cashAfter: "89900.0000",
          positionQuantity: "101",
          executedAt: "2026-01-15T10:00:01Z",
        },
        ...changes,
      },
    },
  });

it("logs in, goes to the account, and shows it live", async () => {
  await openWorkspace();
  expect(window.location.pathname).toBe(`/accounts/${account.account_id}`);
  expect(screen.getByTestId("portfolio-value")).toHaveAttribute("data-value", "100000.0000");
  expect(screen.getByTestId("connection-state")).toHaveAttribute("data-state", "live");
  act(() =>
    FakeSocket.latest(accountSocket).receive(
      sampleDelta(3, 4, {
        account: sampleAccount({ version: 4, cash: "89900.0000" }),
        positions: [samplePosition({ quantity: "101", cost: "10100.0000" })],
        trades: [sampleTrade(4, { quantity: "1" })],
      }),
    ),
  );
  expect(screen.getByTestId("cash")).toHaveTextContent("89,900.00");
  expect(within(screen.getByTestId("position-row-AAPL")).getByTestId("position-quantity")).toHaveTextContent("101");
  expect(screen.getAllByTestId("trade-row").map((row) => row.dataset.version)).toEqual(["4", "3"]);
});

it("executes a trade at the live price and says what came of it", async () => {
  await openWorkspace();
  graphql = executed;
  await buyOne();
  expect(await screen.findByTestId("ticket-executed")).toHaveTextContent("Bought 1 AAPL");
  expect(screen.getByTestId("toasts")).toHaveTextContent("version 4");
});

it("shows a refusal with its code and figures", async () => {
  await openWorkspace();
  graphql = (input) =>
    Response.json({
      data: {
        executeTrade: {
          ...{
            __typename: "CommandRefused",
            code: "INSUFFICIENT_FUNDS",
            message: "",
            limit: "50.0000",
            actual: "100.0000",
          },
          ...{ accountId: account.account_id, version: 4, commandId: input.commandId },
        },
      },
    });
  await buyOne();
  const result = screen.getByTestId("ticket-result");
  await waitFor(() => expect(result).toHaveTextContent("INSUFFICIENT_FUNDS"));
  expect(result).toHaveTextContent("50.00");
  expect(result).toHaveTextContent("100.00");
});

it("retries an unanswered trade with the same command id", async () => {
  await openWorkspace();
  graphql = () => Promise.reject(new TypeError("network"));
  await buyOne();
  const retry = await screen.findByTestId("ticket-retry");
  expect(screen.getByTestId("ticket-quantity")).toBeDisabled();
  graphql = executed;
  await userEvent.click(retry);
  await screen.findByTestId("ticket-executed");
  expect(commandIds).toHaveLength(2);
  expect(commandIds[1]).toBe(commandIds[0]);
});

it("does not let a viewer trade, and says why", async () => {
  await openWorkspace(sampleSnapshot({ account: sampleAccount({ role: "viewer" }) }));
  expect(screen.getByTestId("ticket-submit")).toBeDisabled();
  expect(screen.getByTestId("ticket-closed")).toHaveTextContent("viewer");
});

it("goes to the login page when the session ends, and remembers where one was", async () => {
  await openWorkspace();
  isLoggedIn = false;
  act(() => FakeSocket.latest(accountSocket).closeWith(4401));
  await screen.findByTestId("login-submit");
  expect(new URLSearchParams(window.location.search).get("next")).toBe(`/accounts/${account.account_id}`);
});

it("sets the side by key, leaves keys alone while typing, and shows the sheet of keys", async () => {
  await openWorkspace();
  await userEvent.keyboard("s");
  expect(screen.getByTestId("ticket-side-sell")).toHaveAttribute("aria-pressed", "true");
  await userEvent.keyboard("/");
  expect(screen.getByTestId("ticket-symbol")).toHaveFocus();
  await userEvent.keyboard("b");
  expect(screen.getByTestId("ticket-side-sell")).toHaveAttribute("aria-pressed", "true");
  await userEvent.keyboard("{Escape}{Escape}?");
  expect(screen.getByTestId("shortcut-sheet")).toHaveTextContent("Go to the quantity");
});

const reserving = sampleAccount({
  ...{ cash: "50000.0000", reserved_cash: "45000.0000", buying_power: "5000.0000", open_orders: 2 },
  limits: { ...account.limits, max_position_percent: "100.00" },
});

it("refuses a figure that could mean two things, says how to write it, and shows what it understood", async () => {
  await openWorkspace();
  await userEvent.click(screen.getByTestId("deposit"));
  const dialog = within(screen.getByRole("dialog"));
  const amount = dialog.getByTestId("cash-amount");
  for (const text of ["1000,50", "1,5", "1 000"]) {
    await userEvent.clear(amount);
    await userEvent.type(amount, text);
    expect(dialog.getByRole("alert")).toHaveTextContent("Write it like 1,000.50");
    expect(dialog.getByTestId("cash-review")).toBeDisabled();
  }
  await userEvent.clear(amount);
  await userEvent.type(amount, "1,000.50");
  expect(dialog.queryByRole("alert")).toBeNull();
  expect(dialog.getByText("Deposit 1,000.50 USD into “Personal account”")).toBeInTheDocument();
  expect(dialog.getByTestId("cash-review")).toBeEnabled();
});

it("sends no trade of 15 shares at 455 for 1,5 at 45,5", async () => {
  await openWorkspace();
  graphql = executed;
  await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
  await userEvent.type(screen.getByTestId("ticket-quantity"), "1,5");
  await userEvent.clear(screen.getByTestId("ticket-price"));
  await userEvent.type(screen.getByTestId("ticket-price"), "45,5");
  await userEvent.click(screen.getByTestId("ticket-submit"));
  const ticket = within(screen.getByRole("form", { name: "Trade ticket" }));
  expect(ticket.getAllByRole("alert").map((each) => each.textContent)).toEqual([
    "Write it like 1,500 or 2.5",
    "Write it like 1,045.50",
  ]);
  expect(commandIds).toEqual([]);
  await userEvent.clear(screen.getByTestId("ticket-quantity"));
  await userEvent.type(screen.getByTestId("ticket-quantity"), "1,500");
  await userEvent.clear(screen.getByTestId("ticket-price"));
  await userEvent.type(screen.getByTestId("ticket-price"), "1,045.5");
  expect(screen.getByTestId("ticket-submit")).toHaveTextContent("Buy 1,500 AAPL at 1,045.50");
});

it("offers what working orders leave free, to buy, to sell and to withdraw", async () => {
  const position = samplePosition({ quantity: "10", reserved_quantity: "8", available: "2", last_price: "40.0000" });
  await openWorkspace(sampleSnapshot({ account: reserving, positions: [position] }));
  expect(screen.getByTestId("reserved-cash")).toHaveTextContent("45,000.00");
  expect(within(screen.getByTestId("position-row-AAPL")).getByTestId("position-available")).toHaveTextContent("2 free");
  await userEvent.click(screen.getByTestId("position-row-AAPL"));
  expect(screen.getByTestId("ticket-quantity")).toHaveValue("2");
  expect(screen.getByTestId("ticket-quantity-action")).toHaveTextContent("Max 2");
  await userEvent.click(screen.getByTestId("ticket-side-buy"));
  await userEvent.clear(screen.getByTestId("ticket-price"));
  await userEvent.type(screen.getByTestId("ticket-price"), "40");
  expect(screen.getByTestId("ticket-quantity-action")).toHaveTextContent("Max 125");
  await userEvent.click(screen.getByTestId("withdraw"));
  const dialog = within(screen.getByRole("dialog"));
  await userEvent.type(dialog.getByTestId("cash-amount"), "5000.01");
  expect(dialog.getByTestId("cash-note")).toHaveTextContent("Only 5,000.00 is free: working orders reserve the rest.");
  expect(dialog.getByTestId("cash-review")).toBeDisabled();
  await userEvent.click(dialog.getByTestId("cash-amount-action"));
  expect(dialog.getByTestId("cash-amount")).toHaveValue("5,000.00");
  expect(dialog.getByTestId("cash-review")).toBeEnabled();
});

it("shows parts of shares with their points below one another, and fees where there are some", async () => {
  const positions = [samplePosition({ quantity: "2.5", available: "2.5" }), samplePosition({ symbol: "KO" })];
  const trades = [sampleTrade(3, { quantity: "1250.125", fee: "0.0035" }), sampleTrade(2)];
  await openWorkspace(sampleSnapshot({ positions, trades }));
  const quantities = screen.getAllByTestId("position-quantity").map((cell) => cell.firstElementChild as HTMLElement);
  expect(quantities.map((each) => [each.textContent, each.dataset.free])).toEqual([
    ["100", ".0"],
    ["2.5", ""],
  ]);
  const cellsOf = (label: string): (string | null | undefined)[] =>
    screen.getAllByTestId("trade-row").map((row) => row.querySelector(`[data-label="${label}"]`)?.textContent);
  expect(cellsOf("Qty")).toEqual(["1,250.125", "100"]);
  expect(cellsOf("Value")).toEqual(["fee 0.0035 10,000.00", "10,000.00"]);
  const changed = samplePosition({ quantity: "2.500001", available: "2.500001" });
  act(() => FakeSocket.latest(accountSocket).receive(sampleDelta(3, 4, { positions: [changed] })));
  expect(screen.getByTestId("position-row-AAPL")).toHaveTextContent("2.500001");
});

it("sells all of a position, part of a share included, and takes no more than six decimals", async () => {
  const inputs: Record<string, unknown>[] = [];
  graphql = (input) => {
    inputs.push(input);
    return executed(input, { side: "SELL", quantity: "2.5", value: "250.0000", fee: "0.0035" });
  };
  await openWorkspace(sampleSnapshot({ positions: [samplePosition({ quantity: "2.5", available: "2.5" })] }));
  await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
  await userEvent.click(screen.getByTestId("ticket-side-sell"));
  await userEvent.click(screen.getByTestId("ticket-quantity-action"));
  expect(screen.getByTestId("ticket-submit")).toHaveTextContent("Sell 2.5 AAPL at 100.00");
  await userEvent.click(screen.getByTestId("ticket-submit"));
  const result = await screen.findByTestId("ticket-executed");
  expect(result).toHaveTextContent("Sold 2.5 AAPL");
  expect(result).toHaveTextContent("250.00 · fee 0.0035 · version 4");
  await userEvent.type(screen.getByTestId("ticket-quantity"), "0.0000001");
  await userEvent.click(screen.getByTestId("ticket-submit"));
  expect(screen.getByText("At most 6 decimals")).toBeInTheDocument();
  expect(inputs.map(({ quantity, side }) => [quantity, side])).toEqual([["2.5", "SELL"]]);
});

it("says beforehand that a part of a share is too small to trade", async () => {
  await openWorkspace();
  await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
  await userEvent.type(screen.getByTestId("ticket-quantity"), "0.000001");
  await userEvent.clear(screen.getByTestId("ticket-price"));
  await userEvent.type(screen.getByTestId("ticket-price"), "0.01");
  expect(screen.getByText("Trade too small: would be refused.")).toBeInTheDocument();
});

it("offers the currencies that the platform takes", async () => {
  await openWorkspace();
  await userEvent.click(screen.getByTestId("account-switcher"));
  await userEvent.click(screen.getByTestId("open-account"));
  const currency = screen.getByTestId("open-account-currency");
  expect(within(currency).getAllByRole("option").map((option) => option.textContent)).toEqual(["USD", "CHF"]);
  expect(currency).toHaveValue("USD");
});
