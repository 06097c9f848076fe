import { describe, expect, it } from "vitest";

import { decimalsOf, formatQuantity, formatShares, parseShares, SHARE, toQuantity, valueOf } from "./shares";

describe("shares", () => {
  it.each([
    ["0", 0n, "0"],
    ["2.5", 2_500_000n, "2.5"],
    ["-0.000001", -1n, "-0.000001"],
    ["1234567.125", 1_234_567_125_000n, "1,234,567.125"],
  ])("%s is read and shown exactly", (text, shares, shown) => {
    expect(parseShares(text)).toBe(shares);
    expect(toQuantity(shares)).toBe(text);
    expect(formatShares(shares)).toBe(shown);
    expect(formatQuantity(text)).toBe(shown);
  });

  it.each(["", "1.", ".5", "1.0000001", "1e3", "1,000"])("%j is none of the platform's quantities", (text) => {
    expect(() => parseShares(text)).toThrow("decimal string");
  });

  it("are worth what is rounded half to even", () => {
    expect(valueOf(500_000n, 1n)).toBe(0n);
    expect(valueOf(500_001n, 1n)).toBe(1n);
    expect(valueOf(1_500_000n, 1n)).toBe(2n);
    expect(valueOf(2_500_000n, 1n)).toBe(2n);
    expect(valueOf(3n * SHARE, 455_000n)).toBe(1_365_000n);
  });
});

it("have as many decimals as the one that has the most", () => {
  expect(decimalsOf([])).toBe(0);
  expect(decimalsOf([SHARE, 2_500_000n, 333_333n])).toBe(6);
});
