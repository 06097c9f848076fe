// The account at a glance: what it is worth at the market, cash, gains, and how much of today's limit is used.
import type { ReactElement, ReactNode } from "react";

import { Amount, Change, Flash } from "../../components/Figures";
import { Meter } from "../../components/Meter";
import { basisPoints, formatCompact, formatPercent, formatUnits, parseUnits } from "../../core/money";
import type { Account } from "../../core/types";
import { figuresOfToday, type Valuation } from "../../core/valuation";

interface SummaryCardsProps {
  account: Account;
  valuation: Valuation;
  now: Date;
  /** Whether the market has said nothing new for a while. */
  isMarketStale: boolean;
}

export function SummaryCards({ account, valuation, now, isMarketStale }: SummaryCardsProps): ReactElement {
  const today = figuresOfToday(account, now);
  const cash = parseUnits(account.cash);
  const reserved = parseUnits(account.reserved_cash);
  const invested = parseUnits(account.deposited) - parseUnits(account.withdrawn);
  const tag = valuation.isAtMarket ? `at market${isMarketStale ? ", stale" : ""}` : "partly at last price";
  return (
    <dl className="summary" aria-label="Account summary">
      <Card label="Portfolio value" tag={tag} isMain>
        <Flash value={valuation.portfolioValue}>
          <Amount units={valuation.portfolioValue} testId="portfolio-value" />
        </Flash>
        <Note>
          <span data-testid="portfolio-value-recorded" data-value={account.portfolio_value}>
            {formatUnits(parseUnits(account.portfolio_value))}
          </span>{" "}
          at last trade
        </Note>
      </Card>
      <Card label="Cash">
        <Flash value={cash}>
          <Amount units={cash} testId="cash" />
        </Flash>
        <Note>
          {reserved > 0n ? (
            <span title={`${formatUnits(parseUnits(account.buying_power))} is free to spend or withdraw`}>
              <Amount units={reserved} testId="reserved-cash" /> reserved by orders
            </span>
          ) : (
            `${formatPercent(basisPoints(cash, valuation.portfolioValue))} of portfolio`
          )}
        </Note>
      </Card>
      <Card label="Unrealized P&L" tag={tag}>
        <Change units={valuation.unrealized} testId="unrealized-pnl" />
        <Note>
          {formatPercent(valuation.unrealizedPoints, true)} on cost,{" "}
          <span title="Since the previous close, of the shares that are held">
            <Change units={valuation.dayChange} testId="day-change" hasArrow={false} /> today
          </span>
        </Note>
      </Card>
      <Card label="Realized P&L today">
        <Change units={today.realized} testId="realized-pnl-today" />
        <Note>
          total <Change units={parseUnits(account.realized_pnl)} testId="realized-pnl" hasArrow={false} />
        </Note>
      </Card>
      <Card label="Net invested">
        <Amount units={invested} testId="net-invested" />
        <Note>
          result{" "}
          <Change
            units={valuation.portfolioValue - invested}
            points={basisPoints(valuation.portfolioValue - invested, invested)}
            hasArrow={false}
          />
        </Note>
      </Card>
      <DayVolumeCard account={account} volume={today.volume} trades={today.trades} />
    </dl>
  );
}

function DayVolumeCard({
  account,
  volume,
  trades,
}: {
  account: Account;
  volume: bigint;
  trades: number;
}): ReactElement {
  const limit = parseUnits(account.limits.max_daily_value);
  const points = basisPoints(volume, limit) ?? 0n;
  const valueText = `${formatUnits(volume)} of ${formatUnits(limit)}, ${formatPercent(points)}`;
  return (
    <Card label="Day volume" tag="UTC day">
      <Amount units={volume} testId="day-volume" />
      <div className="card-note has-meter">
        <Meter label="Day volume against the daily limit" points={points} valueText={valueText} />
        <span title={`${valueText}; ${trades} trades today`}>of {formatCompact(limit)}</span>
      </div>
    </Card>
  );
}

function Card({
  label,
  tag,
  isMain = false,
  children,
}: {
  label: string;
  tag?: string;
  isMain?: boolean;
  children: ReactNode;
}): ReactElement {
  return (
    <div className={`card ${isMain ? "is-main" : ""}`}>
      <dt>
        {label}
        {tag !== undefined && <small className="card-tag">{tag}</small>}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

function Note({ children }: { children: ReactNode }): ReactElement {
  return <div className="card-note">{children}</div>;
}

const CARDS = 6;

/** Holds the place of the cards until the account is there. */
export function SummarySkeleton(): ReactElement {
  return (
    <div className="summary" role="status" aria-label="Loading the account">
      {Array.from({ length: CARDS }, (_, card) => (
        <div key={card} className="card">
          <span className="skeleton is-short" />
          <span className="skeleton is-tall" />
          <span className="skeleton is-short" />
        </div>
      ))}
    </div>
  );
}
