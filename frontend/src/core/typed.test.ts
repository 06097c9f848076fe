import { describe, expect, it } from "vitest";

import { formatUnits, toDecimal } from "./money";
import { SHARE } from "./shares";
import { QUANTITY_MAX, readAmount, readPrice, readQuantity } from "./typed";

function amount(text: string): string | null {
  const { value } = readAmount(text);
  return value === null ? null : toDecimal(value);
}

const NO_FIGURE = [
  ...["1,5", "1000,50", "1,00", "1,0000", "1,000,00", "1,000,50", "1000,000", "1,,000", ",5", ",500", "5,", "1,000,"],
  ...["0,5", "0,500", "0,050", "00,500", "45,5", "1.000,50", "1.000.000", "1.0.0", "1,000.5.0", "1.5,000", "1.50,000"],
  ...["1 000", "1 000,50", "1\u00a0000", "1\u202f000.50", "1\u2009000", "1'000.50", "1\u2019000", "1_000", "1\t000"],
  ...["$1,000", "1000 $", "€5", "5 €", "USD 5", "5 USD", "\u00a35", "1000\u200e", "\u200b1000", "1\u00ad000"],
  ...["\u0661\u0662\u0663", "\u06f1\u06f2", "\uff11\uff12", "1\u066b5", "1\u066c000", "\u0967", "\u00bd", "\u00b2"],
  ...["1e3", "1E3", "0x10", "0b1", "1n", "Infinity", "NaN", "-1", "\u22121", "+1", "--1", "(5)", "1-2", "1/2", "5%"],
  ...[".", ",", "-", "one", "1k", "1m", "5 5", "=5", "1:30"],
];

describe("an amount that a person typed", () => {
  it.each([
    ["1", "1.0000"],
    ["007", "7.0000"],
    ["1000.50", "1000.5000"],
    ["1,000.50", "1000.5000"],
    ["1,000,000", "1000000.0000"],
    ["12,345,678.9012", "12345678.9012"],
    ["1,000", "1000.0000"],
    ["1,000.", "1000.0000"],
    ["7.", "7.0000"],
    [".5", "0.5000"],
    ["0.0001", "0.0001"],
    [" 1,250.5\n", "1250.5000"],
    ["\u00a01250\u202f", "1250.0000"],
    ["100,000,000,000", "100000000000.0000"],
  ])("%j is %s", (text, units) => {
    expect(amount(text)).toBe(units);
    expect(readAmount(text).problem).toBeNull();
  });

  it.each(NO_FIGURE)("%j is refused with how to write it", (text) => {
    expect(readAmount(text)).toEqual({ value: null, problem: "Write it like 1,000.50" });
    expect(readPrice(text)).toEqual({ value: null, problem: "Write it like 1,045.50" });
    expect(readQuantity(text)).toEqual({ value: null, problem: "Write it like 1,500 or 2.5" });
  });

  it("says what else is wrong", () => {
    expect(readAmount("0.00").problem).toBe("More than 0");
    expect(readAmount("0").problem).toBe("More than 0");
    expect(readAmount("1.23456").problem).toBe("At most 4 decimals");
    expect(readAmount("100,000,000,000.0001").problem).toBe("At most 100,000,000,000");
    expect(readPrice("10000000.0001").problem).toBe("At most 10,000,000");
    expect(readAmount("9".repeat(400)).problem).toBe("At most 100,000,000,000");
  });

  it("has nothing to complain about in an empty field", () => {
    for (const text of ["", "  ", "\u00a0"]) expect(readAmount(text)).toEqual({ value: null, problem: null });
  });

  it("understands what the page itself shows", () => {
    for (const units of [1n, 9_999n, 10_000n, 12_345_678_901n, 10_000_000_000_000n]) {
      expect(readAmount(formatUnits(units, { decimals: 4 })).value).toBe(units);
    }
  });
});

describe("a quantity that a person typed", () => {
  it("is shares and parts of them", () => {
    expect(readQuantity("1,000").value).toBe(1000n * SHARE);
    expect(readQuantity(" 15 ").value).toBe(15n * SHARE);
    expect(readQuantity("1000000000").value).toBe(QUANTITY_MAX);
    expect(readQuantity("1.5").value).toBe(1_500_000n);
    expect(readQuantity(".000001").value).toBe(1n);
    expect(readQuantity("15.").value).toBe(15n * SHARE);
    expect(readQuantity("")).toEqual({ value: null, problem: null });
    expect(readQuantity("0").problem).toBe("More than 0");
    expect(readQuantity("1.0000001").problem).toBe("At most 6 decimals");
    expect(readQuantity("1000000000.000001").problem).toBe("At most 1,000,000,000");
  });
});
