// The market: every instrument with its price, the change since the previous close, the day's range and the session's
// line; a dash where there is no price. A click takes symbol and price to the ticket.
import { memo, useState, type ReactElement, type RefObject } from "react";

import { Flash, PercentChange, Price } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { EmptyMessage, Panel, SkeletonRows } from "../../components/Panel";
import { Sparkline } from "../../components/Sparkline";
import { SortableHeader, useSorting } from "../../components/sorting";
import { staleText, type Listing, type Quote } from "../../core/live/market_state";
import { basisPoints, formatPrice, formatUnits } from "../../core/money";

/** Rows that are drawn at once: of thousands of instruments the filter finds the others. */
export const ROWS_SHOWN_MAX = 200;

interface MarketPanelProps {
  quotes: readonly Quote[];
  unpriced: readonly Listing[];
  chosenSymbol: string;
  filterRef?: RefObject<HTMLInputElement | null>;
  onChosen: (symbol: string) => void;
}

export function MarketPanel({ quotes, unpriced, chosenSymbol, filterRef, onChosen }: MarketPanelProps): ReactElement {
  const [filter, setFilter] = useState("");
  const sorting = useSorting<"symbol" | "price" | "changePoints">({ key: "symbol", isDescending: false });
  const priced = quotes.map((quote) => ({
    symbol: quote.symbol,
    listing: quote,
    quote,
    price: quote.price,
    changePoints: quote.previousClose === null ? null : basisPoints(quote.price - quote.previousClose, quote.previousClose),
  }));
  const others = unpriced.map((listing) => ({
    symbol: listing.symbol,
    listing,
    quote: null,
    price: null,
    changePoints: null,
  }));
  const count = priced.length + others.length;
  const rows = [...priced, ...others].filter(({ listing }) => matches(listing, filter));
  const shown = sorting.sort<(typeof rows)[number]>(rows).slice(0, ROWS_SHOWN_MAX);

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
      {count === 0 && <SkeletonRows rows={20} label="Loading the market" />}
      {count > 0 && rows.length === 0 && (
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
            {shown.map(({ listing, quote, changePoints }) => (
              <Row
                key={listing.symbol}
                listing={listing}
                quote={quote}
                changePoints={changePoints}
                isChosen={listing.symbol === chosenSymbol}
                onChosen={onChosen}
              />
            ))}
          </tbody>
        </table>
      )}
      {rows.length > shown.length && (
        <p className="none" data-testid="market-more">
          {rows.length - shown.length} more: filter to find them.
        </p>
      )}
    </Panel>
  );
}

interface RowProps {
  listing: Listing;
  quote: Quote | null;
  changePoints: bigint | null;
  isChosen: boolean;
  onChosen: (symbol: string) => void;
}

const Row = memo(function Row({ listing, quote, changePoints, isChosen, onChosen }: RowProps): ReactElement {
  return (
    <tr
      className={`clickable ${isChosen ? "is-chosen" : ""}`}
      data-testid={`market-row-${listing.symbol}`}
      tabIndex={0}
      title={[listing.name, listing.sector, listing.isHalted && "trading is halted"].filter(Boolean).join(" · ")}
      onClick={() => onChosen(listing.symbol)}
      onKeyDown={(event) => {
        if (event.key === "Enter") onChosen(listing.symbol);
      }}
    >
      <th scope="row">
        <span className="symbol">{listing.symbol}</span>
        <small>{listing.isHalted ? "Halted" : listing.name}</small>
      </th>
      {quote === null ? <NoPrices /> : <Prices quote={quote} changePoints={changePoints} />}
    </tr>
  );
});

function NoPrices(): ReactElement {
  return (
    <>
      <td className="chart-column" />
      <td title="No price yet">–</td>
      <td>–</td>
      <td className="range-column">–</td>
    </>
  );
}

function Prices({ quote, changePoints }: { quote: Quote; changePoints: bigint | null }): ReactElement {
  const { previousClose } = quote;
  const stale = staleText(quote);
  return (
    <>
      <td className="chart-column">
        <Sparkline prices={[...quote.seen, quote.price]} reference={previousClose ?? quote.sessionOpen} />
      </td>
      <td>
        <Flash value={quote.price}>
          <Price units={quote.price} />
        </Flash>
        {stale !== null && (
          <small className="tag warning" data-testid={`market-stale-${quote.symbol}`} title="Nothing is traded at this price">
            {stale}
          </small>
        )}
      </td>
      <td
        title={
          previousClose === null
            ? "Nobody has said the previous close"
            : `${formatUnits(quote.price - previousClose, { isSigned: true })} since the previous close ${formatPrice(previousClose)}`
        }
      >
        <PercentChange points={changePoints} />
      </td>
      <td className="range-column">
        <DayRange quote={quote} />
      </td>
    </>
  );
}

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

function matches({ symbol, name, sector }: Listing, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return [symbol, name, sector].some((text) => text.toLowerCase().includes(wanted));
}
