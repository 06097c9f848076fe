// Placing and cancelling orders as a person does it, and what the page says of them as the account's socket goes on.
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { account, FakePlatform, openWorkspace, receive, refusal, retype } from "../testing/page";
import { sampleAccount, sampleDelta, sampleOrder, samplePosition, sampleSnapshot } from "../testing/samples";

let platform: FakePlatform;

beforeEach(() => {
  platform = FakePlatform.install();
});

afterEach(() => vi.unstubAllGlobals());

const NO_TRAIL = { trailAmount: null, trailPercent: null };

const placed = (input: Record<string, unknown>): Response => {
  const { symbol, side, quantity, type, timeInForce, limitPrice, stopPrice } = input;
  const terms = { symbol, side, quantity, type, timeInForce, limitPrice, stopPrice };
  const order = { orderId: "order-4", filledQuantity: "0", status: "PENDING", ...NO_TRAIL, ...terms };
  const answer = { accountId: account.account_id, version: 4, commandId: input.clientOrderId, duplicate: false, order };
  return Response.json({ data: { placeOrder: { __typename: "OrderPlaced", ...answer } } });
};

const cancelled = (input: Record<string, unknown>): Response => {
  const answer = { accountId: account.account_id, version: 5, commandId: input.commandId, duplicate: false };
  return Response.json({ data: { cancelOrder: { __typename: "OrderCancelled", ...answer, orderId: input.orderId } } });
};

/** The order that `placed` places, as the account's socket shows it. */
const aapl = { symbol: "AAPL", order_type: "MARKET", limit_price: null, quantity: "1", remaining_quantity: "1" } as const;
const end = { ended_at: "2026-01-15T10:00:01.000000Z" };

async function buyOne(): Promise<void> {
  await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
  await userEvent.type(screen.getByTestId("ticket-quantity"), "1");
  await userEvent.click(screen.getByTestId("ticket-submit"));
}

