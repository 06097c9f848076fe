// Which account one is at, with its value, and the way to every other one.
import { useState, type KeyboardEvent, type ReactElement } from "react";

import { Amount } from "../../components/Figures";
import { Icon } from "../../components/Icon";
import { Popover } from "../../components/Popover";
import { parseUnits, type Units } from "../../core/money";
import { accountAddress, navigate } from "../../core/navigation";
import type { Account } from "../../core/types";
import { useAccounts } from "./useAccounts";

interface AccountSwitcherProps {
  accountId: string;
  /** The account one is at, as far as it is known. */
  account: Account | null;
  portfolioValue: Units | null;
  onOpenAccount: () => void;
}

const SEARCH_FROM_ACCOUNTS = 8;

export function AccountSwitcher(props: AccountSwitcherProps): ReactElement {
  const { account, portfolioValue, onOpenAccount } = props;
  return (
    <Popover
      kind="dialog"
      className="account-switcher"
      testId="account-switcher"
      label={account === null ? "Choose account" : `Account ${account.name}, choose another`}
      trigger={
        <>
          <span className="account-name">{account?.name ?? "Choose account"}</span>
          {account !== null && <StatusTag account={account} />}
          {account !== null && portfolioValue !== null && (
            <span className="account-value">
              <Amount units={portfolioValue} /> {account.currency}
            </span>
          )}
          <Icon name="chevron" size={14} />
        </>
      }
    >
      {(close) => (
        <>
          <AccountList {...props} onChosen={close} />
          <button
            type="button"
            className="menu-item bordered"
            data-testid="open-account"
            onClick={() => {
              close();
              onOpenAccount();
            }}
          >
            <Icon name="plus" /> Open account
          </button>
        </>
      )}
    </Popover>
  );
}

function AccountList({ accountId, onChosen }: AccountSwitcherProps & { onChosen: () => void }): ReactElement {
  const accounts = useAccounts();
  const [filter, setFilter] = useState("");
  const all = accounts.data ?? [];
  const shown = all.filter((account) => account.name.toLowerCase().includes(filter.trim().toLowerCase()));

  const choose = (account: Account): void => {
    onChosen();
    navigate(accountAddress(account.account_id));
  };

  return (
    <>
      {(all.length >= SEARCH_FROM_ACCOUNTS || accounts.hasNextPage) && (
        <input
          className="popover-search"
          aria-label="Filter accounts"
          placeholder="Filter accounts"
          value={filter}
          autoFocus
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      <ul className="account-list" role="listbox" aria-label="Accounts" onKeyDown={moveFocus}>
        {shown.map((account, index) => (
          <li
            key={account.account_id}
            role="option"
            aria-selected={account.account_id === accountId}
            tabIndex={account.account_id === accountId || index === 0 ? 0 : -1}
            className="account-option"
            data-testid={`account-option-${account.account_id}`}
            onClick={() => choose(account)}
            onKeyDown={(event) => {
              if (event.key === "Enter" || event.key === " ") choose(account);
            }}
          >
            <span className="account-option-name">
              {account.name}
              <small>
                {account.role} · {account.trade_count} trades <StatusTag account={account} />
              </small>
            </span>
            <span className="account-option-value">
              <Amount units={parseUnits(account.portfolio_value)} />
              <small>{account.currency}, at last trade</small>
            </span>
          </li>
        ))}
      </ul>
      {accounts.isPending && <p className="popover-note">Loading accounts …</p>}
      {accounts.isError && <p className="popover-note is-bad">The accounts could not be loaded.</p>}
      {accounts.hasNextPage && (
        <button
          type="button"
          className="menu-item"
          disabled={accounts.isFetchingNextPage}
          onClick={() => void accounts.fetchNextPage()}
        >
          {accounts.isFetchingNextPage ? "Loading …" : "Show more accounts"}
        </button>
      )}
    </>
  );
}

function StatusTag({ account }: { account: Account }): ReactElement | null {
  if (account.status === "ACTIVE") return null;
  return <span className="tag warning">{account.status}</span>;
}

function moveFocus(event: KeyboardEvent<HTMLUListElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  const options = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=option]")];
  const index = options.findIndex((option) => option === document.activeElement);
  options[Math.max(0, Math.min(options.length - 1, index + step))]?.focus();
}
