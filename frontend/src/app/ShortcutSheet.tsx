// The keys, all in one place.
import type { ReactElement } from "react";

import { Dialog } from "../components/Dialog";
import { SHORTCUTS } from "./shortcuts";

export function ShortcutSheet({ onClose }: { onClose: () => void }): ReactElement {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="shortcuts" data-testid="shortcut-sheet">
        {SHORTCUTS.map(({ key, meaning }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
