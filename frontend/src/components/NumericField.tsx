// A field for a figure: right aligned, with room for what is wrong with it and for one small action, so that nothing
// moves when either appears.
import { useId, type KeyboardEvent, type ReactElement, type RefObject } from "react";

interface NumericFieldProps {
  label: string;
  testId: string;
  value: string;
  inputMode: "numeric" | "decimal";
  placeholder?: string;
  isDisabled?: boolean;
  isFocused?: boolean;
  problem: string | null;
  inputRef?: RefObject<HTMLInputElement | null>;
  action: { label: string; onClick: () => void } | null;
  onEdited: (text: string) => void;
  onKeyDown?: (event: KeyboardEvent<HTMLInputElement>) => void;
}

export function NumericField(props: NumericFieldProps): ReactElement {
  const { label, testId, value, inputMode, isDisabled = false, problem, inputRef, action } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        ref={inputRef}
        className="numeric"
        data-testid={testId}
        inputMode={inputMode}
        autoComplete="off"
        placeholder={props.placeholder}
        data-autofocus={props.isFocused === true ? "" : undefined}
        disabled={isDisabled}
        value={value}
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        onChange={(event) => props.onEdited(event.target.value)}
        onKeyDown={props.onKeyDown}
      />
      <div className="field-note">
        {problem !== null ? (
          <span id={`${id}-problem`} className="is-bad" role="alert">
            {problem}
          </span>
        ) : (
          action !== null && (
            <button type="button" className="link-button" data-testid={`${testId}-action`} onClick={action.onClick}>
              {action.label}
            </button>
          )
        )}
      </div>
    </div>
  );
}
