// A button with something that opens below it; closes on Escape, on a click elsewhere and when the focus leaves.
import { useEffect, useRef, useState, type ReactElement, type ReactNode } from "react";

interface PopoverProps {
  label: string;
  testId?: string;
  className?: string;
  /** What the popover holds, for assistive technology. */
  kind: "listbox" | "menu" | "dialog";
  trigger: ReactNode;
  children: (close: () => void) => ReactNode;
}

export function Popover({ label, testId, className = "", kind, trigger, children }: PopoverProps): ReactElement {
  const [isOpen, setIsOpen] = useState(false);
  const rootRef = useRef<HTMLDivElement>(null);
  const triggerRef = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!isOpen) return;
    const closeOutside = (event: PointerEvent): void => {
      if (event.target instanceof Node && rootRef.current?.contains(event.target) !== true) setIsOpen(false);
    };
    const trigger = triggerRef.current;
    document.addEventListener("pointerdown", closeOutside);
    return () => {
      document.removeEventListener("pointerdown", closeOutside);
      // What had the focus went away with the popover: it belongs to the button again.
      if (document.activeElement === document.body) trigger?.focus();
    };
  }, [isOpen]);

  const close = (): void => setIsOpen(false);

  return (
    <div
      ref={rootRef}
      className={`popover-root ${className}`}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        close();
      }}
      onBlur={(event) => {
        if (event.relatedTarget !== null && !event.currentTarget.contains(event.relatedTarget)) setIsOpen(false);
      }}
    >
      <button
        ref={triggerRef}
        type="button"
        className="popover-trigger"
        aria-label={label}
        aria-haspopup={kind}
        aria-expanded={isOpen}
        data-testid={testId}
        onClick={() => setIsOpen(!isOpen)}
      >
        {trigger}
      </button>
      {isOpen && <div className="popover">{children(close)}</div>}
    </div>
  );
}
