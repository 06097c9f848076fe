// Whether what one sees is live, and how old it is. The state is announced; the age, which changes all the time, is not.
import type { ReactElement } from "react";

import { useNow } from "../../components/useNow";
import { worstConnection, type ConnectionPhase, type ConnectionState } from "../../core/live/connection";
import { formatAge } from "../../core/time";

const LABELS: Readonly<Record<ConnectionPhase, string>> = {
  live: "Live",
  connecting: "Connecting",
  reconnecting: "Reconnecting",
  offline: "Offline",
  refused: "Not connected",
};

interface ConnectionIndicatorProps {
  account: ConnectionState | null;
  market: ConnectionState;
}

export function ConnectionIndicator({ account, market }: ConnectionIndicatorProps): ReactElement {
  const now = useNow(1_000);
  const connections = account === null ? [market] : [account, market];
  const worst = worstConnection(connections);
  const oldest = connections.reduce<number | null>(
    (least, { lastMessageAt }) => (least === null || lastMessageAt === null ? null : Math.min(least, lastMessageAt)),
    Number.MAX_SAFE_INTEGER,
  );
  const details = [
    account === null ? null : `Account: ${detailOf(account, now)}`,
    `Market: ${detailOf(market, now)}`,
  ].filter((line) => line !== null);
  const isAgeShown = worst.phase !== "live" && oldest !== null;
  return (
    <div
      className={`connection ${worst.phase}`}
      title={details.join("\n")}
      data-testid="connection-state"
      data-state={worst.phase}
    >
      <span className="dot" aria-hidden="true" />
      <span role="status" aria-live="polite">
        {LABELS[worst.phase]}
      </span>
      <span className="age" aria-hidden="true">
        {isAgeShown && `data ${formatAge(now - oldest)} old`}
        {worst.phase === "live" && `data ${formatAge(now - (market.lastMessageAt ?? now))}`}
      </span>
    </div>
  );
}

function detailOf(connection: ConnectionState, now: number): string {
  const age =
    connection.lastMessageAt === null ? "nothing received yet" : `last message ${ago(now - connection.lastMessageAt)}`;
  const retry =
    connection.retryAt === null ? "" : `, next attempt in ${formatAge(Math.max(0, connection.retryAt - now))}`;
  return `${LABELS[connection.phase].toLowerCase()}, ${age}${retry}`;
}

function ago(milliseconds: number): string {
  const age = formatAge(milliseconds);
  return age === "now" ? "just now" : `${age} ago`;
}
