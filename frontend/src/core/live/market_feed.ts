// The market, live: its socket and what is known of it. When a session ends and the next begins, it asks for a new
// snapshot, since ticks do not say the new previous close.

import { reportUnauthenticated } from "../http";
import type { MarketMessage } from "../types";
import { connectionReducer, NOT_CONNECTED, type ConnectionAction, type ConnectionState } from "./connection";
import { marketReducer, NO_MARKET, type MarketAction, type MarketState } from "./market_state";
import { CLOSE_NOT_LOGGED_IN, LiveSocket } from "./socket";
import { Store } from "./store";

export interface MarketFeedState extends MarketState {
  connection: ConnectionState;
}

export class MarketFeed {
  readonly store = new Store<MarketFeedState>({ ...NO_MARKET, connection: NOT_CONNECTED });
  readonly #socket = new LiveSocket({
    path: "/ws/market",
    onMessage: (message) => this.#received(message as MarketMessage),
    onConnection: (action) => this.#connectionChanged(action),
  });

  start(): void {
    this.#socket.start();
  }

  stop(): void {
    this.#socket.stop();
  }

  #received(message: MarketMessage): void {
    if (message.type === "snapshot") this.#dispatch({ type: "snapshotReceived", message });
    if (message.type !== "tick") return;
    const wasOutdated = this.store.getState().isOutdated;
    this.#dispatch({ type: "tickReceived", message });
    if (!wasOutdated && this.store.getState().isOutdated) this.#socket.send({ type: "resync" });
  }

  #dispatch(action: MarketAction): void {
    const { connection, ...state } = this.store.getState();
    this.store.set({ ...marketReducer(state, action), connection });
  }

  #connectionChanged(action: ConnectionAction): void {
    const state = this.store.getState();
    this.store.set({ ...state, connection: connectionReducer(state.connection, action) });
    if (action.type === "connectionRefused" && action.closeCode === CLOSE_NOT_LOGGED_IN) reportUnauthenticated();
  }
}
