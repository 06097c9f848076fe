// Open an account: a name, and one of the currencies that the platform takes. The account starts empty, with the platform's default limits.
import { useState, type ReactElement, type SubmitEvent } from "react";

import { Dialog } from "../../components/Dialog";
import { Refusal } from "../../components/Refusal";
import { useToast } from "../../components/toast_context";
import { makeCommandId } from "../../core/commands";
import { failureOf } from "../../core/failures";
import { accountAddress, navigate } from "../../core/navigation";
import { useSession } from "../login/useSession";
import { useOpenAccount } from "./useOpenAccount";

export function OpenAccountDialog({ onClose }: { onClose: () => void }): ReactElement {
  const open = useOpenAccount();
  const toast = useToast();
  const [name, setName] = useState("");
  const currencies = useSession().data?.currencies ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const currency = chosen ?? currencies[0] ?? "";
  // The id belongs to what is asked for: it stays for retries and is made anew when the request changes.
  const [commandId, setCommandId] = useState(makeCommandId);

  const edit = (change: () => void): void => {
    change();
    setCommandId(makeCommandId());
    open.reset();
  };

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    open.mutate(
      { name: name.trim(), currency, commandId },
      {
        onSuccess: (outcome) => {
          if (outcome.__typename !== "AccountOpened") {
            setCommandId(makeCommandId());
            return;
          }
          toast({
            kind: "success",
            title: `Account “${outcome.name}” opened`,
            detail: "Deposit cash to start trading.",
          });
          navigate(accountAddress(outcome.accountId));
          onClose();
        },
      },
    );
  };

  const failure = open.isError ? failureOf(open.error) : null;
  return (
    <Dialog title="Open account" onClose={onClose}>
      <form onSubmit={submit} className="dialog-form">
        <label className="field">
          <span>Name</span>
          <input
            data-testid="open-account-name"
            data-autofocus
            maxLength={60}
            placeholder="Long-term savings"
            value={name}
            onChange={(event) => edit(() => setName(event.target.value))}
          />
        </label>
        <label className="field">
          <span>Currency</span>
          <select
            data-testid="open-account-currency"
            value={currency}
            onChange={(event) => edit(() => setChosen(event.target.value))}
          >
            {currencies.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <p className="what-happens">
          An empty account that belongs to you, with the default risk limits. Its currency cannot be changed later.
        </p>
        <div aria-live="assertive">
          {open.data?.__typename === "CommandRefused" && <Refusal refusal={open.data} />}
          {failure !== null && <Refusal refusal={failure} tone={failure.isSafeToRetry ? "warning" : "error"} />}
        </div>
        <footer className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className="button primary"
            data-testid="open-account-submit"
            disabled={open.isPending || name.trim() === "" || currency === ""}
          >
            {open.isPending ? "Opening …" : failure?.isSafeToRetry === true ? "Retry safely" : "Open account"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
