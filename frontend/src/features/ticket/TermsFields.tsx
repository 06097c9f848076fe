// The terms of the order: its type and time in force, and the prices that the type asks for. The market's price is shown
// where an order has none of its own, and offered where one is typed.
import type { Dispatch, KeyboardEvent, ReactElement, ReactNode, RefObject } from "react";

import { NumericField } from "../../components/NumericField";
import { formatPrice, type Units } from "../../core/money";
import { hasLimit, hasStop, ORDER_TYPES, timesInForceOf } from "../../core/order_terms";
import { TIME_NAMES, TYPE_NAMES } from "../../core/orders";
import type { TicketAction, TicketState } from "../../core/ticket";
import { limitProblem, priceText, stopProblem, type Draft } from "../../core/ticket_draft";

interface TermsProps {
  ticket: TicketState;
  isDisabled: boolean;
  dispatch: Dispatch<TicketAction>;
}

interface TypeFieldsProps extends TermsProps {
  typeRef: RefObject<HTMLSelectElement | null>;
}

export function TypeFields({ ticket, isDisabled, dispatch, typeRef }: TypeFieldsProps): ReactElement {
  return (
    <div className="field-row">
      <label className="field">
        <span>
          Type <kbd>T</kbd>
        </span>
        <select
          ref={typeRef}
          data-testid="ticket-type"
          disabled={isDisabled}
          value={ticket.type}
          onChange={(event) => {
            const orderType = ORDER_TYPES.find((type) => type === event.target.value);
            if (orderType !== undefined) dispatch({ type: "orderTypeChosen", orderType });
          }}
        >
          {ORDER_TYPES.map((type) => (
            <option key={type} value={type}>
              {TYPE_NAMES[type]}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>Time in force</span>
        <select
          data-testid="ticket-time-in-force"
          disabled={isDisabled}
          value={ticket.timeInForce}
          title={TIME_NAMES[ticket.timeInForce]}
          onChange={(event) => {
            const timeInForce = timesInForceOf(ticket.type).find((time) => time === event.target.value);
            if (timeInForce !== undefined) dispatch({ type: "timeInForceChosen", timeInForce });
          }}
        >
          {timesInForceOf(ticket.type).map((time) => (
            <option key={time} value={time} title={TIME_NAMES[time]}>
              {time}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

interface PriceFieldsProps extends TermsProps {
  draft: Draft;
  hasTried: boolean;
  /** The quantity, which stands beside the first price, or above two. */
  quantity: ReactNode;
  onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => void;
}

export function PriceFields(props: PriceFieldsProps): ReactElement {
  const { ticket, draft, isDisabled, hasTried, quantity, dispatch, onKeyDown } = props;
  const shared = { isDisabled, inputMode: "decimal", onKeyDown } as const;
  const offered = (edit: (text: string) => TicketAction): { label: string; onClick: () => void } | null => {
    const { marketPrice } = draft;
    if (marketPrice === null || isDisabled) return null;
    const increment = draft.listing?.priceIncrement ?? 1n;
    const price = marketPrice - (marketPrice % increment) || increment;
    const text = priceText(price).replaceAll(",", "");
    return { label: `Market ${formatPrice(price)}`, onClick: () => dispatch(edit(text)) };
  };
  const editLimit = (text: string): TicketAction => ({ type: "limitEdited", text });
  const editStop = (text: string): TicketAction => ({ type: "stopEdited", text });
  const limit = (
    <NumericField
      {...shared}
      label="Limit price"
      testId="ticket-limit"
      value={ticket.limitText}
      problem={limitProblem(ticket, draft, hasTried)}
      onEdited={(text) => dispatch(editLimit(text))}
      action={offered(editLimit)}
    />
  );
  const stop = (
    <NumericField
      {...shared}
      label="Stop price"
      testId="ticket-stop"
      value={ticket.stopText}
      problem={stopProblem(ticket, draft, hasTried)}
      onEdited={(text) => dispatch(editStop(text))}
      action={offered(editStop)}
    />
  );
  if (ticket.type === "STOP_LIMIT") {
    return (
      <>
        {quantity}
        <div className="field-row">
          {stop}
          {limit}
        </div>
      </>
    );
  }
  return (
    <div className="field-row">
      {quantity}
      {hasStop(ticket.type) ? stop : hasLimit(ticket.type) ? limit : <MarketPrice price={draft.marketPrice} />}
    </div>
  );
}

function MarketPrice({ price }: { price: Units | null }): ReactElement {
  return (
    <div className="field">
      <span>
        Market price
        {price !== null && <span className="live-tag">live</span>}
      </span>
      <div className="market-price figure" data-testid="ticket-market-price">
        {price === null ? <span className="muted">–</span> : formatPrice(price)}
      </div>
      <div className="field-note" />
    </div>
  );
}
