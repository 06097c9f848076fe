// The geometry of a sparkline: prices in, points of a polyline out. Pixels are the one place where floats are welcome.

import type { Units } from "./money";

export interface SparklineShape {
  /** For the `points` of an SVG polyline. */
  line: string;
  /** Where the reference (the previous close) lies, or null when it is outside of what is shown. */
  referenceY: number | null;
}

const PADDING = 1.5;

export function shapeOf(
  prices: readonly Units[],
  reference: Units,
  { width, height }: { width: number; height: number },
): SparklineShape {
  const first = prices[0];
  if (first === undefined) return { line: "", referenceY: null };
  let [low, high] = [first, first];
  for (const price of prices) {
    if (price < low) low = price;
    if (price > high) high = price;
  }
  const span = Number(high - low);
  const y = (price: Units): number =>
    span === 0 ? height / 2 : PADDING + (height - 2 * PADDING) * (1 - Number(price - low) / span);
  const step = prices.length > 1 ? width / (prices.length - 1) : 0;
  const line = prices.map((price, index) => `${(index * step).toFixed(1)},${y(price).toFixed(1)}`).join(" ");
  return { line, referenceY: reference >= low && reference <= high && span > 0 ? y(reference) : null };
}
