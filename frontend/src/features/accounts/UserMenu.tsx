// Who one is, the compliance pages for staff, the API's own pages, and the way out.
import type { ReactElement } from "react";

import { Icon } from "../../components/Icon";
import { Popover } from "../../components/Popover";
import type { SessionUser } from "../../core/types";
import { useLogOut } from "../login/useLogOut";

export function UserMenu({ user, onShortcuts }: { user: SessionUser; onShortcuts: () => void }): ReactElement {
  const logOut = useLogOut();
  return (
    <Popover
      kind="menu"
      className="user-menu"
      testId="user-menu"
      label={`${user.display_name}: menu`}
      trigger={
        <>
          <Icon name="user" />
          <span className="user-name">{user.display_name}</span>
        </>
      }
    >
      {(close) => (
        <div role="menu" aria-label="User">
          <p className="popover-note">
            Logged in as <strong>{user.username}</strong>
            {user.is_staff && " (staff)"}
          </p>
          <button
            type="button"
            role="menuitem"
            className="menu-item"
            onClick={() => {
              close();
              onShortcuts();
            }}
          >
            <Icon name="keyboard" /> Keyboard shortcuts <kbd>?</kbd>
          </button>
          <a role="menuitem" className="menu-item" href="/api/docs">
            <Icon name="list" /> API documentation
          </a>
          {user.is_staff && (
            <a role="menuitem" className="menu-item" href="/admin/">
              <Icon name="search" /> Compliance admin
            </a>
          )}
          <button
            type="button"
            role="menuitem"
            className="menu-item bordered"
            data-testid="log-out"
            disabled={logOut.isPending}
            onClick={() => logOut.mutate()}
          >
            <Icon name="logout" /> {logOut.isPending ? "Logging out …" : "Log out"}
          </button>
        </div>
      )}
    </Popover>
  );
}
