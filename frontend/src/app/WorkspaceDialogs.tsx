// The dialog that is open, if any.
import type { ReactElement } from "react";

import type { Account } from "../core/types";
import { CashDialog } from "../features/accounts/CashDialog";
import { OpenAccountDialog } from "../features/accounts/OpenAccountDialog";
import type { DialogName } from "./dialogs";
import { ShortcutSheet } from "./ShortcutSheet";

interface WorkspaceDialogsProps {
  dialog: DialogName | null;
  account: Account | null;
  onRecorded: (version: number) => void;
  onClose: () => void;
}

export function WorkspaceDialogs({ dialog, account, onRecorded, onClose }: WorkspaceDialogsProps): ReactElement | null {
  switch (dialog) {
    case "openAccount":
      return <OpenAccountDialog onClose={onClose} />;
    case "shortcuts":
      return <ShortcutSheet onClose={onClose} />;
    case "deposit":
    case "withdraw":
      return account === null ? null : (
        <CashDialog kind={dialog} account={account} onRecorded={onRecorded} onClose={onClose} />
      );
    case null:
      return null;
  }
}
