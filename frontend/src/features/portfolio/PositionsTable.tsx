// The open positions, valued at the live prices; a click or Enter on a row takes it to the ticket, to be sold.
import type { ReactElement } from "react";

import { Amount, Change, Flash, PercentChange, Price, Quantity } from "../../components/Figures";
import { WeightBar } from "../../components/Meter";
import { EmptyMessage, Panel, SkeletonRows } from "../../components/Panel";
import { SortableHeader, useSorting, type Sorting } from "../../components/sorting";
import { formatPercent, percentToBasisPoints } from "../../core/money";
import { decimalsOf, formatShares } from "../../core/shares";
import { formatClock } from "../../core/time";
import type { Account } from "../../core/types";
import type { Valuation, ValuedPosition } from "../../core/valuation";

type SortKey = "symbol" | "quantity" | "marketValue" | "unrealized" | "unrealizedPoints" | "realized";

interface PositionsTableProps {
  account: Account | null;
  valuation: Valuation | null;
  chosenSymbol: string;
  onChosen: (position: ValuedPosition) => void;
}

export function PositionsTable({ account, valuation, chosenSymbol, onChosen }: PositionsTableProps): ReactElement {
  const sorting = useSorting<SortKey>({ key: "marketValue", isDescending: true });
  const isLoaded = account !== null && valuation !== null;
  const count = valuation?.positions.length ?? 0;
  const decimals = decimalsOf(valuation?.positions.map(({ quantity }) => quantity) ?? []);
  return (
    <Panel
      title="Positions"
      className="positions"
      note={isLoaded && count > 0 ? `${count} open · values at market` : undefined}
    >
      {!isLoaded && <SkeletonRows rows={6} label="Loading positions" />}
      {isLoaded && count === 0 && (
        <EmptyMessage icon="portfolio" title="No open positions">
          Choose an instrument in the market and buy it with the order ticket.
        </EmptyMessage>
      )}
      {isLoaded && count > 0 && (
        <table className="data-table" data-testid="positions-table">
          <Head sorting={sorting} />
          <tbody>
            {sorting.sort(valuation.positions).map((position) => (
              <Row
                key={position.symbol}
                position={position}
                decimals={decimals}
                limitPoints={percentToBasisPoints(account.limits.max_position_percent)}
                isChosen={position.symbol === chosenSymbol}
                onChosen={onChosen}
              />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Head({ sorting }: { sorting: Sorting<SortKey> }): ReactElement {
  return (
    <thead>
      <tr>
        <SortableHeader sorting={sorting} sortKey="symbol" isText>
          Symbol
        </SortableHeader>
        <SortableHeader sorting={sorting} sortKey="quantity">
          Qty
        </SortableHeader>
        <th scope="col">Avg cost</th>
        <th scope="col">Last</th>
        <SortableHeader sorting={sorting} sortKey="marketValue">
          Market value
        </SortableHeader>
        <th scope="col" className="weight-column" title="Share of the portfolio; the mark is the limit per symbol">
          Weight
        </th>
        <SortableHeader sorting={sorting} sortKey="unrealized">
          Unrealized
        </SortableHeader>
        <SortableHeader sorting={sorting} sortKey="unrealizedPoints">
          %
        </SortableHeader>
        <SortableHeader sorting={sorting} sortKey="realized">
          Realized
        </SortableHeader>
      </tr>
    </thead>
  );
}

interface RowProps {
  position: ValuedPosition;
  limitPoints: bigint;
  /** The most decimals of any position's quantity. */
  decimals: number;
  isChosen: boolean;
  onChosen: (position: ValuedPosition) => void;
}

function Row({ position, limitPoints, decimals, isChosen, onChosen }: RowProps): ReactElement {
  const weight = position.weightPoints ?? 0n;
  const isOver = weight > limitPoints;
  return (
    <tr
      className={`clickable ${isChosen ? "is-chosen" : ""}`}
      data-testid={`position-row-${position.symbol}`}
      tabIndex={0}
      title={`Sell ${position.symbol}`}
      onClick={() => onChosen(position)}
      onKeyDown={(event) => {
        if (event.key === "Enter") onChosen(position);
      }}
    >
      <th scope="row">
        {position.symbol}{" "}
        {position.available < position.quantity && (
          <span className="tag" title="Working orders keep the others" data-testid="position-available">
            {formatShares(position.available)} free
          </span>
        )}
      </th>
      <td data-label="Qty" data-testid="position-quantity">
        <Quantity shares={position.quantity} decimals={decimals} />
      </td>
      <td data-label="Avg cost">
        <Price units={position.averageCost} decimals={4} />
      </td>
      <td
        data-label={position.isLivePrice ? "Last" : "Last (at last trade)"}
        title={
          position.pricedAt === null
            ? "The market gives no price: the account's last"
            : `The market's at ${formatClock(position.pricedAt)}`
        }
      >
        <Flash value={position.price}>
          <Price units={position.price} />
        </Flash>
      </td>
      <td data-label="Market value">
        <Amount units={position.marketValue} />
      </td>
      <td data-label="Weight" className="weight-column">
        <WeightBar points={weight} limitPoints={limitPoints} />
        <span
          className={`figure ${isOver ? "is-over" : ""}`}
          title={`Limit ${formatPercent(limitPoints)}${isOver ? ": above it, no further buys" : ""}`}
        >
          {formatPercent(position.weightPoints)}
        </span>
      </td>
      <td data-label="Unrealized">
        <Change units={position.unrealized} />
      </td>
      <td data-label="%">
        <PercentChange points={position.unrealizedPoints} />
      </td>
      <td data-label="Realized">
        <Change units={position.realized} hasArrow={false} />
      </td>
    </tr>
  );
}
