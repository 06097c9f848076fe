// What came of the latest attempt: the trade, the refusal with its figures, or a failure with the way to retry safely.
import { useEffect, useRef, type ReactElement } from "react";

import { CopyableId } from "../../components/CopyableId";
import { Icon } from "../../components/Icon";
import { Refusal } from "../../components/Refusal";
import type { ExecuteTradeInput } from "../../core/commands";
import { formatPrice, formatUnits, parseUnits } from "../../core/money";
import { formatQuantity } from "../../core/shares";
import type { TicketResult } from "../../core/ticket";
import type { Trade, TradeExecuted } from "../../core/types";

interface TicketOutcomeProps {
  result: TicketResult | null;
  attempt: ExecuteTradeInput | null;
  /** The attempt's trade, when it turned up in the account although no answer came. */
  arrived: Trade | undefined;
  onRetry: (attempt: ExecuteTradeInput) => void;
  onGivenUp: () => void;
}

export function TicketOutcome({ result, attempt, arrived, onRetry, onGivenUp }: TicketOutcomeProps): ReactElement {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (result !== null) ref.current?.scrollIntoView({ block: "nearest" });
  }, [result]);

  return (
    <div
      ref={ref}
      className="ticket-result"
      aria-live="polite"
      data-testid="ticket-result"
      data-kind={result?.kind ?? "none"}
    >
      {result?.kind === "executed" && <Executed trade={result.trade} />}
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
                {attempt.side} {formatQuantity(attempt.quantity)} {attempt.symbol} · command{" "}
                <CopyableId id={attempt.commandId} label="command id" />
              </p>
              {arrived !== undefined && (
                <p className="refusal-arrived">
                  <Icon name="check" size={13} /> It was executed: version {arrived.version} of the account. A retry
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

function Executed({ trade }: { trade: TradeExecuted }): ReactElement {
  return (
    <div className="executed" data-testid="ticket-executed" data-version={trade.version}>
      <div className="executed-title">
        <Icon name="check" />
        <strong>
          {trade.side === "BUY" ? "Bought" : "Sold"} {formatQuantity(trade.quantity)} {trade.symbol}
        </strong>
        <span className="figure">at {formatPrice(parseUnits(trade.price))}</span>
      </div>
      <p>
        {formatUnits(parseUnits(trade.value))}
        {parseUnits(trade.fee) !== 0n && ` · fee ${formatPrice(parseUnits(trade.fee))}`} · version {trade.version} · event{" "}
        <CopyableId id={trade.tradeId} label="event id" />
      </p>
    </div>
  );
}
