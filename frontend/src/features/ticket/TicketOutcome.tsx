// What came of the latest attempt: the order, as it stands by now, the refusal with its figures, or a failure with the way to
// retry safely. How the order goes on is what the account's socket says of it.
import { useEffect, useRef, type ReactElement } from "react";

import { CopyableId } from "../../components/CopyableId";
import { Icon } from "../../components/Icon";
import { Refusal } from "../../components/Refusal";
import type { PlaceOrderInput } from "../../core/commands";
import { latestOf, newsOf, orderText, type OrderNews, type OrderSummary } from "../../core/orders";
import type { TicketResult } from "../../core/ticket";
import type { Order } from "../../core/types";

interface TicketOutcomeProps {
  result: TicketResult | null;
  attempt: PlaceOrderInput | null;
  /** What is known of the account's orders. */
  orders: readonly Order[];
  onRetry: (attempt: PlaceOrderInput) => void;
  onGivenUp: () => void;
}

export function TicketOutcome(props: TicketOutcomeProps): ReactElement {
  const { result, attempt, orders, onRetry, onGivenUp } = props;
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (result !== null) ref.current?.scrollIntoView({ block: "nearest" });
  }, [result]);
  const arrived = orders.find((order) => order.client_order_id === attempt?.clientOrderId);

  return (
    <div
      ref={ref}
      className="ticket-result"
      aria-live="polite"
      data-testid="ticket-result"
      data-kind={result?.kind ?? "none"}
    >
      {result?.kind === "placed" && <Placed order={latestOf(result.order, orders)} />}
      {result?.kind === "refused" && (
        <Refusal
          refusal={result.refusal}
          note={result.isRecorded ? "The refusal is recorded in the account's audit trail." : undefined}
        />
      )}
      {result?.kind === "failed" && (
        <Refusal refusal={result.failure} tone={result.isSafeToRetry ? "warning" : "error"}>
          {attempt !== null && (
            <>
              <p className="refusal-note">
                {attemptText(attempt)} · client order id <CopyableId id={attempt.clientOrderId} label="client order id" />
              </p>
              {arrived !== undefined && (
                <p className="refusal-arrived">
                  <Icon name="check" size={13} /> It was placed: version {arrived.placed_version} of the account. A retry
                  only confirms it.
                </p>
              )}
              <div className="refusal-actions">
                <button
                  type="button"
                  className="button primary small"
                  data-testid="ticket-retry"
                  autoFocus
                  onClick={() => onRetry(attempt)}
                >
                  <Icon name="refresh" size={13} /> Retry safely
                </button>
                <button type="button" className="button small" data-testid="ticket-give-up" onClick={onGivenUp}>
                  Give up
                </button>
              </div>
            </>
          )}
        </Refusal>
      )}
    </div>
  );
}

const ICONS = { works: "clock", done: "check", ended: "close" } as const satisfies Record<OrderNews["kind"], string>;

function Placed({ order }: { order: OrderSummary }): ReactElement {
  const news = newsOf(order);
  return (
    <div className={`placed ${news.kind}`} data-testid="ticket-placed" data-status={order.status}>
      <div className="placed-title">
        <Icon name={ICONS[news.kind]} />
        <strong>{news.title}</strong>
      </div>
      <p>{news.detail}</p>
      <p className="placed-id">
        order <CopyableId id={order.order_id} label="order id" />
      </p>
    </div>
  );
}

function attemptText({ side, quantity, symbol, limitPrice, stopPrice, ...attempt }: PlaceOrderInput): string {
  const { trailAmount = null, trailPercent = null } = attempt;
  const prices = { limit_price: limitPrice, stop_price: stopPrice, trail_amount: trailAmount, trail_percent: trailPercent };
  return orderText({ side, quantity, symbol, ...prices });
}
