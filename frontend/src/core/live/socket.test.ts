import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeSocket } from "../../testing/fake_socket";
import { backoffMs, CLOSE_NOT_LOGGED_IN, LiveSocket, SILENCE_MS_MAX } from "./socket";
import type { ConnectionAction } from "./connection";

describe("the backoff", () => {
  it("doubles up to its maximum, and never waits less than half of it", () => {
    expect([0, 1, 2, 3].map((attempts) => backoffMs(attempts, () => 1))).toEqual([500, 1000, 2000, 4000]);
    expect(backoffMs(3, () => 0)).toBe(2000);
    expect(backoffMs(50, () => 1)).toBe(15_000);
  });
});

describe("a live socket", () => {
  const messages: unknown[] = [];
  const actions: ConnectionAction[] = [];
  let socket: LiveSocket;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.install();
    messages.length = 0;
    actions.length = 0;
    socket = new LiveSocket({
      path: "/ws/market",
      onMessage: (message) => messages.push(message),
      onConnection: (action) => actions.push(action),
    });
    socket.start();
  });

  afterEach(() => {
    socket.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("hands on what arrives", () => {
    FakeSocket.latest().receive({ type: "heartbeat" });
    expect(messages).toEqual([{ type: "heartbeat" }]);
    expect(actions.at(-1)?.type).toBe("messageReceived");
  });

  it("comes back after it was closed", () => {
    FakeSocket.latest().closeWith(1006);
    expect(actions.at(-1)?.type).toBe("connectionLost");
    vi.advanceTimersByTime(500);
    expect(FakeSocket.opened).toHaveLength(2);
  });

  it("does not come back after a final code", () => {
    FakeSocket.latest().closeWith(CLOSE_NOT_LOGGED_IN);
    expect(actions.at(-1)).toEqual({ type: "connectionRefused", closeCode: CLOSE_NOT_LOGGED_IN });
    vi.advanceTimersByTime(60_000);
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.opened).toHaveLength(1);
  });

  it("takes silence for a lost connection", () => {
    FakeSocket.latest().receive({ type: "heartbeat" });
    vi.advanceTimersByTime(SILENCE_MS_MAX - 1);
    expect(actions.at(-1)?.type).toBe("messageReceived");
    vi.advanceTimersByTime(1);
    expect(actions.at(-1)?.type).toBe("connectionLost");
  });

  it("tries at once when the browser is online again", () => {
    FakeSocket.latest().closeWith(1006);
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.opened).toHaveLength(2);
  });
});
