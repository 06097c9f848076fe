// What the order would reserve and lead to, and whether the account's rules would refuse it. A forecast: the platform decides.
import type { ReactElement, ReactNode } from "react";

import { Amount, Change } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { WeightBar } from "../../components/Meter";
import type { ExpectedRefusal, OrderEstimate } from "../../core/estimate";
import { formatPercent } from "../../core/money";
import { CUSHION_POINTS, hasCushion } from "../../core/order_terms";
import { describeRefusal } from "../../core/refusals";
import { formatShares } from "../../core/shares";
import type { OrderType, Side } from "../../core/types";

interface TicketEstimateProps {
  estimate: OrderEstimate | null;
  side: Side;
  type: OrderType;
}

export function TicketEstimate({ estimate, side, type }: TicketEstimateProps): ReactElement {
  return (
    <>
      <dl className="facts estimate" aria-label="Estimate">
        <Fact label="Estimated value" of={estimate} show={({ value }) => <Amount units={value} testId="estimate-value" />} />
        <Fact label="Fee" of={estimate} show={({ fee }) => <Amount units={fee} testId="estimate-fee" />} />
        <Fact
          label={side === "BUY" ? "Total with fee" : "Proceeds less fee"}
          of={estimate}
          show={({ total }) => <Left units={total} testId="estimate-total" />}
        />
        <Fact label="Reserved" of={estimate} show={(known) => <Reserved estimate={known} side={side} type={type} />} />
        <Fact
          label="Buying power after"
          title="As long as the order works; its fee is taken when it is filled"
          of={estimate}
          show={({ buyingPowerAfter }) => <Left units={buyingPowerAfter} testId="estimate-buying-power-after" />}
        />
        <Fact
          label="… once filled"
          title="Buying power once it is filled at the price that it is judged by"
          of={estimate}
          show={({ buyingPowerFilled }) => <Left units={buyingPowerFilled} testId="estimate-buying-power-filled" />}
        />
        {side === "SELL" && (
          <Fact
            label="Shares free after"
            of={estimate}
            show={({ availableAfter }) => <Shares shares={availableAfter} testId="estimate-available-after" />}
          />
        )}
        <Fact label="Position after" of={estimate} show={({ positionAfter }) => <Shares shares={positionAfter} />} />
        <Fact
          label="Weight after"
          of={estimate}
          show={({ weightPoints, weightLimitPoints }) => (
            <span className="weight-figure">
              <WeightBar points={weightPoints ?? 0n} limitPoints={weightLimitPoints} />
              {formatPercent(weightPoints)} <small>of {formatPercent(weightLimitPoints)}</small>
            </span>
          )}
        />
        <Fact label="Trade limit left" of={estimate} show={({ tradeRemaining }) => <Left units={tradeRemaining} />} />
        <Fact
          label="Daily limit left"
          title={NET}
          of={estimate}
          show={({ dayRemainingNet }) => <Left units={dayRemainingNet} testId="estimate-day-left" />}
        />
        {side === "BUY" && (
          <Fact
            label="Symbol limit left"
            title={NET}
            of={estimate}
            show={({ positionRemainingNet }) => <Left units={positionRemainingNet} testId="estimate-symbol-left" />}
          />
        )}
        {side === "SELL" && (
          <Fact
            label="Realized P&L"
            of={estimate}
            show={({ realized }) => (realized === null ? <None /> : <Change units={realized} />)}
          />
        )}
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

const NET = "If this order and all that work now are filled";

interface FactProps {
  label: string;
  title?: string;
  of: OrderEstimate | null;
  show: (estimate: OrderEstimate) => ReactNode;
}

function Fact({ label, title, of, show }: FactProps): ReactElement {
  return (
    <div title={title}>
      <dt>{label}</dt>
      <dd>{of === null ? <None /> : show(of)}</dd>
    </div>
  );
}

function None(): ReactElement {
  return <span className="muted">–</span>;
}

function Reserved({ estimate, side, type }: TicketEstimateProps & { estimate: OrderEstimate }): ReactElement {
  if (side === "SELL") return <>{formatShares(estimate.reservedShares)} shares</>;
  return (
    <span title={hasCushion(side, type) ? "The market may move until it fills; what is not needed is set free then" : undefined}>
      {hasCushion(side, type) && <small className="muted">{`${CUSHION_POINTS / 100n}% more`} </small>}
      <Amount units={estimate.reservedCash} testId="estimate-reserved" />
    </span>
  );
}

/** What is left of something that there may not be enough of. */
function Left({ units, testId }: { units: bigint; testId?: string }): ReactElement {
  return (
    <span className={units < 0n ? "is-bad" : ""}>
      <Amount units={units} {...(testId === undefined ? {} : { testId })} />
    </span>
  );
}

function Shares({ shares, testId }: { shares: bigint; testId?: string }): ReactElement {
  return (
    <span className={shares < 0n ? "is-bad" : ""} data-testid={testId}>
      {formatShares(shares)}
    </span>
  );
}

function forecastText(refusal: ExpectedRefusal): string {
  const { title, figures } = describeRefusal(refusal);
  const limit = figures[0];
  return `${title}${limit === undefined ? "" : ` (${limit.label.toLowerCase()} ${limit.value})`}: would be refused.`;
}
