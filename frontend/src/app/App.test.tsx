// The page as a person uses it: the platform's answers are the contract's, what is on the screen is looked at.
import { act, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { FakeSocket } from "../testing/fake_socket";
import { account, accountSocket, FakePlatform, openWorkspace, receive, retype } from "../testing/page";
import { sampleAccount, sampleDelta, samplePosition, sampleSnapshot, sampleTrade } from "../testing/samples";

let platform: FakePlatform;

beforeEach(() => {
  platform = FakePlatform.install();
});

afterEach(() => vi.unstubAllGlobals());

it("logs in, goes to the account, and shows it live", async () => {
  await openWorkspace();
  expect(window.location.pathname).toBe(`/accounts/${account.account_id}`);
  expect(screen.getByTestId("portfolio-value")).toHaveAttribute("data-value", "100000.0000");
  expect(screen.getByTestId("connection-state")).toHaveAttribute("data-state", "live");
  receive(
    sampleDelta(3, 4, {
      account: sampleAccount({ version: 4, cash: "89900.0000" }),
      positions: [samplePosition({ quantity: "101", cost: "10100.0000" })],
      trades: [sampleTrade(4, { quantity: "1" })],
    }),
  );
  expect(screen.getByTestId("cash")).toHaveTextContent("89,900.00");
  expect(within(screen.getByTestId("position-row-AAPL")).getByTestId("position-quantity")).toHaveTextContent("101");
  expect(screen.getAllByTestId("trade-row").map((row) => row.dataset.version)).toEqual(["4", "3"]);
});

it("does not let a viewer trade, and says why", async () => {
  await openWorkspace(sampleSnapshot({ account: sampleAccount({ role: "viewer" }) }));
  expect(screen.getByTestId("ticket-submit")).toBeDisabled();
  expect(screen.getByTestId("ticket-closed")).toHaveTextContent("viewer");
});

it("goes to the login page when the session ends, and remembers where one was", async () => {
  await openWorkspace();
  platform.isLoggedIn = false;
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
  for (const text of ["1000,50", "1,5", "1 000"]) {
    await retype("cash-amount", text);
    expect(dialog.getByRole("alert")).toHaveTextContent("Write it like 1,000.50");
    expect(dialog.getByTestId("cash-review")).toBeDisabled();
  }
  await retype("cash-amount", "1,000.50");
  expect(dialog.queryByRole("alert")).toBeNull();
  expect(dialog.getByText("Deposit 1,000.50 USD into “Personal account”")).toBeInTheDocument();
  expect(dialog.getByTestId("cash-review")).toBeEnabled();
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
  await userEvent.selectOptions(screen.getByTestId("ticket-type"), "LIMIT");
  await retype("ticket-limit", "40");
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
  receive(sampleDelta(3, 4, { positions: [changed] }));
  expect(screen.getByTestId("position-row-AAPL")).toHaveTextContent("2.500001");
});

it("offers the currencies that the platform takes", async () => {
  await openWorkspace();
  await userEvent.click(screen.getByTestId("account-switcher"));
  await userEvent.click(screen.getByTestId("open-account"));
  const currency = screen.getByTestId("open-account-currency");
  expect(within(currency).getAllByRole("option").map((option) => option.textContent)).toEqual(["USD", "CHF"]);
  expect(currency).toHaveValue("USD");
});
