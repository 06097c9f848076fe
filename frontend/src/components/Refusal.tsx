// A refusal or a failure, next to the form that led to it: what happened, the figures, the code, what can be done.
import type { ReactElement, ReactNode } from "react";

import { describeRefusal } from "../core/refusals";
import { Icon } from "./Icon";

interface RefusalProps {
  refusal: { code: string; message?: string; limit?: string | null; actual?: string | null };
  /** Something that may well have happened, or may be tried again, is no refusal. */
  tone?: "error" | "warning";
  note?: ReactNode;
  children?: ReactNode;
}

export function Refusal({ refusal, tone = "error", note, children }: RefusalProps): ReactElement {
  const text = describeRefusal(refusal);
  return (
    <div className={`refusal ${tone}`}>
      <div className="refusal-title">
        <Icon name="warning" />
        <strong>{text.title}</strong>
        <code>{refusal.code}</code>
      </div>
      <p>{text.explanation}</p>
      {text.figures.length > 0 && (
        <dl>
          {text.figures.map((figure) => (
            <div key={figure.label}>
              <dt>{figure.label}</dt>
              <dd>{figure.value}</dd>
            </div>
          ))}
        </dl>
      )}
      {note !== undefined && <p className="refusal-note">{note}</p>}
      {children}
    </div>
  );
}
