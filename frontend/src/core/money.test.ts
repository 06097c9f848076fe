import { describe, expect, it } from "vitest";

import {
  basisPoints,
  formatCompact,
  formatPercent,
  formatPrice,
  formatUnits,
  parseUnits,
  percentToBasisPoints,
  toDecimal,
} from "./money";

describe("parsing", () => {
  it("keeps every digit of amounts that no float could hold", () => {
    expect(parseUnits("99999999999999.9999")).toBe(999999999999999999n);
    expect(toDecimal(parseUnits("99999999999999.9999"))).toBe("99999999999999.9999");
  });

  it("reads signs and short fractions", () => {
    expect(parseUnits("-0.5")).toBe(-5000n);
    expect(parseUnits("12")).toBe(120000n);
    expect(toDecimal(-5000n)).toBe("-0.5000");
  });

  it.each(["", "1.23456", "1e5", "abc", "1,000.00", "--1"])("refuses %j from the API", (text) => {
    expect(() => parseUnits(text)).toThrow(/decimal string/);
  });
});

describe("formatting", () => {
  it("groups thousands and rounds half away from zero", () => {
    expect(formatUnits(parseUnits("1234567.8950"))).toBe("1,234,567.90");
    expect(formatUnits(parseUnits("0.0050"))).toBe("0.01");
    expect(formatUnits(parseUnits("-0.0050"))).toBe("-0.01");
    expect(formatUnits(parseUnits("999.9950"))).toBe("1,000.00");
  });

  it("never shows a signed zero", () => {
    expect(formatUnits(parseUnits("-0.0049"))).toBe("0.00");
    expect(formatUnits(0n, { isSigned: true })).toBe("0.00");
    expect(formatUnits(10000n, { isSigned: true })).toBe("+1.00");
  });

  it("shows more decimals of a price only where it has them", () => {
    expect(formatPrice(parseUnits("101.2500"))).toBe("101.25");
    expect(formatPrice(parseUnits("101.2550"))).toBe("101.255");
    expect(formatPrice(parseUnits("1000.0001"))).toBe("1,000.0001");
  });

  it("shortens large amounts", () => {
    expect(formatCompact(parseUnits("1000000.0000"))).toBe("1M");
    expect(formatCompact(parseUnits("1250000.0000"))).toBe("1.25M");
    expect(formatCompact(parseUnits("100000.0000"))).toBe("100K");
    expect(formatCompact(parseUnits("950.5000"))).toBe("950.5");
  });
});

describe("percentages", () => {
  it("are exact basis points, rounded half away from zero", () => {
    expect(basisPoints(1n, 3n)).toBe(3333n);
    expect(basisPoints(2n, 3n)).toBe(6667n);
    expect(basisPoints(-1n, 3n)).toBe(-3333n);
    expect(basisPoints(1n, 0n)).toBeNull();
  });

  it("are shown with two decimals", () => {
    expect(formatPercent(1050n)).toBe("10.50%");
    expect(formatPercent(-5n, true)).toBe("-0.05%");
    expect(formatPercent(null)).toBe("–");
    expect(percentToBasisPoints("10.00")).toBe(1000n);
  });
});
