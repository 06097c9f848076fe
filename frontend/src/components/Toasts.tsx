// Messages in passing, read out politely, gone after a while or by a click. At most four at a time.
import { useCallback, useRef, useState, type ReactElement, type ReactNode } from "react";

import { Icon, type IconName } from "./Icon";
import { ToastContext, type Toast } from "./toast_context";

const SHOWN_MS = 5_000;
const SHOWN_MAX = 4;
const ICONS = { success: "check", error: "warning", info: "clock" } as const satisfies Record<Toast["kind"], IconName>;

export function Toasts({ children }: { children: ReactNode }): ReactElement {
  const [toasts, setToasts] = useState<(Toast & { id: number })[]>([]);
  const nextId = useRef(1);

  const dismiss = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), []);

  const show = useCallback(
    (toast: Toast) => {
      const id = nextId.current++;
      setToasts((shown) => [...shown.slice(1 - SHOWN_MAX), { ...toast, id }]);
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    [dismiss],
  );

  return (
    <ToastContext value={show}>
      {children}
      <div className="toasts" role="status" aria-live="polite" aria-atomic="false" data-testid="toasts">
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast ${toast.kind}`}>
            <Icon name={ICONS[toast.kind]} />
            <div>
              <strong>{toast.title}</strong>
              {toast.detail !== undefined && <p>{toast.detail}</p>}
            </div>
            <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
              <Icon name="close" size={12} />
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}
