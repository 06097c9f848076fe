import { describe, expect, it } from "vitest";

import { EMPTY_TICKET, ticketReducer, type TicketAction, type TicketState } from "./ticket";

const attempt = {
  accountId: "a-1",
  symbol: "AAPL",
  side: "BUY",
  quantity: "10",
  type: "LIMIT",
  timeInForce: "DAY",
  limitPrice: "100.0000",
  stopPrice: null,
  clientOrderId: "c-1",
} as const;

const failure = { code: "OUTCOME_UNKNOWN", message: "no answer", limit: null, actual: null };

function after(...actions: TicketAction[]): TicketState {
  return actions.reduce(ticketReducer, EMPTY_TICKET);
}

describe("the ticket", () => {
  it("is a market order for the day, at first", () => {
    expect(EMPTY_TICKET).toMatchObject({ type: "MARKET", timeInForce: "DAY" });
  });

  it("forgets its prices when another symbol is chosen", () => {
    const state = after(
      { type: "symbolChosen", symbol: "AAPL" },
      { type: "limitEdited", text: "99" },
      { type: "stopEdited", text: "98" },
    );
    expect(ticketReducer(state, { type: "symbolChosen", symbol: "AAPL" }).limitText).toBe("99");
    const other = ticketReducer(state, { type: "symbolChosen", symbol: "AMD" });
    expect([other.limitText, other.stopText]).toEqual(["", ""]);
  });

  it("is filled by a row", () => {
    const state = after({ type: "instrumentPicked", symbol: "KO", side: "SELL", quantity: 1_200_500_000n });
    expect(state).toMatchObject({ symbol: "KO", side: "SELL", quantityText: "1200.5", limitText: "" });
  });

  it("has no time in force that its type cannot have", () => {
    const immediate = after(
      { type: "orderTypeChosen", orderType: "LIMIT" },
      { type: "timeInForceChosen", timeInForce: "IOC" },
    );
    expect(ticketReducer(immediate, { type: "orderTypeChosen", orderType: "MARKET" }).timeInForce).toBe("IOC");
    expect(ticketReducer(immediate, { type: "orderTypeChosen", orderType: "STOP" }).timeInForce).toBe("DAY");
    const kept = after(
      { type: "timeInForceChosen", timeInForce: "GTC" },
      { type: "orderTypeChosen", orderType: "STOP_LIMIT" },
    );
    expect(kept.timeInForce).toBe("GTC");
  });

  it("keeps the attempt, and stays closed, while its outcome is unknown", () => {
    const state = after(
      { type: "submissionStarted", attempt },
      { type: "submissionFailed", failure, isSafeToRetry: true },
    );
    expect(state.attempt).toBe(attempt);
    expect(ticketReducer(state, { type: "quantityEdited", text: "99" })).toBe(state);
    expect(ticketReducer(state, { type: "attemptGivenUp" }).attempt).toBeNull();
  });

  it("lets go of an attempt that was refused, and keeps the form as it was", () => {
    const state = after(
      { type: "quantityEdited", text: "10" },
      { type: "submissionStarted", attempt },
      { type: "orderRefused", refusal: failure, isRecorded: true },
    );
    expect(state.attempt).toBeNull();
    expect(state.quantityText).toBe("10");
    expect(state.result?.kind).toBe("refused");
    expect(ticketReducer(state, { type: "quantityEdited", text: "9" }).result).toBeNull();
  });
});
