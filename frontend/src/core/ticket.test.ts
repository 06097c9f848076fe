import { describe, expect, it } from "vitest";

import { EMPTY_TICKET, ticketReducer, type TicketAction, type TicketState } from "./ticket";

const attempt = {
  accountId: "a-1",
  symbol: "AAPL",
  side: "BUY",
  quantity: "10",
  price: "100.0000",
  commandId: "c-1",
} as const;

const failure = { code: "OUTCOME_UNKNOWN", message: "no answer", limit: null, actual: null };

function after(...actions: TicketAction[]): TicketState {
  return actions.reduce(ticketReducer, EMPTY_TICKET);
}

describe("the ticket", () => {
  it("follows the market again when another symbol is chosen", () => {
    const state = after({ type: "symbolChosen", symbol: "AAPL" }, { type: "priceEdited", text: "99" });
    expect(ticketReducer(state, { type: "symbolChosen", symbol: "AAPL" }).priceText).toBe("99");
    expect(ticketReducer(state, { type: "symbolChosen", symbol: "AMD" }).priceText).toBeNull();
  });

  it("is filled by a row", () => {
    const state = after({ type: "instrumentPicked", symbol: "KO", side: "SELL", quantity: 1_200_500_000n });
    expect(state).toMatchObject({ symbol: "KO", side: "SELL", quantityText: "1200.5", priceText: null });
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
      { type: "tradeRefused", refusal: failure, isRecorded: true },
    );
    expect(state.attempt).toBeNull();
    expect(state.quantityText).toBe("10");
    expect(state.result?.kind).toBe("refused");
    expect(ticketReducer(state, { type: "quantityEdited", text: "9" }).result).toBeNull();
  });
});
