// The parts of the cash dialog: its fields, what will happen, and what happened.
import type { ReactElement } from "react";

import { Amount } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { NumericField } from "../../components/NumericField";
import { amountMax, estimateCash, type CashKind, type ExpectedRefusal } from "../../core/estimate";
import { formatUnits, parseUnits, type Units } from "../../core/money";
import { readAmount } from "../../core/typed";
import type { Account, CashDeposited, CashWithdrawn } from "../../core/types";

export const CASH_WORDS = {
  deposit: { title: "Deposit cash", verb: "Deposit", done: "deposited", direction: "into" },
  withdraw: { title: "Withdraw cash", verb: "Withdraw", done: "withdrawn", direction: "from" },
} as const;

interface CashFieldsProps {
  kind: CashKind;
  account: Account;
  isDisabled: boolean;
  amountText: string;
  reference: string;
  onAmount: (text: string) => void;
  onReference: (text: string) => void;
}

export function CashFields(props: CashFieldsProps): ReactElement {
  const { kind, account, isDisabled, amountText, reference, onAmount, onReference } = props;
  const most = amountMax(kind, account);
  return (
    <>
      <NumericField
        label={`Amount in ${account.currency}`}
        testId="cash-amount"
        inputMode="decimal"
        placeholder="0.00"
        isFocused
        isDisabled={isDisabled}
        value={amountText}
        problem={readAmount(amountText).problem}
        onEdited={onAmount}
        action={
          kind === "withdraw" && most > 0n && !isDisabled
            ? {
                label: `Max ${formatUnits(most, { decimalsMax: 4 })}`,
                onClick: () => onAmount(formatUnits(most, { decimalsMax: 4 })),
              }
            : null
        }
      />
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
  account: Account;
  amount: Units | null;
  isReviewed: boolean;
}

export function CashPreview({ kind, account, amount, isReviewed }: CashPreviewProps): ReactElement {
  const { verb, direction } = CASH_WORDS[kind];
  const reserved = parseUnits(account.reserved_cash);
  const { cashAfter, expectedRefusal } = estimateCash(kind, amount ?? 0n, account);
  const isBad = expectedRefusal !== null;
  return (
    <div className="what-happens" aria-live="polite">
      <strong>
        {amount === null
          ? "What will happen"
          : `${verb} ${formatUnits(amount, { decimalsMax: 4 })} ${account.currency} ${direction} “${account.name}”`}
      </strong>
      <dl className="facts">
        <div>
          <dt>Cash now</dt>
          <dd>
            <Amount units={parseUnits(account.cash)} />
          </dd>
        </div>
        {reserved > 0n && (
          <div>
            <dt>Reserved by orders</dt>
            <dd>
              <Amount units={reserved} testId="cash-reserved" />
            </dd>
          </div>
        )}
        <div>
          <dt>Cash after</dt>
          <dd className={isBad ? "is-bad" : ""}>
            <Amount units={cashAfter} />
          </dd>
        </div>
      </dl>
      <p className={isBad ? "is-bad" : "muted"} data-testid="cash-note">
        {previewNote(expectedRefusal, reserved, isReviewed)}
      </p>
    </div>
  );
}

function previewNote(refusal: ExpectedRefusal | null, reserved: Units, isReviewed: boolean): string {
  if (refusal?.code === "INSUFFICIENT_FUNDS") {
    const free = formatUnits(parseUnits(refusal.limit));
    return reserved > 0n
      ? `Only ${free} is free: working orders reserve the rest.`
      : `There is not that much cash in the account: ${free}.`;
  }
  if (refusal !== null) return `The account would come to more than it may hold: ${formatUnits(parseUnits(refusal.limit))}.`;
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
