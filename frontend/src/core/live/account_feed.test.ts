import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeSocket } from "../../testing/fake_socket";
import { sampleAccount, sampleDelta, sampleOrder, sampleSnapshot, sampleTrade } from "../../testing/samples";
import { AccountFeed, DELTA_WAIT_MS_MAX } from "./account_feed";

function answer(path: string): Response {
  if (path.includes("/trades")) return Response.json({ results: [sampleTrade(4), sampleTrade(3)], next: null });
  if (path.includes("status=open")) return Response.json({ results: [sampleOrder(4)], next: null });
  if (path.includes("status=closed")) return Response.json({ results: [], next: null });
  return Response.json({ account: sampleAccount({ version: 4 }), positions: [] });
}

const fetchMock = vi.fn<(path: string) => Promise<Response>>();

describe("an account's feed", () => {
  let feed: AccountFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.install();
    fetchMock.mockReset();
    fetchMock.mockImplementation((path) => Promise.resolve(answer(path)));
    vi.stubGlobal("fetch", fetchMock);
    feed = new AccountFeed("a-1");
    feed.start();
  });

  afterEach(() => {
    feed.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const asked = (): string[] => fetchMock.mock.calls.map(([path]) => path.replace("/api/accounts/a-1/", ""));
  const version = (): number | undefined => feed.store.getState().view?.version;

  it("asks for a snapshot when it finds a gap", () => {
    FakeSocket.latest().receive(sampleSnapshot());
    FakeSocket.latest().receive(sampleDelta(5, 6));
    expect(FakeSocket.latest().sent).toEqual([{ type: "resync" }]);
    expect(version()).toBe(3);
    FakeSocket.latest().receive(sampleSnapshot({ version: 6 }));
    expect(version()).toBe(6);
  });

  it("does not fetch when the expected version comes by the socket", async () => {
    FakeSocket.latest().receive(sampleSnapshot());
    feed.expectVersion(4);
    FakeSocket.latest().receive(sampleDelta(3, 4));
    await vi.advanceTimersByTimeAsync(DELTA_WAIT_MS_MAX);
    expect(asked()).toEqual(["orders?status=closed&min_version=3"]);
  });

  it("fetches with min_version when it does not come in time", async () => {
    FakeSocket.latest().receive(sampleSnapshot());
    feed.expectVersion(4);
    await vi.advanceTimersByTimeAsync(DELTA_WAIT_MS_MAX);
    expect(asked()).toEqual([
      "orders?status=closed&min_version=3",
      "portfolio?min_version=4",
      "orders?status=open&limit=500&min_version=4",
      "trades?min_version=4",
      "orders?status=closed&min_version=4",
    ]);
    expect(version()).toBe(4);
    expect(feed.store.getState().view?.orders.map((order) => order.order_id)).toEqual(["order-4"]);
    expect(feed.store.getState().view?.trades.map((trade) => trade.version)).toEqual([4, 3]);
  });

  it("asks for the orders that have ended after each snapshot, and once more for those that came meanwhile", async () => {
    FakeSocket.latest().receive(sampleSnapshot());
    FakeSocket.latest().receive(sampleSnapshot({ version: 4 }));
    FakeSocket.latest().receive(sampleSnapshot({ version: 5 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toEqual(["orders?status=closed&min_version=3", "orders?status=closed&min_version=5"]);
    expect(feed.store.getState().endedOrders).toBe("known");
  });

  it("says that they could not be had, and asks again when it is told to", async () => {
    fetchMock.mockImplementationOnce(() => Promise.reject(new TypeError("network")));
    FakeSocket.latest().receive(sampleSnapshot());
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.store.getState().endedOrders).toBe("failed");
    await feed.loadEndedOrders();
    expect(feed.store.getState().endedOrders).toBe("known");
  });
});
