// What the ticket says that an order would lead to: with fees, beside what works already, and in the instrument's steps.
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakePlatform, openWorkspace, retype } from "../testing/page";
import { sampleAccount, sampleOrder, samplePosition, sampleSnapshot } from "../testing/samples";

let platform: FakePlatform;

beforeEach(() => {
  platform = FakePlatform.install();
});

afterEach(() => vi.unstubAllGlobals());

const account = sampleAccount({
  cash: "90000.0000",
  reserved_cash: "500.0000",
  buying_power: "89500.0000",
  open_orders: 2,
  fee_schedule: { per_order: "1.0000", per_share: "0.0100", percent: "0.10", minimum: "2.0000" },
});
const orders = [
  sampleOrder(2, { symbol: "AAPL", quantity: "5", remaining_quantity: "5", limit_price: "100.0000", reserve_price: "100.0000" }),
  sampleOrder(1, { symbol: "KO", side: "SELL", quantity: "4", remaining_quantity: "4", limit_price: "50.0000", reserve_price: "50.0000" }),
];

async function open(side: "buy" | "sell", quantity: string): Promise<void> {
  await openWorkspace(sampleSnapshot({ account, orders, positions: [samplePosition({ quantity: "50", available: "50", cost: "5000.0000" })] }));
  await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
  await userEvent.click(screen.getByTestId(`ticket-side-${side}`));
  await userEvent.selectOptions(screen.getByTestId("ticket-type"), "LIMIT");
  await userEvent.type(screen.getByTestId("ticket-limit"), "100");
  await userEvent.type(screen.getByTestId("ticket-quantity"), quantity);
}

function figures(...names: string[]): (string | null)[] {
  return names.map((name) => screen.getByTestId(`estimate-${name}`).getAttribute("data-value"));
}

describe("the estimate", () => {
  it("of a buy has its fee, total, reserve, buying power, and limits net of what works", async () => {
    await open("buy", "20");
    // 1 + max(2, 20 x 0.01 + 0.1 % of 2,000) = 3.20.
    expect(figures("value", "fee", "total")).toEqual(["2000.0000", "3.2000", "2003.2000"]);
    expect(figures("reserved", "buying-power-after", "buying-power-filled")).toEqual(["2000.0000", "87500.0000", "87496.8000"]);
    // A million less this order and 500 and 200 that work (what was traded is of another day); ten percent of the portfolio less 70 shares and 500.
    expect(figures("day-left", "symbol-left")).toEqual(["997300.0000", "2500.0000"]);
  });

  it("of a sale has what it brings less its fee, and what it realizes", async () => {
    await open("sell", "20");
    expect(figures("value", "fee", "total", "buying-power-after", "buying-power-filled")).toEqual([
      "2000.0000",
      "3.2000",
      "1996.8000",
      "89500.0000",
      "91496.8000",
    ]);
    expect(screen.getByTestId("estimate-available-after")).toHaveTextContent("30");
    expect(screen.queryByTestId("estimate-symbol-left")).toBeNull();
  });
});

it("says which prices are next to one between two steps, and sends nothing until it is one", async () => {
  await open("buy", "20");
  await retype("ticket-limit", "99.995");
  expect(screen.getByRole("alert")).toHaveTextContent("In steps of 0.01: 99.99 or 100.00");
  await userEvent.click(screen.getByTestId("ticket-submit"));
  expect(platform.commands).toEqual([]);
  await retype("ticket-limit", "99.99");
  expect(screen.queryByRole("alert")).toBeNull();
});
