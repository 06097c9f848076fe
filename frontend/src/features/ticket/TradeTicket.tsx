// The trade ticket: what to buy or sell, what it would lead to, and what came of it. Its state is the reducer in
// core/ticket.ts and lives in the workspace, so that rows elsewhere can fill it.
import {
  useState,
  type Dispatch,
  type KeyboardEvent,
  type ReactElement,
  type RefObject,
  type SubmitEvent,
} from "react";

import { Panel } from "../../components/Panel";
import { makeCommandId } from "../../core/commands";
import { estimateTrade, quantityMax } from "../../core/estimate";
import type { Quote } from "../../core/live/market_state";
import { formatPrice, toDecimal } from "../../core/money";
import { formatShares, toQuantity } from "../../core/shares";
import { isTicketOpen, type TicketAction, type TicketState } from "../../core/ticket";
import { closedReasonOf, priceProblem, quantityProblem, readDraft, submitText } from "../../core/ticket_draft";
import type { Account, Position, Side, Trade } from "../../core/types";
import { NumericField } from "../../components/NumericField";
import { SideButtons } from "./SideButtons";
import { SymbolField } from "./SymbolField";
import { TicketEstimate } from "./TicketEstimate";
import { TicketOutcome } from "./TicketOutcome";
import { useExecuteTrade } from "./useExecuteTrade";
import { useHeldPrice } from "./useHeldPrice";

interface TradeTicketProps {
  ticket: TicketState;
  dispatch: Dispatch<TicketAction>;
  account: Account | null;
  positions: readonly Position[];
  trades: readonly Trade[];
  quotes: readonly Quote[];
  now: Date;
  symbolRef: RefObject<HTMLInputElement | null>;
  quantityRef: RefObject<HTMLInputElement | null>;
  onRecorded: (version: number) => void;
}

export function TradeTicket(props: TradeTicketProps): ReactElement {
  const { ticket, dispatch, account, quotes, symbolRef, quantityRef, onRecorded } = props;
  const send = useExecuteTrade({ dispatch, onRecorded });
  const [hasTried, setHasTried] = useState(false);
  const read = readDraft(ticket, quotes, props.positions);
  const { livePrice, quantity, price, position } = read;
  const heldPrice = useHeldPrice(ticket, read, dispatch);
  const closedReason = closedReasonOf(account);
  const isDisabled = closedReason !== null || !isTicketOpen(ticket);
  const context = account === null ? null : { account, position, now: props.now };
  const draft = price === null || ticket.symbol === "" ? null : { symbol: ticket.symbol, side: ticket.side, price };
  const estimate =
    context === null || draft === null || quantity === null ? null : estimateTrade({ ...draft, quantity }, context);
  const most = context === null || draft === null ? null : quantityMax(draft, context);

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setHasTried(true);
    if (isDisabled || account === null || draft === null || quantity === null) return;
    setHasTried(false);
    send({
      accountId: account.account_id,
      symbol: draft.symbol,
      side: draft.side,
      quantity: toQuantity(quantity),
      price: toDecimal(draft.price),
      commandId: makeCommandId(),
    });
  };

  const pressSide = (event: KeyboardEvent<HTMLInputElement>): void => {
    const side = SIDE_KEYS[event.key.toLowerCase()];
    if (side === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    dispatch({ type: "sideChosen", side });
  };

  return (
    <Panel title="Trade ticket" className="ticket">
      <form className="ticket-form" onSubmit={submit} aria-label="Trade ticket" noValidate>
        {closedReason !== null && account !== null && (
          <p className="ticket-closed" role="note" data-testid="ticket-closed">
            {closedReason}
          </p>
        )}
        <SymbolField
          symbol={ticket.symbol}
          quotes={quotes}
          isDisabled={isDisabled}
          inputRef={symbolRef}
          onChosen={(symbol) => dispatch({ type: "symbolChosen", symbol })}
        />
        <SideButtons
          side={ticket.side}
          isDisabled={isDisabled}
          onChosen={(side) => dispatch({ type: "sideChosen", side })}
        />
        <div className="field-row">
          <NumericField
            label="Quantity"
            testId="ticket-quantity"
            inputRef={quantityRef}
            value={ticket.quantityText}
            isDisabled={isDisabled}
            problem={quantityProblem(ticket.quantityText, hasTried)}
            inputMode="decimal"
            onEdited={(text) => dispatch({ type: "quantityEdited", text })}
            onKeyDown={pressSide}
            action={
              most === null || isDisabled
                ? null
                : {
                    label: `Max ${formatShares(most)}`,
                    onClick: () => dispatch({ type: "quantityEdited", text: toQuantity(most) }),
                  }
            }
          />
          <NumericField
            label="Price"
            testId="ticket-price"
            value={read.priceShown}
            isDisabled={isDisabled}
            problem={priceProblem(ticket, price, hasTried)}
            inputMode="decimal"
            onEdited={(text) => dispatch({ type: "priceEdited", text })}
            onKeyDown={pressSide}
            onFocus={heldPrice.hold}
            onBlur={heldPrice.release}
            isLive={read.isLivePrice}
            action={
              ticket.priceText === null || livePrice === null || isDisabled
                ? null
                : { label: `Live ${formatPrice(livePrice)}`, onClick: () => dispatch({ type: "livePriceChosen" }) }
            }
          />
        </div>
        <TicketEstimate estimate={estimate} side={ticket.side} />
        <button
          type="submit"
          className={`button submit ${ticket.side.toLowerCase()}`}
          data-testid="ticket-submit"
          disabled={isDisabled}
          title={closedReason ?? undefined}
        >
          {submitText(ticket, read)}
        </button>
        <TicketOutcome
          result={ticket.result}
          attempt={ticket.attempt}
          arrived={props.trades.find((trade) => trade.command_id === ticket.attempt?.commandId)}
          onRetry={send}
          onGivenUp={() => dispatch({ type: "attemptGivenUp" })}
        />
      </form>
    </Panel>
  );
}

const SIDE_KEYS: Readonly<Record<string, Side>> = { b: "BUY", s: "SELL" };
