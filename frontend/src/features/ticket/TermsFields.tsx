// The terms of the order: its type and time in force, and the prices that the type asks for. The market's price is shown
// where an order has none of its own, and offered where one is typed.
import type { Dispatch, KeyboardEvent, ReactElement, ReactNode, RefObject } from "react";

import { NumericField } from "../../components/NumericField";
import { formatPrice, type Units } from "../../core/money";
import { hasLimit, hasStop, ORDER_TYPES, timesInForceOf } from "../../core/order_terms";
import { TIME_NAMES, TYPE_NAMES } from "../../core/orders";
import type { TicketAction, TicketState } from "../../core/ticket";
import {
  limitProblem,
  lossProblem,
  priceText,
  profitProblem,
  stopProblem,
  trailProblem,
  type Draft,
} from "../../core/ticket_draft";
import type { OrderType } from "../../core/types";

interface TermsProps {
  ticket: TicketState;
  isDisabled: boolean;
  dispatch: Dispatch<TicketAction>;
}

interface TypeFieldsProps extends TermsProps {
  typeRef: RefObject<HTMLSelectElement | null>;
}

export function TypeFields({ ticket, isDisabled, dispatch, typeRef }: TypeFieldsProps): ReactElement {
  const times = timesInForceOf(ticket.type, ticket.hasExits);
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
            const timeInForce = times.find((time) => time === event.target.value);
            if (timeInForce !== undefined) dispatch({ type: "timeInForceChosen", timeInForce });
          }}
        >
          {times.map((time) => (
            <option key={time} value={time} title={TIME_NAMES[time]}>
              {time}
            </option>
          ))}
        </select>
      </label>
      {ticket.timeInForce === "GTD" && (
        <label className="field">
          <span>Last day (UTC)</span>
          <input
            type="date"
            data-testid="ticket-last-day"
            disabled={isDisabled}
            required
            value={ticket.lastDay}
            onChange={(event) => dispatch({ type: "lastDayChosen", day: event.target.value })}
          />
        </label>
      )}
    </div>
  );
}

interface ExitFieldsProps extends TermsProps {
  draft: Draft;
  hasTried: boolean;
  onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => void;
}

/** The exits that work once the order is filled, of which one cancels the other. */
export function ExitFields({ ticket, draft, isDisabled, hasTried, dispatch, onKeyDown }: ExitFieldsProps): ReactElement {
  const shared = { isDisabled, inputMode: "decimal", onKeyDown } as const;
  return (
    <fieldset className="exits">
      <label className="check">
        <input
          type="checkbox"
          data-testid="ticket-exits"
          disabled={isDisabled}
          checked={ticket.hasExits}
          onChange={(event) => dispatch({ type: "exitsChosen", hasExits: event.target.checked })}
        />
        <span>Take profit and stop loss</span>
      </label>
      {ticket.hasExits && (
        <div className="field-row">
          <NumericField
            {...shared}
            label="Take profit"
            testId="ticket-profit"
            value={ticket.profitText}
            problem={profitProblem(ticket, draft, hasTried)}
            onEdited={(text) => dispatch({ type: "profitEdited", text })}
            action={null}
          />
          <NumericField
            {...shared}
            label="Stop loss"
            testId="ticket-loss"
            value={ticket.lossText}
            problem={lossProblem(ticket, draft, hasTried)}
            onEdited={(text) => dispatch({ type: "lossEdited", text })}
            action={null}
          />
        </div>
      )}
    </fieldset>
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
  const trail = (
    <NumericField
      {...shared}
      label={ticket.isTrailInPercent ? "Trail in %" : "Trail"}
      testId="ticket-trail"
      value={ticket.trailText}
      problem={trailProblem(ticket, draft, hasTried)}
      onEdited={(text) => dispatch({ type: "trailEdited", text })}
      action={{
        label: ticket.isTrailInPercent ? "In money" : "In %",
        onClick: () => dispatch({ type: "trailUnitChosen", isPercent: !ticket.isTrailInPercent }),
      }}
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
      {priceField(ticket.type, { stop, limit, trail }) ?? <MarketPrice price={draft.marketPrice} />}
    </div>
  );
}

interface PricedBy {
  stop: ReactElement;
  limit: ReactElement;
  trail: ReactElement;
}

function priceField(type: OrderType, { stop, limit, trail }: PricedBy): ReactElement | null {
  if (type === "TRAILING_STOP") return trail;
  if (hasStop(type)) return stop;
  return hasLimit(type) ? limit : null;
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
