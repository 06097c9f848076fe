// The trade ticket: what to buy or sell, what it would lead to, and what came of it. Its state is the reducer in
// core/ticket.ts and lives in the workspace, so that rows elsewhere can fill it.
import { useRef, useState, type Dispatch, type KeyboardEvent, type ReactElement, type RefObject, type SubmitEvent } from "react";

import { Panel } from "../../components/Panel";
import { makeCommandId } from "../../core/commands";
import { estimateTrade, quantityMax } from "../../core/estimate";
import type { Quote } from "../../core/live/market_state";
import { formatPrice, formatQuantity, parseQuantity, parseTyped, toDecimal, type Units } from "../../core/money";
import { isTicketOpen, type TicketAction, type TicketState } from "../../core/ticket";
import type { AccountSummary, Position, Side } from "../../core/types";
import { NumericField } from "./NumericField";
import { SideButtons } from "./SideButtons";
import { SymbolField } from "./SymbolField";
import { TicketEstimate } from "./TicketEstimate";
import { TicketOutcome } from "./TicketOutcome";
import { useExecuteTrade } from "./useExecuteTrade";

interface TradeTicketProps {
  ticket: TicketState;
  dispatch: Dispatch<TicketAction>;
  account: AccountSummary | null;
  positions: readonly Position[];
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
  const { livePrice, quantity, price, position } = readDraft(props);
  const closedReason = closedReasonOf(account);
  const isDisabled = closedReason !== null || !isTicketOpen(ticket);
  const context = account === null ? null : { account, position, now: props.now };
  const draft = price === null || ticket.symbol === "" ? null : { symbol: ticket.symbol, side: ticket.side, price };
  const estimate = context === null || draft === null || quantity === null ? null : estimateTrade({ ...draft, quantity }, context);
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
      quantity,
      price: toDecimal(draft.price),
      commandId: makeCommandId(),
    });
  };

  // The price stands still while its field has the focus: nobody can type into a figure that the market rewrites.
  const priceText = ticket.priceText ?? (livePrice === null ? "" : formatPrice(livePrice).replaceAll(",", ""));
  const heldPrice = useRef<string | null>(null);
  const holdPrice = (): void => {
    if (ticket.priceText !== null || livePrice === null) return;
    heldPrice.current = priceText;
    dispatch({ type: "priceEdited", text: priceText });
  };
  const releasePrice = (): void => {
    if (heldPrice.current !== null && ticket.priceText === heldPrice.current) dispatch({ type: "livePriceChosen" });
    heldPrice.current = null;
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
        <SideButtons side={ticket.side} isDisabled={isDisabled} onChosen={(side) => dispatch({ type: "sideChosen", side })} />
        <div className="field-row">
          <NumericField
            label="Quantity"
            testId="ticket-quantity"
            inputRef={quantityRef}
            value={ticket.quantityText}
            isDisabled={isDisabled}
            problem={quantityProblem(ticket.quantityText, hasTried)}
            inputMode="numeric"
            onEdited={(text) => dispatch({ type: "quantityEdited", text })}
            onKeyDown={pressSide}
            action={
              most === null || isDisabled
                ? null
                : { label: `Max ${formatQuantity(most)}`, onClick: () => dispatch({ type: "quantityEdited", text: most.toString() }) }
            }
          />
          <NumericField
            label="Price"
            testId="ticket-price"
            value={priceText}
            isDisabled={isDisabled}
            problem={priceProblem(ticket, price, hasTried)}
            inputMode="decimal"
            onEdited={(text) => dispatch({ type: "priceEdited", text })}
            onKeyDown={pressSide}
            onFocus={holdPrice}
            onBlur={releasePrice}
            isLive={ticket.priceText === null && livePrice !== null}
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
          {submitText(ticket, quantity)}
        </button>
        <TicketOutcome
          result={ticket.result}
          attempt={ticket.attempt}
          onRetry={send}
          onGivenUp={() => dispatch({ type: "attemptGivenUp" })}
        />
      </form>
    </Panel>
  );
}

const SIDE_KEYS: Readonly<Record<string, Side>> = { b: "BUY", s: "SELL" };

interface Draft {
  livePrice: Units | null;
  quantity: number | null;
  price: Units | null;
  position: Position | undefined;
}

function readDraft({ ticket, quotes, positions }: TradeTicketProps): Draft {
  const livePrice = quotes.find((quote) => quote.symbol === ticket.symbol)?.price ?? null;
  return {
    livePrice,
    quantity: parseQuantity(ticket.quantityText),
    price: ticket.priceText === null ? livePrice : parseTyped(ticket.priceText),
    position: positions.find((position) => position.symbol === ticket.symbol),
  };
}

function closedReasonOf(account: AccountSummary | null): string | null {
  if (account === null) return "The account is being loaded.";
  if (account.role === "viewer") return "You may look at this account, not trade it: your role is viewer.";
  if (account.role === "staff") return "Staff may look at every account and trade none.";
  if (account.status === "FROZEN") return "This account is frozen: nothing can be traded until compliance unfreezes it.";
  if (account.status === "CLOSED") return "This account is closed.";
  return null;
}

function quantityProblem(text: string, hasTried: boolean): string | null {
  if (text === "") return hasTried ? "How many shares?" : null;
  return parseQuantity(text) === null ? "Whole shares, 1 or more" : null;
}

function priceProblem(ticket: TicketState, price: Units | null, hasTried: boolean): string | null {
  if (price !== null) return null;
  if (ticket.symbol === "") return hasTried ? "Choose a symbol" : null;
  return ticket.priceText === null && !hasTried ? null : "Above 0, up to 4 decimals";
}

function submitText(ticket: TicketState, quantity: number | null): string {
  if (ticket.isSubmitting) return "Sending …";
  const verb = ticket.side === "BUY" ? "Buy" : "Sell";
  return [verb, quantity === null ? "" : formatQuantity(quantity), ticket.symbol].filter((word) => word !== "").join(" ");
}
