// What the trade would lead to, and whether the account's rules would refuse it. A forecast: the platform decides.
import type { ReactElement, ReactNode } from "react";

import { Amount, Change } from "../../components/Figures";
import { WeightBar } from "../../components/Meter";
import { Icon } from "../../components/Icon";
import type { TradeEstimate } from "../../core/estimate";
import { formatPercent } from "../../core/money";
import { formatShares } from "../../core/shares";
import { describeRefusal } from "../../core/refusals";
import type { Side } from "../../core/types";

export function TicketEstimate({ estimate, side }: { estimate: TradeEstimate | null; side: Side }): ReactElement {
  const none = <span className="muted">–</span>;
  return (
    <>
      <dl className="facts estimate" aria-label="Estimate">
        <Fact label="Estimated value">
          {estimate === null ? none : <Amount units={estimate.value} testId="estimate-value" />}
        </Fact>
        <Fact label="Cash after">
          {estimate === null ? (
            none
          ) : (
            <span className={estimate.buyingPowerAfter < 0n ? "is-bad" : ""}>
              {estimate.buyingPowerAfter !== estimate.cashAfter && (
                <small className="muted">
                  <Amount units={estimate.buyingPowerAfter} testId="estimate-buying-power-after" /> free of{" "}
                </small>
              )}
              <Amount units={estimate.cashAfter} testId="estimate-cash-after" />
            </span>
          )}
        </Fact>
        <Fact label="Position after">
          {estimate === null ? (
            none
          ) : (
            <span className={estimate.positionAfter < 0n ? "is-bad" : ""}>{formatShares(estimate.positionAfter)}</span>
          )}
        </Fact>
        <Fact label="Weight after">
          {estimate === null ? (
            none
          ) : (
            <span className="weight-figure">
              <WeightBar points={estimate.weightPoints ?? 0n} limitPoints={estimate.weightLimitPoints} />
              {formatPercent(estimate.weightPoints)} <small>of {formatPercent(estimate.weightLimitPoints)}</small>
            </span>
          )}
        </Fact>
        <Fact label="Daily limit left">
          {estimate === null ? (
            none
          ) : (
            <span className={estimate.dayRemainingAfter < 0n ? "is-bad" : ""}>
              <Amount units={estimate.dayRemainingAfter} />
            </span>
          )}
        </Fact>
        <Fact label="Realized P&L">
          {side === "BUY" || estimate === null || estimate.realized === null ? (
            none
          ) : (
            <Change units={estimate.realized} />
          )}
        </Fact>
      </dl>
      <p className="forecast" role="status">
        {estimate?.expectedRefusal ? (
          <>
            <Icon name="warning" size={13} /> {forecastText(estimate.expectedRefusal)}
          </>
        ) : (
          "\u00a0"
        )}
      </p>
    </>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function forecastText(refusal: { code: string; limit: string; actual: string }): string {
  const { title, figures } = describeRefusal(refusal);
  const limit = figures[0];
  return `${title}${limit === undefined ? "" : ` (${limit.label.toLowerCase()} ${limit.value})`}: would be refused.`;
}
