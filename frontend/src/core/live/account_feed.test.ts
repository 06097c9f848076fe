import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeSocket } from "../../testing/fake_socket";
import { sampleAccount, sampleDelta, sampleSnapshot, sampleTrade } from "../../testing/samples";
import { AccountFeed, DELTA_WAIT_MS_MAX } from "./account_feed";

const fetchMock = vi.fn<(path: string) => Promise<Response>>();

describe("an account's feed", () => {
  let feed: AccountFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.install();
    fetchMock.mockReset();
    vi.stubGlobal("fetch", fetchMock);
    feed = new AccountFeed("a-1");
    feed.start();
  });

  afterEach(() => {
    feed.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

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
    expect(fetchMock).not.toHaveBeenCalled();
  });

  it("fetches with min_version when it does not come in time", async () => {
    fetchMock.mockImplementation((path) =>
      Promise.resolve(
        Response.json(
          path.includes("/trades")
            ? { results: [sampleTrade(4), sampleTrade(3)], next: null }
            : { account: sampleAccount({ version: 4 }), positions: [] },
        ),
      ),
    );
    FakeSocket.latest().receive(sampleSnapshot());
    feed.expectVersion(4);
    await vi.advanceTimersByTimeAsync(DELTA_WAIT_MS_MAX);
    expect(fetchMock.mock.calls.map(([path]) => path)).toEqual([
      "/api/accounts/a-1/portfolio?min_version=4",
      "/api/accounts/a-1/trades?min_version=4",
    ]);
    expect(version()).toBe(4);
    expect(feed.store.getState().view?.trades.map((trade) => trade.version)).toEqual([4, 3]);
  });
});
