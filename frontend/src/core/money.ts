// Exact money. Inside, amounts and prices are BigInt in ten-thousandths ("units"); outside, decimal strings. No float
// ever holds money: `Number` appears in this project only for pixels. Rounding happens only on the way to the screen,
// half away from zero, and the exact value stays beside it.

export type Units = bigint;

export const SCALE = 10_000n;
export const BASIS_POINTS = 10_000n;

const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,4}))?$/;

/** Parse a decimal string of the API such as "-101.2500"; throws on anything else. */
export function parseUnits(text: string): Units {
  const match = DECIMAL.exec(text);
  if (match === null) {
    throw new Error(`Expected a decimal string with at most four decimals, found ${JSON.stringify(text)}.`);
  }
  const units = BigInt(match[2] ?? "0") * SCALE + BigInt((match[3] ?? "").padEnd(4, "0"));
  return match[1] === "-" ? -units : units;
}

/** The API's form: four decimals, no separators. */
export function toDecimal(units: Units): string {
  const size = units < 0n ? -units : units;
  return `${units < 0n ? "-" : ""}${size / SCALE}.${(size % SCALE).toString().padStart(4, "0")}`;
}

export interface MoneyFormat {
  /** Decimals shown at least, 0 to 4. */
  decimals?: number;
  /** Decimals shown at most; between the two, trailing zeros are left out. */
  decimalsMax?: number;
  /** "+" before positive amounts. */
  isSigned?: boolean;
}

/** For the screen: thousands separators, two decimals unless told otherwise. */
export function formatUnits(units: Units, format: MoneyFormat = {}): string {
  const decimals = format.decimals ?? 2;
  const decimalsMax = Math.max(decimals, format.decimalsMax ?? decimals);
  const step = 10n ** BigInt(4 - decimalsMax);
  const size = units < 0n ? -units : units;
  const rounded = ((size + step / 2n) / step) * step;
  const whole = groupThousands((rounded / SCALE).toString());
  const digits = (rounded % SCALE).toString().padStart(4, "0").slice(0, decimalsMax);
  const fraction = digits.slice(0, decimals) + digits.slice(decimals).replace(/0+$/, "");
  const sign = rounded === 0n ? "" : units < 0n ? "-" : format.isSigned === true ? "+" : "";
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** A price: two decimals, more only where it has them. */
export function formatPrice(units: Units): string {
  return formatUnits(units, { decimals: 2, decimalsMax: 4 });
}

/** 1,250,000 becomes "1.25M", for places without room. */
export function formatCompact(units: Units): string {
  const size = units < 0n ? -units : units;
  const sign = units < 0n ? "-" : "";
  if (size >= 1_000_000n * SCALE) return `${sign}${formatUnits(size / 1_000_000n, { decimals: 0, decimalsMax: 2 })}M`;
  if (size >= 10_000n * SCALE) return `${sign}${formatUnits(size / 1_000n, { decimals: 0, decimalsMax: 1 })}K`;
  return formatUnits(units, { decimals: 0, decimalsMax: 2 });
}

/** part / whole in basis points (10,000 = 100 %), rounded half away from zero; null when whole is 0. */
export function basisPoints(part: Units, whole: Units): bigint | null {
  if (whole === 0n) return null;
  const isNegative = part < 0n !== whole < 0n;
  const [a, b] = [part < 0n ? -part : part, whole < 0n ? -whole : whole];
  const quotient = (a * BASIS_POINTS * 2n + b) / (b * 2n);
  return isNegative ? -quotient : quotient;
}

/** Basis points as "12.34%". */
export function formatPercent(points: bigint | null, isSigned = false): string {
  if (points === null) return "–";
  return `${formatUnits(points * 100n, { decimals: 2, isSigned })}%`;
}

/** "10.00" (percent, as the limits say it) in basis points. */
export function percentToBasisPoints(percent: string): bigint {
  return parseUnits(percent) / 100n;
}

/** A whole number with separators. */
export function groupThousands(number: string | number): string {
  return number.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}
