// The blotter: every trade, newest first, with the id of its event and the version of the account's stream. Trades that
// arrive while one looks flash once.
import { memo, useState, type ReactElement } from "react";

import { CopyableId } from "../../components/CopyableId";
import { Amount, Change, Price, Quantity } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { EmptyMessage, Panel, SkeletonRows } from "../../components/Panel";
import { TRADE_FILES, tradesFilePath } from "../../core/api";
import { groupThousands, parseUnits } from "../../core/money";
import { decimalsOf, parseShares } from "../../core/shares";
import { formatClock, formatDay } from "../../core/time";
import type { Trade } from "../../core/types";

interface TradesPanelProps {
  accountId: string | null;
  trades: Trade[] | null;
  tradeCount: number;
  hasOlder: boolean;
  onOlderWanted: () => Promise<void>;
}

export const TradesPanel = memo(function TradesPanel(props: TradesPanelProps): ReactElement {
  const { accountId, trades, tradeCount } = props;
  const hasTrades = trades !== null && trades.length > 0;
  return (
    <Panel
      title="Trades"
      className="trades"
      note={hasTrades ? `${trades.length} of ${groupThousands(tradeCount)}` : undefined}
      actions={hasTrades && accountId !== null ? <Downloads accountId={accountId} /> : undefined}
    >
      {trades === null && <SkeletonRows rows={8} label="Loading trades" />}
      {trades !== null && trades.length === 0 && (
        <EmptyMessage title="No trades yet">Every trade appears here the moment it is executed.</EmptyMessage>
      )}
      {hasTrades && <Blotter {...props} trades={trades} />}
    </Panel>
  );
});

/** All trades as a file, not only those that are shown; the browser saves it while the server makes it. */
function Downloads({ accountId }: { accountId: string }): ReactElement {
  return (
    <div className="downloads" role="group" aria-label="Download all trades">
      {TRADE_FILES.map(({ type, name }) => (
        <a
          key={type}
          className="button small"
          href={tradesFilePath(accountId, type)}
          download
          title={`Download all trades as a ${name} file`}
          data-testid={`trades-${type}`}
        >
          <Icon name="deposit" size={13} />
          {name}
        </a>
      ))}
    </div>
  );
}

function Blotter({ trades, hasOlder, onOlderWanted }: TradesPanelProps & { trades: Trade[] }): ReactElement {
  const [versionAtFirst] = useState(trades[0]?.version ?? 0);
  const decimals = decimalsOf(trades.map((trade) => parseShares(trade.quantity)));
  return (
    <>
      <table className="data-table" data-testid="trades-table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Side</th>
            <th scope="col" className="is-text">
              Symbol
            </th>
            <th scope="col">Qty</th>
            <th scope="col">Price</th>
            <th scope="col">Value</th>
            <th scope="col">Realized</th>
            <th scope="col" title="Version of the account's event stream">
              Version
            </th>
            <th scope="col" className="is-text" title="Id of the event, derived from its hash">
              Event
            </th>
          </tr>
        </thead>
        <tbody>
          {trades.map((trade) => (
            <Row key={trade.trade_id} trade={trade} decimals={decimals} versionAtFirst={versionAtFirst} />
          ))}
        </tbody>
      </table>
      {hasOlder && <OlderTrades onWanted={onOlderWanted} />}
    </>
  );
}

interface RowProps {
  trade: Trade;
  /** The most decimals of any trade's quantity. */
  decimals: number;
  versionAtFirst: number;
}

const Row = memo(function Row({ trade, decimals, versionAtFirst }: RowProps): ReactElement {
  const isNew = trade.version > versionAtFirst;
  const realized = parseUnits(trade.realized_pnl);
  const fee = parseUnits(trade.fee);
  return (
    <tr
      className={isNew ? "is-new" : ""}
      data-testid="trade-row"
      data-version={trade.version}
      data-trade-id={trade.trade_id}
    >
      <td title={trade.executed_at} data-label="Time">
        <time dateTime={trade.executed_at}>
          <span className="day">{formatDay(trade.executed_at)}</span> {formatClock(trade.executed_at)}
        </time>
      </td>
      <td data-label="Side">
        <span className={`side ${trade.side.toLowerCase()}`}>{trade.side}</span>
      </td>
      <th scope="row">{trade.symbol}</th>
      <td data-label="Qty">
        <Quantity shares={parseShares(trade.quantity)} decimals={decimals} />
      </td>
      <td data-label="Price">
        <Price units={parseUnits(trade.price)} />
      </td>
      <td data-label="Value">
        {fee !== 0n && (
          <small className="muted">
            fee <Price units={fee} />{" "}
          </small>
        )}
        <Amount units={parseUnits(trade.value)} />
      </td>
      <td data-label="Realized">
        {trade.side === "SELL" ? <Change units={realized} hasArrow={false} /> : <span className="muted">–</span>}
      </td>
      <td data-label="Version" title={`Command ${trade.command_id}`}>
        v{trade.version}
      </td>
      <td data-label="Event" className="is-text">
        <CopyableId id={trade.trade_id} label="event id" />
      </td>
    </tr>
  );
});

function OlderTrades({ onWanted }: { onWanted: () => Promise<void> }): ReactElement {
  const [state, setState] = useState<"idle" | "loading" | "failed">("idle");
  const load = async (): Promise<void> => {
    setState("loading");
    try {
      await onWanted();
      setState("idle");
    } catch {
      setState("failed");
    }
  };
  return (
    <div className="load-more">
      {state === "failed" && <span role="alert">The older trades could not be loaded.</span>}
      <button
        type="button"
        className="button small"
        data-testid="trades-more"
        disabled={state === "loading"}
        onClick={() => void load()}
      >
        {state === "loading" ? "Loading …" : state === "failed" ? "Try again" : "Load older trades"}
      </button>
    </div>
  );
}
