// The parts of the cash dialog: its fields, what will happen, and what happened.
import type { ReactElement } from "react";

import { Amount } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { formatUnits, parseTyped, parseUnits, type Units } from "../../core/money";
import type { AccountSummary, CashDeposited, CashWithdrawn } from "../../core/types";

export type CashKind = "deposit" | "withdraw";

export const CASH_WORDS = {
  deposit: { title: "Deposit cash", verb: "Deposit", done: "deposited", direction: "into" },
  withdraw: { title: "Withdraw cash", verb: "Withdraw", done: "withdrawn", direction: "from" },
} as const;

interface CashFieldsProps {
  currency: string;
  amountText: string;
  reference: string;
  onAmount: (text: string) => void;
  onReference: (text: string) => void;
}

export function CashFields({ currency, amountText, reference, onAmount, onReference }: CashFieldsProps): ReactElement {
  return (
    <>
      <label className="field">
        <span>Amount in {currency}</span>
        <input
          data-testid="cash-amount"
          className="numeric"
          inputMode="decimal"
          autoComplete="off"
          autoFocus
          placeholder="0.00"
          value={amountText}
          onChange={(event) => onAmount(event.target.value)}
          aria-invalid={amountText !== "" && parseTyped(amountText) === null}
        />
      </label>
      <label className="field">
        <span>Reference (optional)</span>
        <input
          data-testid="cash-reference"
          maxLength={100}
          placeholder="Shown in the account's history"
          value={reference}
          onChange={(event) => onReference(event.target.value)}
        />
      </label>
    </>
  );
}

interface CashPreviewProps {
  kind: CashKind;
  account: AccountSummary;
  amount: Units | null;
  isReviewed: boolean;
}

export function CashPreview({ kind, account, amount, isReviewed }: CashPreviewProps): ReactElement {
  const { verb, direction } = CASH_WORDS[kind];
  const cash = parseUnits(account.cash);
  const change = amount ?? 0n;
  const cashAfter = kind === "deposit" ? cash + change : cash - change;
  const isShort = cashAfter < 0n;
  return (
    <div className="what-happens" aria-live="polite">
      <strong>
        {amount === null
          ? "What will happen"
          : `${verb} ${formatUnits(amount)} ${account.currency} ${direction} “${account.name}”`}
      </strong>
      <dl className="facts">
        <div>
          <dt>Cash now</dt>
          <dd>
            <Amount units={cash} />
          </dd>
        </div>
        <div>
          <dt>Cash after</dt>
          <dd className={isShort ? "is-bad" : ""}>
            <Amount units={cashAfter} />
          </dd>
        </div>
      </dl>
      <p className={isShort ? "is-bad" : "muted"}>{previewNote(isShort, isReviewed)}</p>
    </div>
  );
}

function previewNote(isShort: boolean, isReviewed: boolean): string {
  if (isShort) return "There is not that much cash in the account.";
  return isReviewed
    ? "Confirm to record this for good as an event of the account."
    : "Nothing is sent before you confirm.";
}

interface CashOutcomeProps {
  kind: CashKind;
  outcome: CashDeposited | CashWithdrawn;
  currency: string;
  onClose: () => void;
}

export function CashOutcome({ kind, outcome, currency, onClose }: CashOutcomeProps): ReactElement {
  return (
    <>
      <div className="outcome" role="status" data-testid="cash-result">
        <Icon name="check" size={28} />
        <strong>
          {formatUnits(parseUnits(outcome.amount))} {currency} {CASH_WORDS[kind].done}
        </strong>
        <dl className="facts">
          <div>
            <dt>Cash after</dt>
            <dd>
              <Amount units={parseUnits(outcome.cashAfter)} />
            </dd>
          </div>
          <div>
            <dt>Stream version</dt>
            <dd>v{outcome.version}</dd>
          </div>
        </dl>
      </div>
      <footer className="dialog-actions">
        <button type="button" className="button primary" onClick={onClose} autoFocus>
          Done
        </button>
      </footer>
    </>
  );
}
