import { describe, expect, it } from "vitest";

import { sampleOrder } from "../testing/samples";
import { cancelInputOf, cancelReducer, NOTHING_CANCELLED, type CancelAction, type CancelState } from "./cancellation";

const order = sampleOrder(4);
const input = { accountId: "a-1", orderId: order.order_id, commandId: "c-1" };
const failure = { code: "OUTCOME_UNKNOWN", message: "no answer", limit: null, actual: null };

function after(...actions: CancelAction[]): CancelState {
  return actions.reduce(cancelReducer, NOTHING_CANCELLED);
}

describe("cancelling an order", () => {
  it("sends the same command again while its outcome is unknown", () => {
    const state = after(
      { type: "cancelSent", input },
      { type: "cancelFailed", order, input, failure, isSafeToRetry: true },
    );
    expect(state.attempts.get(order.order_id)?.phase).toBe("unknown");
    expect(state.problem?.isSafeToRetry).toBe(true);
    expect(cancelInputOf(state, order, "a-1")).toBe(input);
  });

  it("is a new command after a refusal, or a failure that did nothing", () => {
    for (const action of [
      { type: "cancelRefused", order, refusal: failure },
      { type: "cancelFailed", order, input, failure, isSafeToRetry: false },
    ] as const) {
      const state = after({ type: "cancelSent", input }, action);
      expect(state.attempts.size).toBe(0);
      expect(cancelInputOf(state, order, "a-1").commandId).not.toBe("c-1");
    }
  });

  it("leaves the order busy until the account says that it has ended", () => {
    const state = after({ type: "cancelSent", input }, { type: "cancelDone", input });
    expect(state.attempts.get(order.order_id)?.phase).toBe("done");
  });

  it("shows the latest problem until it is dismissed, or an order is cancelled", () => {
    const refused = after({ type: "cancelSent", input }, { type: "cancelRefused", order, refusal: failure });
    expect(refused.problem?.order).toBe(order);
    expect(cancelReducer(refused, { type: "problemDismissed" }).problem).toBeNull();
    expect(cancelReducer(refused, { type: "cancelSent", input }).problem).toBeNull();
  });
});
