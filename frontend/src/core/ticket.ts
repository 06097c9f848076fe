// The trade ticket as a pure reducer over what happened at it. Its heart is the attempt: what was sent, under which
// command id. While an attempt's outcome is unknown it is kept unchanged, so that a retry sends exactly the same command
// with the same id, and the form stays closed until the outcome is known or the attempt is given up.

import type { ExecuteTradeInput } from "./commands";
import { toQuantity, type Shares } from "./shares";
import type { Side, TradeExecuted } from "./types";

export interface TicketFailure {
  code: string;
  message: string;
  limit: string | null;
  actual: string | null;
}

export type TicketResult =
  | { kind: "executed"; trade: TradeExecuted }
  | { kind: "refused"; refusal: TicketFailure; isRecorded: boolean }
  | { kind: "failed"; failure: TicketFailure; isSafeToRetry: boolean };

export interface TicketState {
  symbol: string;
  side: Side;
  quantityText: string;
  /** Null as long as the price follows the market. */
  priceText: string | null;
  attempt: ExecuteTradeInput | null;
  isSubmitting: boolean;
  result: TicketResult | null;
}

export type TicketAction =
  | { type: "symbolChosen"; symbol: string }
  | { type: "sideChosen"; side: Side }
  | { type: "quantityEdited"; text: string }
  | { type: "priceEdited"; text: string }
  | { type: "livePriceChosen" }
  | { type: "instrumentPicked"; symbol: string; side?: Side; quantity?: Shares }
  | { type: "submissionStarted"; attempt: ExecuteTradeInput }
  | { type: "tradeExecuted"; trade: TradeExecuted }
  | { type: "tradeRefused"; refusal: TicketFailure; isRecorded: boolean }
  | { type: "submissionFailed"; failure: TicketFailure; isSafeToRetry: boolean }
  | { type: "attemptGivenUp" }
  | { type: "ticketCleared" };

export const EMPTY_TICKET: TicketState = {
  symbol: "",
  side: "BUY",
  quantityText: "",
  priceText: null,
  attempt: null,
  isSubmitting: false,
  result: null,
};

/** Whether the form may be changed: not while an attempt is under way or its outcome unknown. */
export function isTicketOpen(state: TicketState): boolean {
  return state.attempt === null;
}

export function ticketReducer(state: TicketState, action: TicketAction): TicketState {
  switch (action.type) {
    case "submissionStarted":
      return { ...state, attempt: action.attempt, isSubmitting: true, result: null };
    case "tradeExecuted":
      return {
        ...state,
        quantityText: "",
        priceText: null,
        attempt: null,
        isSubmitting: false,
        result: { kind: "executed", trade: action.trade },
      };
    case "tradeRefused": {
      const { refusal, isRecorded } = action;
      return { ...state, attempt: null, isSubmitting: false, result: { kind: "refused", refusal, isRecorded } };
    }
    case "submissionFailed": {
      const { failure, isSafeToRetry } = action;
      const attempt = isSafeToRetry ? state.attempt : null;
      return { ...state, attempt, isSubmitting: false, result: { kind: "failed", failure, isSafeToRetry } };
    }
    case "attemptGivenUp":
      return { ...state, attempt: null, isSubmitting: false, result: null };
    default:
      return isTicketOpen(state) ? { ...edited(state, action), result: null } : state;
  }
}

type Edit = Exclude<
  TicketAction,
  { type: "submissionStarted" | "tradeExecuted" | "tradeRefused" | "submissionFailed" | "attemptGivenUp" }
>;

function edited(state: TicketState, action: Edit): TicketState {
  switch (action.type) {
    case "symbolChosen":
      return action.symbol === state.symbol ? state : { ...state, symbol: action.symbol, priceText: null };
    case "sideChosen":
      return { ...state, side: action.side };
    case "quantityEdited":
      return { ...state, quantityText: action.text };
    case "priceEdited":
      return { ...state, priceText: action.text };
    case "livePriceChosen":
      return { ...state, priceText: null };
    case "instrumentPicked":
      return {
        ...state,
        symbol: action.symbol,
        side: action.side ?? state.side,
        quantityText: action.quantity === undefined ? state.quantityText : toQuantity(action.quantity),
        priceText: null,
      };
    case "ticketCleared":
      return { ...EMPTY_TICKET, symbol: state.symbol, side: state.side };
  }
}
