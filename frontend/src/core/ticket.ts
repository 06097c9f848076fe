// The order ticket as a pure reducer over what happened at it. Its heart is the attempt: what was sent, under which
// client order id. While an attempt's outcome is unknown it is kept unchanged, so that a retry sends exactly the same order
// with the same id, and the form stays closed until the outcome is known or the attempt is given up.

import type { PlaceOrderInput } from "./commands";
import { timesInForceOf } from "./order_terms";
import type { OrderSummary } from "./orders";
import { toQuantity, type Shares } from "./shares";
import type { OrderType, Side, TimeInForce } from "./types";

export interface TicketFailure {
  code: string;
  message: string;
  limit: string | null;
  actual: string | null;
}

export type TicketResult =
  | { kind: "placed"; order: OrderSummary }
  | { kind: "refused"; refusal: TicketFailure; isRecorded: boolean }
  | { kind: "failed"; failure: TicketFailure; isSafeToRetry: boolean };

export interface TicketState {
  symbol: string;
  side: Side;
  type: OrderType;
  timeInForce: TimeInForce;
  quantityText: string;
  limitText: string;
  stopText: string;
  trailText: string;
  isTrailInPercent: boolean;
  /** The last day of a GTD order, YYYY-MM-DD in UTC. */
  lastDay: string;
  hasExits: boolean;
  profitText: string;
  lossText: string;
  attempt: PlaceOrderInput | null;
  isSubmitting: boolean;
  result: TicketResult | null;
}

export type TicketAction =
  | { type: "symbolChosen"; symbol: string }
  | { type: "sideChosen"; side: Side }
  | { type: "orderTypeChosen"; orderType: OrderType }
  | { type: "timeInForceChosen"; timeInForce: TimeInForce }
  | { type: "quantityEdited"; text: string }
  | { type: "limitEdited"; text: string }
  | { type: "stopEdited"; text: string }
  | { type: "trailEdited"; text: string }
  | { type: "trailUnitChosen"; isPercent: boolean }
  | { type: "lastDayChosen"; day: string }
  | { type: "exitsChosen"; hasExits: boolean }
  | { type: "profitEdited"; text: string }
  | { type: "lossEdited"; text: string }
  | { type: "instrumentPicked"; symbol: string; side?: Side; quantity?: Shares }
  | { type: "submissionStarted"; attempt: PlaceOrderInput }
  | { type: "orderPlaced"; order: OrderSummary }
  | { type: "orderRefused"; refusal: TicketFailure; isRecorded: boolean }
  | { type: "submissionFailed"; failure: TicketFailure; isSafeToRetry: boolean }
  | { type: "attemptGivenUp" }
  | { type: "ticketCleared" };

export const EMPTY_TICKET: TicketState = {
  symbol: "",
  side: "BUY",
  type: "MARKET",
  timeInForce: "DAY",
  quantityText: "",
  limitText: "",
  stopText: "",
  trailText: "",
  isTrailInPercent: true,
  lastDay: "",
  hasExits: false,
  profitText: "",
  lossText: "",
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
    case "orderPlaced":
      return {
        ...state,
        quantityText: "",
        ...NO_PRICES,
        attempt: null,
        isSubmitting: false,
        result: { kind: "placed", order: action.order },
      };
    case "orderRefused": {
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
  { type: "submissionStarted" | "orderPlaced" | "orderRefused" | "submissionFailed" | "attemptGivenUp" }
>;

function edited(state: TicketState, action: Edit): TicketState {
  switch (action.type) {
    case "symbolChosen":
      return action.symbol === state.symbol ? state : { ...state, ...NO_PRICES, symbol: action.symbol };
    case "sideChosen":
      return { ...state, side: action.side };
    case "orderTypeChosen":
      return withPossibleTime({ ...state, type: action.orderType });
    case "timeInForceChosen":
      return { ...state, timeInForce: action.timeInForce };
    case "quantityEdited":
      return { ...state, quantityText: action.text };
    case "limitEdited":
      return { ...state, limitText: action.text };
    case "stopEdited":
      return { ...state, stopText: action.text };
    case "trailEdited":
      return { ...state, trailText: action.text };
    case "trailUnitChosen":
      return { ...state, isTrailInPercent: action.isPercent, trailText: "" };
    case "lastDayChosen":
      return { ...state, lastDay: action.day };
    case "exitsChosen":
      return withPossibleTime({ ...state, hasExits: action.hasExits });
    case "profitEdited":
      return { ...state, profitText: action.text };
    case "lossEdited":
      return { ...state, lossText: action.text };
    case "instrumentPicked":
      return {
        ...state,
        ...NO_PRICES,
        symbol: action.symbol,
        side: action.side ?? state.side,
        quantityText: action.quantity === undefined ? state.quantityText : toQuantity(action.quantity),
      };
    case "ticketCleared":
      return { ...EMPTY_TICKET, symbol: state.symbol, side: state.side };
  }
}

/** A price belongs to the symbol that it was typed for. */
const NO_PRICES = { limitText: "", stopText: "", trailText: "", profitText: "", lossText: "" };

function withPossibleTime(state: TicketState): TicketState {
  const isPossible = timesInForceOf(state.type, state.hasExits).includes(state.timeInForce);
  return isPossible ? state : { ...state, timeInForce: "DAY" };
}
