// What a person typed into a field for a figure: the exact value, or what is wrong and how to write it. A point separates
// decimals; commas may separate thousands, all of them or none. Whatever could mean two things (1,5 or 1000,50, which
// half of the world reads as decimals) is refused rather than guessed at.

import { formatUnits, groupThousands, SCALE, type Units } from "./money";
import { SHARE, SHARE_DECIMALS, type Shares } from "./shares";

/** What the platform takes at most (accounts/domain/values.py; a test compares them). */
export const AMOUNT_MAX: Units = 100_000_000_000n * SCALE;
export const PRICE_MAX: Units = 10_000_000n * SCALE;
export const QUANTITY_MAX: Shares = 1_000_000_000n * SHARE;

/** Both are null for an empty field. */
export interface Typed<Value> {
  value: Value | null;
  problem: string | null;
}

const MONEY_DECIMALS = 4;
const PLAIN = /^[0-9]+$/;
const GROUPED = /^[1-9][0-9]{0,2}(?:,[0-9]{3})+$/;

export function readAmount(text: string): Typed<Units> {
  return readDecimal(text, { example: "1,000.50", ...MONEY, most: AMOUNT_MAX, shownMost: formatUnits(AMOUNT_MAX, { decimals: 0 }) });
}

export function readPrice(text: string): Typed<Units> {
  return readDecimal(text, { example: "1,045.50", ...MONEY, most: PRICE_MAX, shownMost: formatUnits(PRICE_MAX, { decimals: 0 }) });
}

/** Percent of a price, read as basis points. */
export function readPercent(text: string): Typed<bigint> {
  return readDecimal(text, { example: "2.5", decimals: 2, one: 100n, most: 9_999n, shownMost: "99.99" });
}

export function readQuantity(text: string): Typed<Shares> {
  const shownMost = groupThousands((QUANTITY_MAX / SHARE).toString());
  return readDecimal(text, { example: "1,500 or 2.5", decimals: SHARE_DECIMALS, one: SHARE, most: QUANTITY_MAX, shownMost });
}

const MONEY = { decimals: MONEY_DECIMALS, one: SCALE };

interface Reading {
  example: string;
  /** Decimals at most, and how many of the smallest unit are one. */
  decimals: number;
  one: bigint;
  most: bigint;
  shownMost: string;
}

function readDecimal(text: string, { example, decimals, one, most, shownMost }: Reading): Typed<bigint> {
  const typed = text.trim();
  if (typed === "") return { value: null, problem: null };
  const point = typed.indexOf(".");
  const whole = point < 0 ? typed : typed.slice(0, point);
  const fraction = point < 0 ? "" : typed.slice(point + 1);
  const isWhole = PLAIN.test(whole) || GROUPED.test(whole) || (whole === "" && fraction !== "");
  if (!isWhole || !(fraction === "" || PLAIN.test(fraction))) return refused(`Write it like ${example}`);
  if (fraction.length > decimals) return refused(`At most ${decimals} decimals`);
  const units = BigInt(whole.replaceAll(",", "") || "0") * one + BigInt(fraction.padEnd(decimals, "0"));
  if (units === 0n) return refused("More than 0");
  if (units > most) return refused(`At most ${shownMost}`);
  return { value: units, problem: null };
}

function refused(problem: string): Typed<never> {
  return { value: null, problem };
}
