// A tiny line of the session's prices; a dashed line marks the previous close. Says in words what it shows.
import type { ReactElement } from "react";

import type { Units } from "../core/money";
import { shapeOf } from "../core/sparkline";

const SIZE = { width: 52, height: 20 };

export function Sparkline({ prices, reference }: { prices: readonly Units[]; reference: Units }): ReactElement {
  const { line, referenceY } = shapeOf(prices, reference, SIZE);
  const last = prices.at(-1) ?? reference;
  const direction = last > reference ? "up" : last < reference ? "down" : "flat";
  return (
    <svg
      className={`sparkline ${direction}`}
      width={SIZE.width}
      height={SIZE.height}
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      aria-hidden="true"
    >
      {referenceY !== null && <line x1="0" x2={SIZE.width} y1={referenceY} y2={referenceY} />}
      <polyline points={line} />
    </svg>
  );
}