describe("the ticket", () => {
  it("places a market order, says that it works, and then that it was filled", async () => {
    await openWorkspace();
    platform.graphql = placed;
    expect(screen.getByTestId("ticket-market-price")).toHaveTextContent("–");
    await buyOne();
    const outcome = await screen.findByTestId("ticket-placed");
    expect(screen.getByTestId("ticket-market-price")).toHaveTextContent("100.00");
    expect(outcome).toHaveTextContent("Order placed: BUY 1 AAPL at market");
    expect(platform.commands).toEqual([
      {
        accountId: account.account_id,
        ...{ symbol: "AAPL", side: "BUY", quantity: "1", type: "MARKET", timeInForce: "DAY", limitPrice: null, stopPrice: null },
        clientOrderId: expect.any(String) as string,
      },
    ]);
    receive(sampleDelta(3, 4, { orders: [sampleOrder(4, aapl)] }));
    expect(outcome).toHaveAttribute("data-status", "PENDING");
    const filled = { status: "FILLED", filled_quantity: "1", remaining_quantity: "0", avg_fill_price: "100.2500" } as const;
    receive(sampleDelta(4, 5, { orders: [sampleOrder(4, { ...aapl, ...filled, ...end, version: 5 })] }));
    expect(screen.getByTestId("ticket-placed")).toHaveTextContent("Filled: bought 1 AAPL");
    expect(screen.getByTestId("ticket-placed")).toHaveTextContent("Bought at 100.25 on average.");
    expect(screen.getByTestId("toasts")).toHaveTextContent("Filled: bought 1 AAPL");
  });

  it.each([
    ["PARTIALLY_FILLED", { filled_quantity: "0.4", remaining_quantity: "0.6", avg_fill_price: "100.0000" }, "Partially filled: 0.4 of 1 AAPL"],
    ["CANCELLED", end, "Cancelled: BUY 1 AAPL at market"],
    ["EXPIRED", { ...end, reason: "the day is over" }, "The day is over. Nothing was filled."],
    ["REJECTED", { ...end, reason: "AAPL is halted" }, "AAPL is halted. Nothing was filled."],
  ] as const)("says that an order is %s", async (status, changes, text) => {
    await openWorkspace();
    platform.graphql = placed;
    await buyOne();
    await screen.findByTestId("ticket-placed");
    receive(sampleDelta(3, 5, { orders: [sampleOrder(4, { ...aapl, status, ...changes, version: 5 })] }));
    expect(screen.getByTestId("ticket-placed")).toHaveTextContent(text);
  });

  it("shows a refusal with its code and figures", async () => {
    await openWorkspace();
    platform.graphql = () => refusal("placeOrder", { code: "INSUFFICIENT_FUNDS", limit: "50.0000", actual: "104.0000" });
    await buyOne();
    const result = screen.getByTestId("ticket-result");
    await waitFor(() => expect(result).toHaveTextContent("INSUFFICIENT_FUNDS"));
    expect(result).toHaveTextContent("50.00");
    expect(result).toHaveTextContent("104.00");
  });

  it("retries an unanswered order with the same client order id", async () => {
    await openWorkspace();
    await buyOne();
    const retry = await screen.findByTestId("ticket-retry");
    expect(screen.getByTestId("ticket-quantity")).toBeDisabled();
    expect(screen.getByTestId("ticket-type")).toBeDisabled();
    platform.graphql = placed;
    await userEvent.click(retry);
    await screen.findByTestId("ticket-placed");
    expect(platform.commands).toHaveLength(2);
    expect(platform.commands[1]).toEqual(platform.commands[0]);
  });

  it("says that an unanswered order was placed when the account shows it, and how it ended when it is sent again", async () => {
    await openWorkspace();
    await buyOne();
    const retry = await screen.findByTestId("ticket-retry");
    const client_order_id = platform.commands[0]?.clientOrderId as string;
    receive(sampleDelta(3, 4, { orders: [sampleOrder(4, { ...aapl, client_order_id })] }));
    expect(screen.getByTestId("ticket-result")).toHaveTextContent("It was placed: version 4 of the account.");
    const filled = { status: "FILLED", filled_quantity: "1", remaining_quantity: "0", avg_fill_price: "99.0000" } as const;
    platform.endedOrders = [sampleOrder(4, { ...aapl, ...filled, ...end, client_order_id, version: 5 })];
    platform.graphql = () => refusal("placeOrder", { code: "CLIENT_ORDER_ID_SPENT", version: null });
    await userEvent.click(retry);
    expect(await screen.findByTestId("ticket-placed")).toHaveTextContent("Bought at 99.00 on average.");
    expect(platform.commands.map((command) => command.clientOrderId)).toEqual([client_order_id, client_order_id]);
  });

  it("asks for the prices of the type, and for no time in force that it cannot have", async () => {
    await openWorkspace();
    platform.graphql = placed;
    const times = (): (string | null)[] =>
      within(screen.getByTestId("ticket-time-in-force"))
        .getAllByRole("option")
        .map((option) => option.getAttribute("value"));
    expect(times()).toEqual(["DAY", "GTC", "GTD", "IOC", "FOK"]);
    await userEvent.selectOptions(screen.getByTestId("ticket-type"), "STOP_LIMIT");
    expect(times()).toEqual(["DAY", "GTC", "GTD"]);
    await userEvent.selectOptions(screen.getByTestId("ticket-time-in-force"), "GTC");
    await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
    await userEvent.type(screen.getByTestId("ticket-quantity"), "2.5");
    await userEvent.click(screen.getByTestId("ticket-stop-action"));
    expect(screen.getByTestId("ticket-stop")).toHaveValue("100.00");
    await userEvent.type(screen.getByTestId("ticket-limit"), "99");
    expect(screen.getByText("At 100.00 or above")).toBeInTheDocument();
    await userEvent.click(screen.getByTestId("ticket-submit"));
    expect(platform.commands).toEqual([]);
    await retype("ticket-limit", "101");
    expect(screen.getByTestId("ticket-submit")).toHaveTextContent("Buy 2.5 AAPL stop 100.00 limit 101.00");
    await userEvent.click(screen.getByTestId("ticket-submit"));
    await screen.findByTestId("ticket-placed");
    const terms = { type: "STOP_LIMIT", timeInForce: "GTC", stopPrice: "100.0000", limitPrice: "101.0000" };
    expect(platform.commands).toMatchObject([terms]);
  });

  it("says what the order would reserve, and what is free afterwards", async () => {
    await openWorkspace();
    await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
    await userEvent.type(screen.getByTestId("ticket-quantity"), "1");
    const figure = (name: string): string | undefined => screen.getByTestId(`estimate-${name}`).dataset.value;
    expect([figure("value"), figure("reserved"), figure("buying-power-after")]).toEqual(["100.0000", "104.0000", "89896.0000"]);
    await userEvent.selectOptions(screen.getByTestId("ticket-type"), "LIMIT");
    await userEvent.type(screen.getByTestId("ticket-limit"), "90");
    expect([figure("value"), figure("reserved"), figure("buying-power-after")]).toEqual(["90.0000", "90.0000", "89910.0000"]);
    await userEvent.click(screen.getByTestId("ticket-side-sell"));
    expect(screen.getByTestId("estimate-available-after")).toHaveTextContent("99");
  });

  it("places no order of 15 shares at 455 for 1,5 at 45,5", async () => {
    await openWorkspace();
    platform.graphql = placed;
    await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
    await userEvent.selectOptions(screen.getByTestId("ticket-type"), "LIMIT");
    await userEvent.type(screen.getByTestId("ticket-quantity"), "1,5");
    await userEvent.type(screen.getByTestId("ticket-limit"), "45,5");
    await userEvent.click(screen.getByTestId("ticket-submit"));
    const ticket = within(screen.getByRole("form", { name: "Order ticket" }));
    expect(ticket.getAllByRole("alert").map((each) => each.textContent)).toEqual([
      "Write it like 1,500 or 2.5",
      "Write it like 1,045.50",
    ]);
    expect(platform.commands).toEqual([]);
    await retype("ticket-quantity", "1,500");
    await retype("ticket-limit", "1,045.5");
    expect(screen.getByTestId("ticket-submit")).toHaveTextContent("Buy 1,500 AAPL limit 1,045.50");
  });

  it("sells all of a position, part of a share included, and takes no more than six decimals", async () => {
    platform.graphql = placed;
    await openWorkspace(sampleSnapshot({ positions: [samplePosition({ quantity: "2.5", available: "2.5" })] }));
    await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
    await userEvent.click(screen.getByTestId("ticket-side-sell"));
    await userEvent.click(screen.getByTestId("ticket-quantity-action"));
    expect(screen.getByTestId("ticket-submit")).toHaveTextContent("Sell 2.5 AAPL at market");
    await userEvent.click(screen.getByTestId("ticket-submit"));
    expect(await screen.findByTestId("ticket-placed")).toHaveTextContent("SELL 2.5 AAPL at market");
    await userEvent.type(screen.getByTestId("ticket-quantity"), "0.0000001");
    await userEvent.click(screen.getByTestId("ticket-submit"));
    expect(screen.getByText("At most 6 decimals")).toBeInTheDocument();
    expect(platform.commands.map(({ quantity, side }) => [quantity, side])).toEqual([["2.5", "SELL"]]);
  });

  it("says beforehand that a part of a share is too small", async () => {
    await openWorkspace();
    await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
    await userEvent.selectOptions(screen.getByTestId("ticket-type"), "LIMIT");
    await userEvent.type(screen.getByTestId("ticket-quantity"), "0.000001");
    await userEvent.type(screen.getByTestId("ticket-limit"), "0.01");
    expect(screen.getByText("Order too small: would be refused.")).toBeInTheDocument();
  });
});

