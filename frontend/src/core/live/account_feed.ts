// One account, live: its socket, what is known of it, and the ways to ask for what is missing. After a command the
// known version is expected to move on by the socket; when it has not within two seconds, it is fetched over REST.
// Holds no rule about what a message means (account_state.ts) or when to reconnect (socket.ts).

import { cursorOf, fetchOrders, fetchPortfolio, fetchTrades } from "../api";
import { reportUnauthenticated } from "../http";
import type { AccountMessage } from "../types";
import { accountReducer, NOTHING_KNOWN, type AccountAction, type AccountState } from "./account_state";
import { connectionReducer, NOT_CONNECTED, type ConnectionAction, type ConnectionState } from "./connection";
import { CLOSE_NOT_LOGGED_IN, LiveSocket } from "./socket";
import { Store } from "./store";

export const DELTA_WAIT_MS_MAX = 2_000;
const TRADES_PER_PAGE = 100;
const WORKING_ORDERS_PER_PAGE = 500;
const PAGES_PER_REQUEST_MAX = 10;
const RESYNC_INTERVAL_MS_MIN = 1_000;

export interface AccountFeedState extends AccountState {
  connection: ConnectionState;
}

export class AccountFeed {
  readonly store = new Store<AccountFeedState>({ ...NOTHING_KNOWN, connection: NOT_CONNECTED });
  readonly #accountId: string;
  readonly #socket: LiveSocket;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #resyncedAt = 0;
  #endedOrders: "idle" | "fetching" | "outdated" = "idle";

  constructor(accountId: string) {
    this.#accountId = accountId;
    this.#socket = new LiveSocket({
      path: `/ws/accounts/${encodeURIComponent(accountId)}`,
      onMessage: (message) => this.#received(message as AccountMessage),
      onConnection: (action) => this.#connectionChanged(action),
    });
  }

  start(): void {
    this.#socket.start();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#socket.stop();
  }

  /** A command of ours led to this version: see to it that the page gets there. */
  expectVersion(version: number): void {
    if (this.#version() >= version) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#version() < version) void this.#fetchAt(version);
    }, DELTA_WAIT_MS_MAX);
    this.#timers.add(timer);
  }

  /** Fetch trades older than the ones known; does nothing at the oldest. */
  async loadOlderTrades(): Promise<void> {
    for (let pages = 0; pages < PAGES_PER_REQUEST_MAX; pages += 1) {
      const { olderTradesCursor: cursor, view } = this.store.getState();
      if (cursor === null || view === null) return;
      const options = { accountId: this.#accountId, limit: TRADES_PER_PAGE };
      const page = await fetchTrades(cursor === undefined ? options : { ...options, cursor });
      const before = this.store.getState().view?.trades.length ?? 0;
      this.#dispatch({ type: "olderTradesFetched", trades: page.results, next: cursorOf(page.next) });
      if ((this.store.getState().view?.trades.length ?? 0) > before) return;
    }
  }

  /**
   * Fetch the orders that ended last. Snapshots tell of working ones alone, so it is done after each of them; what ends
   * afterwards comes with the deltas.
   */
  async loadEndedOrders(): Promise<void> {
    if (this.#endedOrders !== "idle") {
      this.#endedOrders = "outdated";
      return;
    }
    do {
      this.#endedOrders = "fetching";
      try {
        const read = { accountId: this.#accountId, minVersion: this.#version() };
        const page = await fetchOrders({ ...read, status: "closed" });
        this.#dispatch({ type: "endedOrdersFetched", orders: page.results });
      } catch {
        this.#dispatch({ type: "endedOrdersFailed" });
      }
    } while (this.#isOutdated());
    this.#endedOrders = "idle";
  }

  #isOutdated(): boolean {
    return this.#endedOrders === "outdated";
  }

  #version(): number {
    return this.store.getState().view?.version ?? 0;
  }

  #received(message: AccountMessage): void {
    switch (message.type) {
      case "snapshot":
        this.#dispatch({ type: "snapshotReceived", message });
        void this.loadEndedOrders();
        break;
      case "delta":
        this.#dispatch({ type: "deltaReceived", message });
        break;
      case "heartbeat":
        this.#dispatch({ type: "heartbeatReceived", version: message.version });
        break;
    }
    if (this.store.getState().isGapFound) this.#resync();
  }

  /** Ask for a snapshot, but not again while one is on its way. */
  #resync(): void {
    const now = Date.now();
    if (now - this.#resyncedAt < RESYNC_INTERVAL_MS_MIN) return;
    this.#resyncedAt = now;
    this.#socket.send({ type: "resync" });
  }

  async #fetchAt(version: number): Promise<void> {
    const read = { accountId: this.#accountId, minVersion: version };
    try {
      const [portfolio, orders, trades] = await Promise.all([
        fetchPortfolio(read),
        fetchOrders({ ...read, status: "open", limit: WORKING_ORDERS_PER_PAGE }),
        fetchTrades(read),
      ]);
      if (orders.next !== null) {
        this.#resync();
        return;
      }
      const working = orders.results;
      this.#dispatch({ type: "portfolioFetched", portfolio, working, trades: trades.results });
      void this.loadEndedOrders();
    } catch {
      // The projection is late or the platform away: the socket's next message or snapshot brings it.
      this.#resync();
    }
  }

  #dispatch(action: AccountAction): void {
    const { connection, ...state } = this.store.getState();
    const next = accountReducer(state, action);
    this.store.set({ ...next, connection });
  }

  #connectionChanged(action: ConnectionAction): void {
    const state = this.store.getState();
    this.store.set({ ...state, connection: connectionReducer(state.connection, action) });
    if (action.type === "connectionRefused" && action.closeCode === CLOSE_NOT_LOGGED_IN) reportUnauthenticated();
  }
}
