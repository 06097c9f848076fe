// Figures on the screen. Each shows a rounded amount and keeps the exact one in its title and `data-value`; changes
// carry a sign and an arrow besides their colour; a figure that changed flashes once.
import { useState, type ReactElement, type ReactNode } from "react";

import { formatPercent, formatPrice, formatUnits, toDecimal, type Units } from "../core/money";
import { decimalsOf, formatShares, type Shares } from "../core/shares";

export type Direction = "up" | "down" | "flat";

export function directionOf(units: Units): Direction {
  return units > 0n ? "up" : units < 0n ? "down" : "flat";
}

interface AmountProps {
  units: Units;
  testId?: string;
  isSigned?: boolean;
}

export function Amount({ units, testId, isSigned = false }: AmountProps): ReactElement {
  return (
    <span className="figure" data-testid={testId} data-value={toDecimal(units)} title={toDecimal(units)}>
      {formatUnits(units, { isSigned })}
    </span>
  );
}

interface PriceProps {
  units: Units;
  /** Decimals always shown; without it two, and more where the price has them. */
  decimals?: number;
}

export function Price({ units, decimals }: PriceProps): ReactElement {
  return (
    <span className="figure" data-value={toDecimal(units)} title={toDecimal(units)}>
      {decimals === undefined ? formatPrice(units) : formatUnits(units, { decimals })}
    </span>
  );
}

const ARROWS: Readonly<Record<Direction, string>> = { up: "▲", down: "▼", flat: "" };

interface ChangeProps extends Omit<AmountProps, "isSigned"> {
  points?: bigint | null;
  hasArrow?: boolean;
}

/** A gain or loss: sign, arrow and colour, with the percentage after it where it is given. */
export function Change({ units, points, testId, hasArrow = true }: ChangeProps): ReactElement {
  const direction = directionOf(units);
  return (
    <span
      className={`figure change ${direction}`}
      data-testid={testId}
      data-value={toDecimal(units)}
      title={toDecimal(units)}
    >
      {hasArrow && direction !== "flat" && (
        <span className="arrow" aria-hidden="true">
          {ARROWS[direction]}
        </span>
      )}
      {formatUnits(units, { isSigned: true })}
      {points !== undefined && <span className="points"> {formatPercent(points, true)}</span>}
    </span>
  );
}

export function PercentChange({ points }: { points: bigint | null }): ReactElement {
  const direction = directionOf(points ?? 0n);
  return (
    <span className={`figure change ${direction}`}>
      {direction !== "flat" && (
        <span className="arrow" aria-hidden="true">
          {ARROWS[direction]}
        </span>
      )}
      {formatPercent(points, true)}
    </span>
  );
}

/** Flashes green or red when its value rises or falls; not on the first showing, and not for those who prefer none. */
export function Flash({ value, children }: { value: Units; children: ReactNode }): ReactElement {
  const [seen, setSeen] = useState({ value, changes: 0, direction: "flat" as Direction });
  if (seen.value !== value) {
    setSeen({ value, changes: seen.changes + 1, direction: directionOf(value - seen.value) });
  }
  return (
    <span key={seen.changes} className={`flash ${seen.direction}`}>
      {children}
    </span>
  );
}

interface QuantityProps {
  shares: Shares;
  /** The most decimals of its column: the place of those that it has not is left free, so that the points align. */
  decimals: number;
}

export function Quantity({ shares, decimals }: QuantityProps): ReactElement {
  const own = decimalsOf([shares]);
  const free = `${own === 0 && decimals > 0 ? "." : ""}${"0".repeat(Math.max(0, decimals - own))}`;
  return (
    <span className="figure quantity" data-free={free}>
      {formatShares(shares)}
    </span>
  );
}
