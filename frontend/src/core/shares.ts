// Exact shares. Inside, quantities are BigInt in millionths of a share; outside, decimal strings with as many decimals as
// they need (accounts/domain/values.py says the same). No float ever holds shares.

import { groupThousands, type Units } from "./money";

export type Shares = bigint;

export const SHARE = 1_000_000n;
export const SHARE_DECIMALS = 6;

const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,6}))?$/;

/** Parse a quantity of the API such as "2.5"; throws on anything else. */
export function parseShares(text: string): Shares {
  const match = DECIMAL.exec(text);
  if (match === null) {
    throw new Error(`Expected a decimal string with at most six decimals, found ${JSON.stringify(text)}.`);
  }
  const shares = BigInt(match[2] ?? "0") * SHARE + BigInt((match[3] ?? "").padEnd(SHARE_DECIMALS, "0"));
  return match[1] === "-" ? -shares : shares;
}

/** The API's form: no separators, no superfluous zeros. */
export function toQuantity(shares: Shares): string {
  const size = shares < 0n ? -shares : shares;
  const fraction = (size % SHARE).toString().padStart(SHARE_DECIMALS, "0").replace(/0+$/, "");
  return `${shares < 0n ? "-" : ""}${size / SHARE}${fraction === "" ? "" : `.${fraction}`}`;
}

/** For the screen: thousands separators. */
export function formatShares(shares: Shares): string {
  return formatQuantity(toQuantity(shares));
}

/** A quantity of the API, for the screen. */
export function formatQuantity(quantity: string): string {
  const [whole = "", fraction] = quantity.split(".");
  return fraction === undefined ? groupThousands(whole) : `${groupThousands(whole)}.${fraction}`;
}

/** The most decimals that any of these quantities has. */
export function decimalsOf(quantities: readonly Shares[]): number {
  return Math.max(0, ...quantities.map((shares) => toQuantity(shares).split(".")[1]?.length ?? 0));
}

/** What so many shares are worth at a price, rounded half to even. */
export function valueOf(shares: Shares, price: Units): Units {
  return roundHalfEven(shares * price, SHARE);
}

/** A quotient of what is not negative, rounded half to even. */
export function roundHalfEven(product: bigint, divisor: bigint): bigint {
  const quotient = product / divisor;
  const twice = 2n * (product % divisor);
  return twice > divisor || (twice === divisor && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** What so many shares cost at most at a price. */
export function valueRoundedUp(shares: Shares, price: Units): Units {
  return (shares * price + SHARE - 1n) / SHARE;
}
