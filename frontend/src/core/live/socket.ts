// A WebSocket that comes back: exponential backoff with jitter, and silence taken for a lost connection (the platform
// sends a heartbeat every 15 seconds, so 35 seconds without any message means that two were missed). Messages are
// handed on as parsed JSON. It knows nothing of what they say, and never reconnects after a final close code.

import type { ConnectionAction } from "./connection";

export const CLOSE_NOT_LOGGED_IN = 4401;
export const CLOSE_NO_PERMISSION = 4403;
export const CLOSE_UNKNOWN_ACCOUNT = 4404;
const FINAL_CODES: readonly number[] = [CLOSE_NOT_LOGGED_IN, CLOSE_NO_PERMISSION, CLOSE_UNKNOWN_ACCOUNT];

export const SILENCE_MS_MAX = 35_000;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 15_000;
const CODE_SILENT = 4000;

/** How long to wait before an attempt: doubling from half a second to 15 seconds, the upper half of it left to chance. */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
  const ceiling = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(attempts, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

export interface LiveSocketOptions {
  path: string;
  onMessage: (message: unknown) => void;
  onConnection: (action: ConnectionAction) => void;
}

export class LiveSocket {
  readonly #options: LiveSocketOptions;
  #socket: WebSocket | null = null;
  #attempts = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveSocketOptions) {
    this.#options = options;
  }

  start(): void {
    window.addEventListener("online", this.#reconnectNow);
    document.addEventListener("visibilitychange", this.#reconnectWhenVisible);
    this.#connect();
  }

  stop(): void {
    window.removeEventListener("online", this.#reconnectNow);
    document.removeEventListener("visibilitychange", this.#reconnectWhenVisible);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#drop();
  }

  send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect(): void {
    this.#drop();
    this.#retryTimer = undefined;
    this.#options.onConnection({ type: "attemptStarted" });
    const address = new URL(this.#options.path, window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#listenForSilence();
    socket.onmessage = (event: MessageEvent<unknown>) => this.#received(event.data);
    socket.onclose = (event) => this.#closed(event.code);
  }

  #received(data: unknown): void {
    this.#attempts = 0;
    this.#listenForSilence();
    this.#options.onConnection({ type: "messageReceived", at: Date.now() });
    let message: unknown;
    try {
      message = JSON.parse(String(data));
    } catch {
      this.#closed(CODE_SILENT);
      return;
    }
    this.#options.onMessage(message);
  }

  #closed(closeCode: number): void {
    this.#drop();
    if (FINAL_CODES.includes(closeCode)) {
      this.#options.onConnection({ type: "connectionRefused", closeCode });
      return;
    }
    const waitMs = backoffMs(this.#attempts);
    this.#attempts += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
    const attempts = this.#attempts;
    this.#options.onConnection({ type: "connectionLost", closeCode, attempts, retryAt: Date.now() + waitMs });
  }

  #listenForSilence(): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#closed(CODE_SILENT), SILENCE_MS_MAX);
  }

  /** Let go of the current socket without hearing from it again. */
  #drop(): void {
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  readonly #reconnectNow = (): void => {
    if (this.#socket !== null || this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  };

  readonly #reconnectWhenVisible = (): void => {
    if (document.visibilityState === "visible") this.#reconnectNow();
  };
}
