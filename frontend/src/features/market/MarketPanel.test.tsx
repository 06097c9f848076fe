import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Listing, Quote } from "../../core/live/market_state";
import { MarketPanel, ROWS_SHOWN_MAX } from "./MarketPanel";

const listing = (symbol: string, isHalted = false): Listing => ({
  symbol,
  name: `${symbol} Inc.`,
  sector: "",
  isHalted,
  priceIncrement: 100n,
  lotSize: 1_000_000n,
});

const quote: Quote = {
  ...listing("AAPL"),
  price: 1_010_000n,
  previousClose: 1_000_000n,
  sessionOpen: 1_000_000n,
  dayHigh: 1_020_000n,
  dayLow: 990_000n,
  at: "2026-01-15T10:00:00Z",
  isStale: false,
  ageSeconds: 0,
  seen: [1_000_000n],
};

describe("the market", () => {
  it("shows a dash for what has no price, and lets it be chosen", async () => {
    const onChosen = vi.fn();
    render(<MarketPanel quotes={[quote]} unpriced={[listing("NEW", true)]} chosenSymbol="" onChosen={onChosen} />);
    expect(screen.getByTestId("market-row-AAPL")).toHaveTextContent("101.00");
    const row = screen.getByTestId("market-row-NEW");
    expect(row).toHaveTextContent("–");
    expect(row).toHaveTextContent("Halted");
    await userEvent.click(row);
    expect(onChosen).toHaveBeenCalledWith("NEW");
  });

  it("says of a price that is too old how old it is, and shows no change where the close before is not known", () => {
    const old: Quote = { ...quote, ...listing("OLD"), isStale: true, ageSeconds: 42, previousClose: null };
    render(<MarketPanel quotes={[quote, old]} unpriced={[]} chosenSymbol="" onChosen={vi.fn()} />);
    expect(screen.getByTestId("market-stale-OLD")).toHaveTextContent("stale, 42 s");
    expect(screen.getByTestId("market-row-OLD")).toHaveTextContent("–");
    expect(screen.queryByTestId("market-stale-AAPL")).toBeNull();
  });

  it("draws some of thousands, and the filter finds the others", async () => {
    const many = Array.from({ length: 10_000 }, (_, number) => listing(`S${String(number).padStart(4, "0")}`));
    render(<MarketPanel quotes={[quote]} unpriced={many} chosenSymbol="" onChosen={vi.fn()} />);
    expect(screen.getAllByTestId(/^market-row-/)).toHaveLength(ROWS_SHOWN_MAX);
    expect(screen.getByTestId("market-more")).toHaveTextContent(`${10_001 - ROWS_SHOWN_MAX} more`);
    await userEvent.type(screen.getByTestId("market-filter"), "s9999");
    expect(screen.getAllByTestId(/^market-row-/).map((row) => row.dataset.testid)).toEqual(["market-row-S9999"]);
    expect(screen.queryByTestId("market-more")).toBeNull();
  });
});
