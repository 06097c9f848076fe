// What the page says of a venue that somebody stopped.
import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { MarketVenue } from "../core/types";
import { FakeSocket } from "../testing/fake_socket";
import { FakePlatform, openWorkspace } from "../testing/page";
import { sampleVenue } from "../testing/samples";

beforeEach(() => {
  FakePlatform.install();
});

afterEach(() => vi.unstubAllGlobals());

describe("the venue", () => {
  const say = (venue: MarketVenue): void =>
    act(() =>
      FakeSocket.latest("/ws/market").receive({
        type: "snapshot",
        session: { date: "2019-03-04", phase: "OPEN", simulated: true, note: "" },
        venue,
        instruments: [],
      }),
    );

  it("is said to be stopped, by whom and why, until it is started", async () => {
    await openWorkspace();
    expect(screen.queryByTestId("venue-stopped")).toBeNull();
    say(sampleVenue({ is_stopped: true, since: "2026-01-15T10:00:00.000000Z", actor: "user:9/olga", reason: "a runaway program" }));
    expect(screen.getByTestId("venue-stopped")).toHaveTextContent(/The venue is stopped.*By olga since 15 Jan.*: a runaway program/);
    say(sampleVenue({ since: "2026-01-15T11:00:00.000000Z", actor: "user:9/olga", reason: "it is over" }));
    expect(screen.queryByTestId("venue-stopped")).toBeNull();
  });
});
