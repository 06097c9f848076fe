// What a person typed into a field for a figure: the exact value, or what is wrong and how to write it. A point separates
// decimals; commas may separate thousands, all of them or none. Whatever could mean two things (1,5 or 1000,50, which
// half of the world reads as decimals) is refused rather than guessed at.

import { formatUnits, SCALE, type Units } from "./money";

/** What the platform takes at most (accounts/domain/values.py; a test compares them). */
export const AMOUNT_MAX: Units = 100_000_000_000n * SCALE;
export const PRICE_MAX: Units = 10_000_000n * SCALE;
export const QUANTITY_MAX = 1_000_000_000;

/** Both are null for an empty field. */
export interface Typed<Value> {
  value: Value | null;
  problem: string | null;
}

const DECIMALS = 4;
const PLAIN = /^[0-9]+$/;
const GROUPED = /^[1-9][0-9]{0,2}(?:,[0-9]{3})+$/;

export function readAmount(text: string): Typed<Units> {
  return readUnits(text, AMOUNT_MAX, "1,000.50");
}

export function readPrice(text: string): Typed<Units> {
  return readUnits(text, PRICE_MAX, "1,045.50");
}

/** Whole shares. */
export function readQuantity(text: string): Typed<number> {
  const typed = text.trim();
  if (typed === "") return { value: null, problem: null };
  if (/^[0-9,]*\.[0-9]*$/.test(typed) && typed !== ".") return refused("Whole shares only");
  if (!PLAIN.test(typed) && !GROUPED.test(typed)) return refused("Write it like 1,500");
  const shares = BigInt(typed.replaceAll(",", ""));
  if (shares === 0n) return refused("1 share or more");
  if (shares > BigInt(QUANTITY_MAX)) return refused(`At most ${formatUnits(BigInt(QUANTITY_MAX) * SCALE, { decimals: 0 })}`);
  return { value: Number(shares), problem: null };
}

function readUnits(text: string, most: Units, example: string): Typed<Units> {
  const typed = text.trim();
  if (typed === "") return { value: null, problem: null };
  const point = typed.indexOf(".");
  const whole = point < 0 ? typed : typed.slice(0, point);
  const fraction = point < 0 ? "" : typed.slice(point + 1);
  const isWhole = PLAIN.test(whole) || GROUPED.test(whole) || (whole === "" && fraction !== "");
  if (!isWhole || !(fraction === "" || PLAIN.test(fraction))) return refused(`Write it like ${example}`);
  if (fraction.length > DECIMALS) return refused(`At most ${DECIMALS} decimals`);
  const units = BigInt(whole.replaceAll(",", "") || "0") * SCALE + BigInt(fraction.padEnd(DECIMALS, "0"));
  if (units === 0n) return refused("More than 0");
  if (units > most) return refused(`At most ${formatUnits(most, { decimals: 0 })}`);
  return { value: units, problem: null };
}

function refused(problem: string): Typed<never> {
  return { value: null, problem };
}
