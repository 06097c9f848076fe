// Orders with more to them than a price, as a person places them: what is sent.
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { account, FakePlatform, openWorkspace } from "../testing/page";

let platform: FakePlatform;

beforeEach(() => {
  platform = FakePlatform.install();
});

afterEach(() => vi.unstubAllGlobals());

const placed = (input: Record<string, unknown>): Response => {
  const order = { orderId: "order-4", filledQuantity: "0", status: "PENDING", trailAmount: null, trailPercent: null, ...input };
  const answer = { accountId: account.account_id, version: 4, commandId: input.clientOrderId, duplicate: false, order };
  return Response.json({ data: { placeOrder: { __typename: "OrderPlaced", ...answer } } });
};

describe("the ticket", () => {
  it("places a trailing stop with its exits until a day", async () => {
    await openWorkspace();
    platform.graphql = placed;
    await userEvent.selectOptions(screen.getByTestId("ticket-type"), "TRAILING_STOP");
    await userEvent.selectOptions(screen.getByTestId("ticket-time-in-force"), "GTD");
    await userEvent.type(screen.getByTestId("ticket-last-day"), "2030-01-31");
    await userEvent.type(screen.getByTestId("ticket-symbol"), "aapl");
    await userEvent.type(screen.getByTestId("ticket-quantity"), "2");
    await userEvent.type(screen.getByTestId("ticket-trail"), "2.5");
    await userEvent.click(screen.getByTestId("ticket-exits"));
    await userEvent.type(screen.getByTestId("ticket-profit"), "90");
    expect(screen.getByText("Above the order's price, the stop loss below")).toBeInTheDocument();
    await userEvent.clear(screen.getByTestId("ticket-profit"));
    await userEvent.type(screen.getByTestId("ticket-profit"), "120");
    await userEvent.type(screen.getByTestId("ticket-loss"), "95");
    await userEvent.click(screen.getByTestId("ticket-submit"));
    expect(await screen.findByTestId("ticket-placed")).toHaveTextContent("Order placed: BUY 2 AAPL trailing by 2.50 %");
    expect(platform.commands).toMatchObject([
      {
        ...{ type: "TRAILING_STOP", timeInForce: "GTD", expiresAt: "2030-01-31T23:59:59Z", trailPercent: "2.50" },
        ...{ limitPrice: null, stopPrice: null, takeProfit: { limitPrice: "120.0000" }, stopLoss: { stopPrice: "95.0000" } },
      },
    ]);
  });
});