describe("the orders", () => {
  const partly = sampleOrder(3, { status: "PARTIALLY_FILLED", filled_quantity: "4", remaining_quantity: "6" });
  const sale = sampleOrder(2, { side: "SELL", symbol: "AAPL", order_type: "STOP", limit_price: null, stop_price: "90.0000" });
  const both = sampleSnapshot({ orders: [partly, sale] });

  const cells = (row: HTMLElement): (string | null)[] =>
    ["Side", "Type", "Qty", "Filled", "Limit", "Stop", "TIF", "Reserved"].map(
      (label) => row.querySelector(`[data-label="${label}"]`)?.textContent ?? null,
    );

  it("that work are shown with what they wait for and reserve", async () => {
    await openWorkspace(both);
    expect(screen.getByTestId("orders-working")).toHaveTextContent("Working 2");
    expect(screen.getAllByTestId("order-row").map(cells)).toEqual([
      ["BUY", "Limit", "10", "4", "50.00", "–", "DAY", "300.00"],
      ["SELL", "Stop", "10", "0", "–", "90.00", "DAY", "10 shares"],
    ]);
  });

  it("that have ended are shown with how and why", async () => {
    platform.endedOrders = [sampleOrder(1, { status: "EXPIRED", reason: "the day is over", ...end, version: 2 })];
    await openWorkspace(both);
    await userEvent.click(screen.getByTestId("orders-ended"));
    const row = await screen.findByTestId("ended-order-row");
    expect(within(row).getByTestId("order-status")).toHaveTextContent("Expired");
    expect(row).toHaveTextContent("the day is over");
    receive(sampleDelta(3, 4, { orders: [{ ...partly, status: "FILLED", filled_quantity: "10", avg_fill_price: "49.5000", ...end, version: 4 }] }));
    expect(screen.getAllByTestId("order-status").map((each) => each.textContent)).toEqual(["Filled", "Expired"]);
  });

  it("say that there are none", async () => {
    await openWorkspace();
    expect(screen.getByText("No working orders")).toBeInTheDocument();
    expect(screen.getByTestId("orders-cancel-all")).toBeDisabled();
    await userEvent.click(screen.getByTestId("orders-ended"));
    expect(await screen.findByText("No order has ended yet")).toBeInTheDocument();
  });

  it("are cancelled one by one without a question", async () => {
    await openWorkspace(both);
    platform.graphql = cancelled;
    const [row] = screen.getAllByTestId("order-row");
    const button = within(row as HTMLElement).getByRole("button", { name: "Cancel BUY 10 KO limit 50.00" });
    await userEvent.click(button);
    expect(button).toHaveAttribute("aria-disabled", "true");
    await userEvent.click(button);
    expect(platform.commands).toMatchObject([{ accountId: account.account_id, orderId: "order-3" }]);
    receive(sampleDelta(3, 5, { orders: [{ ...partly, status: "CANCELLED", ...end, version: 5 }] }));
    expect(screen.getAllByTestId("order-row")).toHaveLength(1);
    await waitFor(() => expect(screen.getByTestId("toasts")).toHaveTextContent("Cancelled: BUY 10 KO limit 50.00"));
    expect(screen.getByTestId("orders-working")).toHaveFocus();
  });

  it("show a cancel's refusal, and retry an unanswered one with the same command id", async () => {
    await openWorkspace(both);
    const cancelFirst = async (): Promise<void> => {
      await userEvent.click(screen.getAllByTestId("order-cancel")[0] as HTMLElement);
    };
    platform.graphql = () => refusal("cancelOrder", { code: "ORDER_NOT_OPEN" });
    await cancelFirst();
    expect(await screen.findByTestId("orders-problem")).toHaveTextContent("The order works no more");
    await userEvent.click(screen.getByTestId("orders-dismiss"));
    expect(screen.queryByTestId("orders-problem")).toBeNull();
    platform.graphql = () => Promise.reject(new TypeError("network"));
    await cancelFirst();
    const retry = await screen.findByTestId("orders-retry");
    platform.graphql = cancelled;
    await userEvent.click(retry);
    await waitFor(() => expect(screen.queryByTestId("orders-problem")).toBeNull());
    const [refused, unanswered, retried] = platform.commands.map((command) => command.commandId);
    expect(retried).toBe(unanswered);
    expect(unanswered).not.toBe(refused);
  });

  it("say nothing more of an unanswered cancel once its order has ended", async () => {
    await openWorkspace(both);
    await userEvent.click(screen.getAllByTestId("order-cancel")[0] as HTMLElement);
    expect(await screen.findByTestId("orders-problem")).toHaveTextContent("Cancelling BUY 10 KO limit 50.00");
    receive(sampleDelta(3, 4, { orders: [{ ...partly, status: "CANCELLED", ...end, version: 4 }] }));
    expect(screen.queryByTestId("orders-problem")).toBeNull();
  });

  it("are all cancelled after a question, and each refusal is named", async () => {
    await openWorkspace(both);
    await userEvent.click(screen.getByTestId("orders-cancel-all"));
    const dialog = within(screen.getByRole("dialog"));
    expect(dialog.getByText("Cancel 2 orders of “Personal account”")).toBeInTheDocument();
    expect(dialog.getByTestId("cancel-all-cash")).toHaveTextContent("300.00");
    await userEvent.click(dialog.getByTestId("cancel-all-confirm"));
    const outcomes = [{ version: 4 }, { version: 5, code: "ORDER_NOT_OPEN", message: "" }];
    platform.graphql = () => Response.json({ data: { cancelOrders: { accepted: 1, refused: 1, outcomes } } });
    await userEvent.click(await dialog.findByText("Retry safely"));
    const result = await dialog.findByTestId("cancel-all-result");
    expect(result).toHaveTextContent("1 order cancelled");
    expect(result).toHaveTextContent("SELL 10 AAPL stop 90.00: The order works no more");
    expect(platform.commands).toHaveLength(2);
    expect(platform.commands[1]).toEqual(platform.commands[0]);
    expect(platform.commands[0]).toMatchObject({ orders: [{ orderId: "order-3" }, { orderId: "order-2" }] });
  });

  it.each(["viewer", "staff"] as const)("cannot be cancelled by a %s", async (role) => {
    await openWorkspace({ ...both, account: sampleAccount({ role }) });
    expect(screen.getAllByTestId("order-row")).toHaveLength(2);
    expect(screen.queryByTestId("order-cancel")).toBeNull();
    expect(screen.queryByTestId("orders-cancel-all")).toBeNull();
  });

  it("can be cancelled while the account is frozen", async () => {
    await openWorkspace({ ...both, account: sampleAccount({ status: "FROZEN" }) });
    expect(screen.getByTestId("ticket-submit")).toBeDisabled();
    expect(screen.getAllByTestId("order-cancel")).toHaveLength(2);
  });
});
