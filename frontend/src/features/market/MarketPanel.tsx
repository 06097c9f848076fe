// The market: every instrument with its price, the change since the previous close, the day's range and the session's
// line. A click takes symbol and price to the ticket.
import { memo, useState, type ReactElement, type RefObject } from "react";

import { Flash, PercentChange, Price } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { EmptyMessage, Panel, SkeletonRows } from "../../components/Panel";
import { Sparkline } from "../../components/Sparkline";
import { SortableHeader, useSorting } from "../../components/sorting";
import type { Quote } from "../../core/live/market_state";
import { basisPoints, formatPrice, formatUnits } from "../../core/money";

interface MarketPanelProps {
  quotes: readonly Quote[];
  chosenSymbol: string;
  filterRef?: RefObject<HTMLInputElement | null>;
  onChosen: (symbol: string) => void;
}

export function MarketPanel({ quotes, chosenSymbol, filterRef, onChosen }: MarketPanelProps): ReactElement {
  const [filter, setFilter] = useState("");
  const sorting = useSorting<"symbol" | "price" | "changePoints">({ key: "symbol", isDescending: false });
  const rows = quotes
    .filter((quote) => matches(quote, filter))
    .map((quote) => ({
      ...quote,
      quote,
      changePoints: basisPoints(quote.price - quote.previousClose, quote.previousClose),
    }));

  return (
    <Panel
      title="Market"
      className="market"
      actions={
        <label className="search">
          <Icon name="search" size={13} />
          <input
            ref={filterRef}
            aria-label="Filter instruments by symbol, name or sector"
            placeholder="Filter"
            data-testid="market-filter"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") setFilter("");
            }}
          />
        </label>
      }
    >
      {quotes.length === 0 && <SkeletonRows rows={20} label="Loading the market" />}
      {quotes.length > 0 && rows.length === 0 && (
        <EmptyMessage icon="search" title="No instrument matches">
          Nothing is called “{filter}”.
        </EmptyMessage>
      )}
      {rows.length > 0 && (
        <table className="data-table market-table" data-testid="market-table">
          <thead>
            <tr>
              <SortableHeader sorting={sorting} sortKey="symbol" isText>
                Symbol
              </SortableHeader>
              <th scope="col" className="chart-column">
                Session
              </th>
              <SortableHeader sorting={sorting} sortKey="price">
                Price
              </SortableHeader>
              <SortableHeader sorting={sorting} sortKey="changePoints" title="Change since the previous close">
                Change
              </SortableHeader>
              <th scope="col" className="range-column">
                Day range
              </th>
            </tr>
          </thead>
          <tbody>
            {sorting.sort(rows).map(({ quote, changePoints }) => (
              <Row
                key={quote.symbol}
                quote={quote}
                changePoints={changePoints}
                isChosen={quote.symbol === chosenSymbol}
                onChosen={onChosen}
              />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

interface RowProps {
  quote: Quote;
  changePoints: bigint | null;
  isChosen: boolean;
  onChosen: (symbol: string) => void;
}

const Row = memo(function Row({ quote, changePoints, isChosen, onChosen }: RowProps): ReactElement {
  const change = quote.price - quote.previousClose;
  return (
    <tr
      className={`clickable ${isChosen ? "is-chosen" : ""}`}
      data-testid={`market-row-${quote.symbol}`}
      tabIndex={0}
      title={`${quote.name} · ${quote.sector}`}
      onClick={() => onChosen(quote.symbol)}
      onKeyDown={(event) => {
        if (event.key === "Enter") onChosen(quote.symbol);
      }}
    >
      <th scope="row">
        <span className="symbol">{quote.symbol}</span>
        <small>{quote.name}</small>
      </th>
      <td className="chart-column">
        <Sparkline prices={[...quote.seen, quote.price]} reference={quote.previousClose} />
      </td>
      <td>
        <Flash value={quote.price}>
          <Price units={quote.price} />
        </Flash>
      </td>
      <td
        title={`${formatUnits(change, { isSigned: true })} since the previous close ${formatPrice(quote.previousClose)}`}
      >
        <PercentChange points={changePoints} />
      </td>
      <td className="range-column">
        <DayRange quote={quote} />
      </td>
    </tr>
  );
});

function DayRange({ quote }: { quote: Quote }): ReactElement {
  const span = quote.dayHigh - quote.dayLow;
  const share = span > 0n ? Number(((quote.price - quote.dayLow) * 1000n) / span) / 10 : 50;
  const text = `${formatPrice(quote.dayLow)} – ${formatPrice(quote.dayHigh)}`;
  return (
    <span className="day-range" title={`Day range ${text}`}>
      <span className="sr-only">{text}</span>
      <span className="limit" aria-hidden="true">
        {formatPrice(quote.dayLow)}
      </span>
      <span className="track" aria-hidden="true">
        <span style={{ insetInlineStart: `${Math.max(0, Math.min(100, share))}%` }} />
      </span>
      <span className="limit" aria-hidden="true">
        {formatPrice(quote.dayHigh)}
      </span>
    </span>
  );
}

function matches(quote: Quote, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return [quote.symbol, quote.name, quote.sector].some((text) => text.toLowerCase().includes(wanted));
}
