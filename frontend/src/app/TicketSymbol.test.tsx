// The symbol of the order ticket: what may be chosen, and that no order is for another one than is shown.
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeSocket } from "../testing/fake_socket";
import { account, FakePlatform, openWorkspace } from "../testing/page";
import { sampleSteps, sampleVenue } from "../testing/samples";

let platform: FakePlatform;

beforeEach(() => {
  platform = FakePlatform.install();
});

afterEach(() => vi.unstubAllGlobals());

const placed = (input: Record<string, unknown>): Response => {
  const { symbol, side, quantity, type, timeInForce, limitPrice, stopPrice } = input;
  const terms = { symbol, side, quantity, type, timeInForce, limitPrice, stopPrice };
  const order = { orderId: "order-4", filledQuantity: "0", status: "PENDING", ...terms };
  const answer = { accountId: account.account_id, version: 4, commandId: input.clientOrderId, duplicate: false, order };
  return Response.json({ data: { placeOrder: { __typename: "OrderPlaced", ...answer } } });
};

/** The market lists others besides AAPL: MET, which has no price yet and whose symbol begins that of META. */
function listMore(): void {
  const prices = { price: "50.0000", previous_close: "50.0000", session_open: "50.0000", day_high: "50.0000", day_low: "50.0000" };
  const unpriced = { price: null, previous_close: null, session_open: null, day_high: null, day_low: null, at: null };
  const [sector, at] = ["Technology", "2026-01-15T10:00:00Z"];
  act(() =>
    FakeSocket.latest("/ws/market").receive({
      type: "snapshot",
      session: { date: "2019-03-04", phase: "OPEN", simulated: true, note: "" },
      venue: sampleVenue(),
      instruments: [
        { symbol: "AAPL", name: "Apple Inc.", sector, is_halted: false, at, ...sampleSteps, ...prices },
        { symbol: "META", name: "Meta Platforms", sector, is_halted: false, at, ...sampleSteps, ...prices },
        { symbol: "MET", name: "MetLife", sector: "Financials", is_halted: false, ...sampleSteps, ...unpriced },
        { symbol: "HLT", name: "Hilton", sector, is_halted: true, ...sampleSteps, ...unpriced },
      ],
    }),
  );
}

describe("the symbol of the ticket", () => {
  it("is none while the text is none, and Enter sends nothing", async () => {
    await openWorkspace();
    platform.graphql = placed;
    await userEvent.type(screen.getByTestId("ticket-quantity"), "1");
    const [field, submit] = [screen.getByTestId("ticket-symbol"), screen.getByTestId("ticket-submit")];
    expect(submit).toHaveAttribute("title", "Choose a symbol first.");
    await userEvent.type(field, "aapl");
    expect(submit).toBeEnabled();
    await userEvent.type(field, "w");
    expect(submit).toBeDisabled();
    expect(submit).toHaveTextContent(/^Buy 1$/);
    expect(field).toHaveAccessibleDescription("No such symbol: choose one of the list");
    await userEvent.keyboard("{Enter}");
    // As a form is sent where no button stops it.
    fireEvent.submit(screen.getByRole("form", { name: "Order ticket" }));
    expect(field).toHaveValue("aaplw");
    expect(platform.commands).toEqual([]);
    await userEvent.type(field, "{Backspace}{Enter}");
    expect(field).toHaveValue("AAPL");
    await userEvent.click(submit);
    await waitFor(() => expect(platform.commands).toMatchObject([{ symbol: "AAPL", quantity: "1" }]));
  });

  it("may have no price yet: then a limit order is sent, and a market order is not", async () => {
    await openWorkspace();
    listMore();
    platform.graphql = placed;
    await userEvent.type(screen.getByTestId("ticket-quantity"), "1");
    await userEvent.type(screen.getByTestId("ticket-symbol"), "met");
    const options = within(screen.getByRole("listbox", { name: "Instruments" })).getAllByRole("option");
    expect(options.map((option) => option.textContent)).toEqual(["METMetLifeNo price yet", "METAMeta Platforms50.00"]);
    await userEvent.keyboard("{Enter}");
    expect(screen.getByTestId("ticket-symbol")).toHaveValue("MET");
    expect(screen.getByTestId("ticket-symbol")).toHaveAccessibleDescription("MetLife · Financials · no price yet");
    expect(screen.getByTestId("ticket-submit")).toBeDisabled();
    expect(screen.getByTestId("ticket-unsendable")).toHaveTextContent("MET has no price yet: place a limit or a stop order.");
    fireEvent.submit(screen.getByRole("form", { name: "Order ticket" }));
    expect(platform.commands).toEqual([]);
    await userEvent.selectOptions(screen.getByTestId("ticket-type"), "LIMIT");
    await userEvent.type(screen.getByTestId("ticket-limit"), "40");
    await userEvent.click(screen.getByTestId("ticket-submit"));
    await waitFor(() => expect(platform.commands).toMatchObject([{ symbol: "MET", type: "LIMIT", limitPrice: "40.0000" }]));
  });

  it("is shown as halted", async () => {
    await openWorkspace();
    listMore();
    await userEvent.type(screen.getByTestId("ticket-symbol"), "hlt");
    const option = within(screen.getByRole("listbox", { name: "Instruments" })).getByRole("option");
    expect(option).toHaveTextContent(/^HLTHiltonHalted$/);
    expect(screen.getByTestId("ticket-symbol")).toHaveAccessibleDescription("Hilton · Technology · trading is halted");
  });
});
