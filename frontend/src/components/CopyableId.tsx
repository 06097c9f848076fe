// An id in short form that copies the whole of it: every trade is an event that can be named.
import { useEffect, useState, type ReactElement } from "react";

import { Icon } from "./Icon";

const SHOWN_COPIED_MS = 1_500;

export function CopyableId({ id, label }: { id: string; label: string }): ReactElement {
  const [isCopied, setIsCopied] = useState(false);

  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), SHOWN_COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(id);
    setIsCopied(true);
  };

  return (
    <button
      type="button"
      className={`copyable ${isCopied ? "is-copied" : ""}`}
      title={`${label}: ${id}\nClick to copy`}
      aria-label={isCopied ? `${label} copied` : `Copy ${label} ${id}`}
      onClick={(event) => {
        event.stopPropagation();
        void copy();
      }}
    >
      <span>{isCopied ? "copied" : id.slice(0, 8)}</span>
      <Icon name={isCopied ? "check" : "copy"} size={11} />
    </button>
  );
}
