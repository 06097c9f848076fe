// The top of the page: where one is, what it is worth, whether it is live, and who one is.
import { useState, type ReactElement } from "react";

import { Icon, type IconName } from "../components/Icon";
import { actorName } from "../core/actors";
import type { ConnectionState } from "../core/live/connection";
import type { Units } from "../core/money";
import { applyTheme, rememberedTheme, type Theme } from "../core/preferences";
import { formatClock, formatDay, formatMarketDate } from "../core/time";
import type { Account, MarketSession, MarketVenue, SessionUser } from "../core/types";
import { AccountSwitcher } from "../features/accounts/AccountSwitcher";
import { UserMenu } from "../features/accounts/UserMenu";
import { ConnectionIndicator } from "../features/connection/ConnectionIndicator";
import type { DialogName } from "./dialogs";

interface HeaderProps {
  user: SessionUser;
  accountId: string;
  account: Account | null;
  portfolioValue: Units | null;
  session: MarketSession | null;
  venue: MarketVenue | null;
  connections: { account: ConnectionState; market: ConnectionState };
  onDialog: (dialog: DialogName) => void;
}

export function Header(props: HeaderProps): ReactElement {
  const { user, accountId, account, portfolioValue, session, venue, connections, onDialog } = props;
  const mayMoveCash = account?.status === "ACTIVE" && (account.role === "owner" || account.role === "trader");
  return (
    <div>
      <header className="app-header">
        <Brand />
        <AccountSwitcher
          accountId={accountId}
          account={account}
          portfolioValue={portfolioValue}
          onOpenAccount={() => onDialog("openAccount")}
        />
        <div className="cash-actions">
          <button
            type="button"
            className="button small"
            data-testid="deposit"
            disabled={!mayMoveCash}
            onClick={() => onDialog("deposit")}
          >
            <Icon name="deposit" size={13} /> <span>Deposit</span>
          </button>
          <button
            type="button"
            className="button small"
            data-testid="withdraw"
            disabled={!mayMoveCash}
            onClick={() => onDialog("withdraw")}
          >
            <Icon name="withdraw" size={13} /> <span>Withdraw</span>
          </button>
        </div>
        <span className="spacer" />
        <div className="status-line">
          <SessionInfo session={session} />
          <ConnectionIndicator account={connections.account} market={connections.market} />
        </div>
        <ThemeToggle />
        <UserMenu user={user} onShortcuts={() => onDialog("shortcuts")} />
      </header>
      {venue?.is_stopped === true && <StoppedVenue venue={venue} />}
    </div>
  );
}

export function Brand(): ReactElement {
  return (
    <h1 className="brand">
      <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width={22} height={22} />
      <span>Trading Platform</span>
    </h1>
  );
}

function SessionInfo({ session }: { session: MarketSession | null }): ReactElement {
  if (session === null) return <div className="session-info" data-testid="session-info" />;
  return (
    <div className="session-info" title={session.note} data-testid="session-info">
      {session.simulated && <span className="tag simulated">SIMULATED</span>}
      <span className="session-date">{session.date === null ? "no session" : formatMarketDate(session.date)}</span>
      <span className={`tag phase ${session.phase.toLowerCase()}`}>{session.phase}</span>
    </div>
  );
}

function StoppedVenue({ venue: { actor, since, reason } }: { venue: MarketVenue }): ReactElement {
  return (
    <p className="venue-stopped" role="status" data-testid="venue-stopped">
      <strong>The venue is stopped.</strong> Orders wait, and can be placed and cancelled. By {actorName(actor)}
      {since !== null && ` since ${formatDay(since)} ${formatClock(since).slice(0, 8)}`}: {reason}
    </p>
  );
}

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: "dark", dark: "light", light: "system" };
const THEME_ICONS: Readonly<Record<Theme, IconName>> = { system: "system", dark: "moon", light: "sun" };

function ThemeToggle(): ReactElement {
  const [theme, setTheme] = useState(rememberedTheme);
  const change = (): void => {
    const next = NEXT_THEME[theme];
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      className="icon-button theme-toggle"
      data-testid="theme-toggle"
      aria-label={`Theme: ${theme}. Change to ${NEXT_THEME[theme]}`}
      title={`Theme: ${theme}`}
      onClick={change}
    >
      <Icon name={THEME_ICONS[theme]} />
    </button>
  );
}
