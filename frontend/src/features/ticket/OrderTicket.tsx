// The order ticket: what to buy or sell and on which terms, what it would lead to, and what became of it. Its state is the
// reducer in core/ticket.ts and lives in the workspace, so that rows elsewhere can fill it.
import {
  useMemo,
  useState,
  type Dispatch,
  type KeyboardEvent,
  type ReactElement,
  type RefObject,
  type SubmitEvent,
} from "react";

import { NumericField } from "../../components/NumericField";
import { Panel } from "../../components/Panel";
import { makeCommandId } from "../../core/commands";
import { estimateOrder, quantityMax } from "../../core/estimate";
import type { Listing, Quote } from "../../core/live/market_state";
import { workingOrders } from "../../core/orders";
import { formatShares, toQuantity } from "../../core/shares";
import { isTicketOpen, type TicketAction, type TicketState } from "../../core/ticket";
import {
  closedReasonOf,
  orderOf,
  quantityProblem,
  readDraft,
  submitText,
  unsendableReasonOf,
} from "../../core/ticket_draft";
import type { Account, Order, Position, Side } from "../../core/types";
import { SideButtons } from "./SideButtons";
import { SymbolField } from "./SymbolField";
import { ExitFields, PriceFields, TypeFields } from "./TermsFields";
import { TicketEstimate } from "./TicketEstimate";
import { TicketOutcome } from "./TicketOutcome";
import { usePlaceOrder } from "./usePlaceOrder";

interface OrderTicketProps {
  ticket: TicketState;
  dispatch: Dispatch<TicketAction>;
  account: Account | null;
  positions: readonly Position[];
  orders: readonly Order[];
  quotes: readonly Quote[];
  unpriced: readonly Listing[];
  now: Date;
  symbolRef: RefObject<HTMLInputElement | null>;
  typeRef: RefObject<HTMLSelectElement | null>;
  quantityRef: RefObject<HTMLInputElement | null>;
  onRecorded: (version: number) => void;
  onPlaced: (orderId: string) => void;
}

export function OrderTicket(props: OrderTicketProps): ReactElement {
  const { ticket, dispatch, account, orders, quotes, unpriced, onRecorded, onPlaced } = props;
  const send = usePlaceOrder({ dispatch, onRecorded, onPlaced });
  const [hasTried, setHasTried] = useState(false);
  const draft = readDraft(ticket, { quotes, unpriced }, props.positions);
  const { quantity, price, position } = draft;
  const closedReason = closedReasonOf(account);
  const isDisabled = closedReason !== null || !isTicketOpen(ticket);
  const unsendableReason = unsendableReasonOf(ticket, quotes, unpriced);
  const working = useMemo(() => workingOrders(orders), [orders]);
  const { symbol } = ticket;
  const context = account === null ? null : { account, position, orders: working, symbol, now: props.now };
  const about = price === null || ticket.symbol === "" ? null : { side: ticket.side, type: ticket.type, price };
  const estimate =
    context === null || about === null || quantity === null ? null : estimateOrder({ ...about, quantity }, context);
  const most = context === null || about === null || isDisabled ? null : quantityMax(about, context, draft.listing?.lotSize);

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setHasTried(true);
    const order = orderOf(ticket, draft);
    if (isDisabled || unsendableReason !== null || account === null || order === null) return;
    setHasTried(false);
    send({ ...order, accountId: account.account_id, clientOrderId: makeCommandId() });
  };

  const pressSide = (event: KeyboardEvent<HTMLInputElement>): void => {
    const side = SIDE_KEYS[event.key.toLowerCase()];
    if (side === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    dispatch({ type: "sideChosen", side });
  };

  return (
    <Panel title="Order ticket" className="ticket">
      <form className="ticket-form" onSubmit={submit} aria-label="Order ticket" noValidate>
        {closedReason !== null && account !== null && (
          <p className="ticket-closed" role="note" data-testid="ticket-closed">
            {closedReason}
          </p>
        )}
        <SymbolField
          symbol={ticket.symbol}
          quotes={quotes}
          unpriced={unpriced}
          isDisabled={isDisabled}
          inputRef={props.symbolRef}
          onChosen={(symbol) => dispatch({ type: "symbolChosen", symbol })}
        />
        <SideButtons
          side={ticket.side}
          isDisabled={isDisabled}
          onChosen={(side) => dispatch({ type: "sideChosen", side })}
        />
        <TypeFields ticket={ticket} isDisabled={isDisabled} dispatch={dispatch} typeRef={props.typeRef} />
        <PriceFields
          ticket={ticket}
          draft={draft}
          isDisabled={isDisabled}
          hasTried={hasTried}
          dispatch={dispatch}
          onKeyDown={pressSide}
          quantity={
            <NumericField
              label="Quantity"
              testId="ticket-quantity"
              inputRef={props.quantityRef}
              value={ticket.quantityText}
              isDisabled={isDisabled}
              problem={quantityProblem(ticket.quantityText, draft, hasTried)}
              inputMode="decimal"
              onEdited={(text) => dispatch({ type: "quantityEdited", text })}
              onKeyDown={pressSide}
              action={
                most === null
                  ? null
                  : {
                      label: `Max ${formatShares(most)}`,
                      onClick: () => dispatch({ type: "quantityEdited", text: toQuantity(most) }),
                    }
              }
            />
          }
        />
        <ExitFields
          ticket={ticket}
          draft={draft}
          isDisabled={isDisabled}
          hasTried={hasTried}
          dispatch={dispatch}
          onKeyDown={pressSide}
        />
        {unsendableReason !== null && ticket.symbol !== "" && (
          <p className="field-note is-bad" role="note" data-testid="ticket-unsendable">
            {unsendableReason}
          </p>
        )}
        <TicketEstimate estimate={estimate} side={ticket.side} type={ticket.type} />
        <button
          type="submit"
          className={`button submit ${ticket.side.toLowerCase()}`}
          data-testid="ticket-submit"
          disabled={isDisabled || unsendableReason !== null}
          title={closedReason ?? unsendableReason ?? undefined}
        >
          {submitText(ticket, draft)}
        </button>
        <TicketOutcome
          result={ticket.result}
          attempt={ticket.attempt}
          orders={orders}
          onRetry={send}
          onGivenUp={() => dispatch({ type: "attemptGivenUp" })}
        />
      </form>
    </Panel>
  );
}

const SIDE_KEYS: Readonly<Record<string, Side>> = { b: "BUY", s: "SELL" };
