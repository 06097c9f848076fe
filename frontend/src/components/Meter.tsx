// How much of a limit is used: a bar with its figures for everyone, and the role of a meter.
import type { ReactElement } from "react";

interface MeterProps {
  label: string;
  /** Used share of the limit in basis points. */
  points: bigint;
  valueText: string;
}

export function Meter({ label, points, valueText }: MeterProps): ReactElement {
  const percent = Math.max(0, Math.min(100, Number(points) / 100));
  const level = points >= 10_000n ? "full" : points >= 8_000n ? "high" : "normal";
  return (
    <div
      className={`meter ${level}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
      aria-valuetext={valueText}
    >
      <span style={{ inlineSize: `${percent}%` }} />
    </div>
  );
}

interface WeightBarProps {
  points: bigint;
  limitPoints: bigint;
}

/** A position's share of the portfolio with a mark at the limit; the scale ends at one and a half times the limit. */
export function WeightBar({ points, limitPoints }: WeightBarProps): ReactElement {
  const end = limitPoints + limitPoints / 2n || 1n;
  const share = (value: bigint): number => Math.max(0, Math.min(100, Number((value * 1000n) / end) / 10));
  const level = points > limitPoints ? "over" : points * 10n >= limitPoints * 9n ? "near" : "normal";
  return (
    <span className={`weight-bar ${level}`} aria-hidden="true">
      <span className="fill" style={{ inlineSize: `${share(points)}%` }} />
      <span className="mark" style={{ insetInlineStart: `${share(limitPoints)}%` }} />
    </span>
  );
}
