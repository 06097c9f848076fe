// The symbol: a combobox over the market's instruments. A symbol typed in full is chosen at once; a name finds it too.
import { useId, useState, type KeyboardEvent, type ReactElement, type RefObject } from "react";

import type { Quote } from "../../core/live/market_state";
import { formatPrice } from "../../core/money";

interface SymbolFieldProps {
  symbol: string;
  quotes: readonly Quote[];
  isDisabled: boolean;
  problem: string | null;
  inputRef: RefObject<HTMLInputElement | null>;
  onChosen: (symbol: string) => void;
}

export function SymbolField(props: SymbolFieldProps): ReactElement {
  const { symbol, quotes, isDisabled, problem, inputRef, onChosen } = props;
  const id = useId();
  // Null when nothing is being typed: then the chosen symbol is shown.
  const [typed, setTyped] = useState<string | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [activeIndex, setActiveIndex] = useState(0);
  const options = quotes.filter((quote) => isMatch(quote, typed ?? ""));
  const chosen = quotes.find((quote) => quote.symbol === symbol);
  const active = isOpen ? options[activeIndex] : undefined;

  const choose = (next: string): void => {
    onChosen(next);
    setTyped(null);
    setIsOpen(false);
  };

  const type = (text: string): void => {
    setTyped(text);
    setIsOpen(true);
    setActiveIndex(0);
    const wanted = text.trim().toUpperCase();
    if (quotes.length === 0 || quotes.some((quote) => quote.symbol === wanted)) onChosen(wanted);
  };

  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActiveIndex(isOpen ? Math.max(0, Math.min(options.length - 1, activeIndex + step)) : 0);
      setIsOpen(true);
    } else if (event.key === "Enter" && active !== undefined) {
      event.preventDefault();
      choose(active.symbol);
    } else if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      setIsOpen(false);
      setTyped(null);
    }
  };

  return (
    <div className="field symbol-field">
      <label htmlFor={`${id}-input`}>
        Symbol <kbd>/</kbd>
      </label>
      <input
        id={`${id}-input`}
        ref={inputRef}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-activedescendant={active === undefined ? undefined : `${id}-${active.symbol}`}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-note`}
        data-testid="ticket-symbol"
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        placeholder="Symbol or name"
        disabled={isDisabled}
        value={typed ?? symbol}
        onChange={(event) => type(event.target.value)}
        onFocus={(event) => event.target.select()}
        onClick={() => setIsOpen(true)}
        onKeyDown={press}
        onBlur={() => {
          setIsOpen(false);
          setTyped(null);
        }}
      />
      <small id={`${id}-note`} className={`field-note ${problem === null ? "" : "is-bad"}`}>
        {problem ?? (chosen === undefined ? "\u00a0" : `${chosen.name} · ${chosen.sector}`)}
      </small>
      <ul id={`${id}-list`} role="listbox" aria-label="Instruments" className="options" hidden={!isOpen}>
        {options.map((quote, index) => (
          <li
            key={quote.symbol}
            id={`${id}-${quote.symbol}`}
            role="option"
            aria-selected={index === activeIndex}
            ref={(element) => {
              if (index === activeIndex && isOpen) element?.scrollIntoView({ block: "nearest" });
            }}
            onPointerDown={(event) => {
              event.preventDefault();
              choose(quote.symbol);
            }}
          >
            <strong>{quote.symbol}</strong>
            <span>{quote.name}</span>
            <span className="figure">{formatPrice(quote.price)}</span>
          </li>
        ))}
        {options.length === 0 && <li className="none">No such instrument</li>}
      </ul>
    </div>
  );
}

function isMatch(quote: Quote, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return quote.symbol.toLowerCase().startsWith(wanted) || quote.name.toLowerCase().includes(wanted);
}
