// The way from "/" to an account: the one last looked at, else the first; without any, the offer to open one.
import { useEffect, useState, type ReactElement } from "react";

import { EmptyMessage, ErrorMessage } from "../components/Panel";
import { describeError } from "../core/http";
import { accountAddress, navigate } from "../core/navigation";
import { rememberedAccount } from "../core/preferences";
import type { Account, SessionUser } from "../core/types";
import { OpenAccountDialog } from "../features/accounts/OpenAccountDialog";
import { useAccounts } from "../features/accounts/useAccounts";
import { UserMenu } from "../features/accounts/UserMenu";
import { ShortcutSheet } from "./ShortcutSheet";
import { Brand } from "./Header";

export function HomePage({ user }: { user: SessionUser }): ReactElement {
  const accounts = useAccounts();
  const [dialog, setDialog] = useState<"openAccount" | "shortcuts" | null>(null);
  const chosen = chooseAccount(accounts.data ?? [], rememberedAccount(user.id));

  useEffect(() => {
    if (chosen !== undefined) navigate(accountAddress(chosen.account_id), { isReplacing: true });
  }, [chosen]);

  return (
    <div className="home">
      <header className="app-header">
        <Brand />
        <span className="spacer" />
        <UserMenu user={user} onShortcuts={() => setDialog("shortcuts")} />
      </header>
      <main className="full-page">
        {accounts.isError && (
          <ErrorMessage
            title="The accounts could not be loaded"
            action={
              <button type="button" className="button primary" onClick={() => void accounts.refetch()}>
                Try again
              </button>
            }
          >
            {describeError(accounts.error)}
          </ErrorMessage>
        )}
        {accounts.isSuccess && accounts.data.length === 0 && (
          <EmptyMessage
            icon="portfolio"
            title="You have no account yet"
            action={
              <button
                type="button"
                className="button primary"
                data-testid="open-account"
                onClick={() => setDialog("openAccount")}
              >
                Open account
              </button>
            }
          >
            Open one, deposit cash, and start to trade.
          </EmptyMessage>
        )}
      </main>
      {dialog === "openAccount" && <OpenAccountDialog onClose={() => setDialog(null)} />}
      {dialog === "shortcuts" && <ShortcutSheet onClose={() => setDialog(null)} />}
    </div>
  );
}

function chooseAccount(accounts: Account[], remembered: string | null): Account | undefined {
  return (
    accounts.find((account) => account.account_id === remembered) ??
    accounts.find((account) => account.role === "owner" && account.status === "ACTIVE") ??
    accounts[0]
  );
}
