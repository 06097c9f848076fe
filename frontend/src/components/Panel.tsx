// A panel of the workspace: a titled region whose content scrolls by itself, and the states that content can be in.
import { useId, type ReactElement, type ReactNode } from "react";

import { Icon, type IconName } from "./Icon";

interface PanelProps {
  title: string;
  className?: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Panel({ title, className = "", note, actions, children }: PanelProps): ReactElement {
  const titleId = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={titleId}>
      <header className="panel-header">
        <h2 id={titleId}>{title}</h2>
        {note !== undefined && <div className="panel-note">{note}</div>}
        {actions !== undefined && <div className="panel-actions">{actions}</div>}
      </header>
      <div className="panel-body">{children}</div>
    </section>
  );
}

interface MessageProps {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** Says why there is nothing to see, and what to do. */
export function EmptyMessage({ icon = "list", title, children, action }: MessageProps): ReactElement {
  return (
    <div className="empty">
      <Icon name={icon} size={22} />
      <strong>{title}</strong>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}

export function ErrorMessage({ title, children, action }: Omit<MessageProps, "icon">): ReactElement {
  return (
    <div className="empty is-error" role="alert">
      <Icon name="warning" size={22} />
      <strong>{title}</strong>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}

/** Rows that hold the place of a table until it is there. */
export function SkeletonRows({ rows, label }: { rows: number; label: string }): ReactElement {
  return (
    <div className="skeleton-rows" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} className="skeleton" />
      ))}
    </div>
  );
}
