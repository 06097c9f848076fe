// A WebSocket for the tests: nothing is connected, what arrives is said by the test.
import { vi } from "vitest";

export class FakeSocket {
  static readonly OPEN = 1;
  static opened: FakeSocket[] = [];

  readonly readyState = FakeSocket.OPEN;
  readonly sent: unknown[] = [];
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly path: string;

  constructor(address: URL | string) {
    this.path = new URL(address).pathname;
    FakeSocket.opened.push(this);
  }

  /** Take the place of the browser's WebSocket until the globals are restored. */
  static install(): void {
    FakeSocket.opened = [];
    vi.stubGlobal("WebSocket", FakeSocket);
  }

  static latest(path?: string): FakeSocket {
    const found = FakeSocket.opened.findLast((socket) => path === undefined || socket.path === path);
    if (found === undefined) throw new Error(`No socket was opened${path === undefined ? "" : ` for ${path}`}.`);
    return found;
  }

  receive(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  closeWith(code: number): void {
    this.onclose?.({ code });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.onclose = null;
  }
}
