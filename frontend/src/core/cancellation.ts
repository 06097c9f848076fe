// Cancelling orders, as a pure reducer over what happened: for each order what was sent, and the latest refusal or failure. A
// cancel whose outcome is unknown is kept, so that cancelling the order again sends the same command with the same id.

import { makeCommandId, type CancelOrderInput } from "./commands";
import type { TicketFailure } from "./ticket";
import type { Order } from "./types";

export interface CancelAttempt {
  input: CancelOrderInput;
  /** Done is what was answered; that the order has ended is said by the account's socket. */
  phase: "sending" | "unknown" | "done";
}

export interface CancelProblem {
  order: Order;
  failure: TicketFailure;
  isSafeToRetry: boolean;
}

export interface CancelState {
  /** By the order's id. */
  attempts: ReadonlyMap<string, CancelAttempt>;
  problem: CancelProblem | null;
}

export type CancelAction =
  | { type: "cancelSent"; input: CancelOrderInput }
  | { type: "cancelDone"; input: CancelOrderInput }
  | { type: "cancelRefused"; order: Order; refusal: TicketFailure }
  | { type: "cancelFailed"; order: Order; input: CancelOrderInput; failure: TicketFailure; isSafeToRetry: boolean }
  | { type: "problemDismissed" };

export const NOTHING_CANCELLED: CancelState = { attempts: new Map(), problem: null };

export function cancelReducer(state: CancelState, action: CancelAction): CancelState {
  switch (action.type) {
    case "cancelSent":
      return { attempts: withAttempt(state, { input: action.input, phase: "sending" }), problem: null };
    case "cancelDone":
      return { ...state, attempts: withAttempt(state, { input: action.input, phase: "done" }) };
    case "cancelRefused": {
      const { order, refusal } = action;
      const problem = { order, failure: refusal, isSafeToRetry: false };
      return { attempts: withoutAttempt(state, order.order_id), problem };
    }
    case "cancelFailed": {
      const { order, input, failure, isSafeToRetry } = action;
      const attempts = isSafeToRetry
        ? withAttempt(state, { input, phase: "unknown" })
        : withoutAttempt(state, order.order_id);
      return { attempts, problem: { order, failure, isSafeToRetry } };
    }
    case "problemDismissed":
      return { ...state, problem: null };
  }
}

/** The command that cancels an order: the one whose outcome is unknown, or a new one. */
export function cancelInputOf(state: CancelState, order: Order, accountId: string): CancelOrderInput {
  const known = state.attempts.get(order.order_id);
  return known?.input ?? { accountId, orderId: order.order_id, commandId: makeCommandId() };
}

function withAttempt({ attempts }: CancelState, attempt: CancelAttempt): CancelState["attempts"] {
  return new Map(attempts).set(attempt.input.orderId, attempt);
}

function withoutAttempt({ attempts }: CancelState, orderId: string): CancelState["attempts"] {
  const kept = new Map(attempts);
  kept.delete(orderId);
  return kept;
}
