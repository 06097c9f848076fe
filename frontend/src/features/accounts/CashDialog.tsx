// Deposit or withdraw cash in three steps: what, what will happen, what happened. The command id is made when the
// person goes on to the second step and stays for every retry of it.
import { useState, type ReactElement, type SubmitEvent } from "react";

import { Dialog } from "../../components/Dialog";
import { Refusal } from "../../components/Refusal";
import { makeCommandId, type CashInput } from "../../core/commands";
import { failureOf } from "../../core/failures";
import { estimateCash, type CashKind } from "../../core/estimate";
import { toDecimal } from "../../core/money";
import { readAmount } from "../../core/typed";
import type { Account } from "../../core/types";
import { CASH_WORDS, CashFields, CashOutcome, CashPreview } from "./CashSteps";
import { useDepositCash } from "./useDepositCash";
import { useWithdrawCash } from "./useWithdrawCash";

interface CashDialogProps {
  kind: CashKind;
  account: Account;
  onRecorded: (version: number) => void;
  onClose: () => void;
}

export function CashDialog({ kind, account, onRecorded, onClose }: CashDialogProps): ReactElement {
  const deposit = useDepositCash();
  const withdraw = useWithdrawCash();
  const transfer = kind === "deposit" ? deposit : withdraw;
  const [amountText, setAmountText] = useState("");
  const [reference, setReference] = useState("");
  const [reviewed, setReviewed] = useState<CashInput | null>(null);

  const amount = readAmount(amountText).value;
  const isPossible = amount !== null && estimateCash(kind, amount, account).expectedRefusal === null;
  const outcome = transfer.data;
  const failure = transfer.isError ? failureOf(transfer.error) : null;
  const words = CASH_WORDS[kind];

  const review = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    if (!isPossible || reviewed !== null) return;
    const input = { accountId: account.account_id, amount: toDecimal(amount), reference: reference.trim() };
    transfer.reset();
    setReviewed({ ...input, commandId: makeCommandId() });
  };

  const confirm = (): void => {
    if (reviewed === null) return;
    transfer.mutate(reviewed, {
      onSuccess: (answer) => {
        if (answer.version !== null) onRecorded(answer.version);
        if (answer.__typename === "CommandRefused") setReviewed(null);
      },
    });
  };

  if (outcome !== undefined && outcome.__typename !== "CommandRefused") {
    return (
      <Dialog title={words.title} onClose={onClose}>
        <CashOutcome kind={kind} outcome={outcome} currency={account.currency} onClose={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form onSubmit={review} className="dialog-form">
        <fieldset disabled={reviewed !== null}>
          <CashFields
            kind={kind}
            account={account}
            isDisabled={reviewed !== null}
            amountText={amountText}
            reference={reference}
            onAmount={setAmountText}
            onReference={setReference}
          />
        </fieldset>
        <CashPreview kind={kind} account={account} amount={amount} isReviewed={reviewed !== null} />
        <div aria-live="assertive">
          {outcome !== undefined && <Refusal refusal={outcome} />}
          {failure !== null && <Refusal refusal={failure} tone={failure.isSafeToRetry ? "warning" : "error"} />}
        </div>
        {reviewed === null ? (
          <footer key="review" className="dialog-actions">
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" className="button primary" data-testid="cash-review" disabled={!isPossible}>
              Review
            </button>
          </footer>
        ) : (
          <ConfirmActions
            verb={words.verb}
            isPending={transfer.isPending}
            isRetry={failure?.isSafeToRetry === true}
            onBack={() => setReviewed(null)}
            onConfirm={confirm}
          />
        )}
      </form>
    </Dialog>
  );
}

interface ConfirmActionsProps {
  verb: string;
  isPending: boolean;
  /** The outcome is unknown: only the same command may be sent again. */
  isRetry: boolean;
  onBack: () => void;
  onConfirm: () => void;
}

function ConfirmActions({ verb, isPending, isRetry, onBack, onConfirm }: ConfirmActionsProps): ReactElement {
  return (
    <footer className="dialog-actions">
      <button type="button" className="button" disabled={isPending || isRetry} onClick={onBack}>
        Back
      </button>
      <button
        type="button"
        className="button primary"
        data-testid="cash-confirm"
        autoFocus
        disabled={isPending}
        onClick={onConfirm}
      >
        {isPending ? "Sending …" : isRetry ? "Retry safely" : `Confirm: ${verb.toLowerCase()}`}
      </button>
    </footer>
  );
}
