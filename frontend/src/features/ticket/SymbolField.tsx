// The symbol: a combobox over the market's instruments, those without a price yet included. A symbol typed in full is chosen
// at once; a name finds it too. While the text is no symbol nothing is chosen, so that no order is for another one than is shown.
import { useId, useState, type KeyboardEvent, type ReactElement, type RefObject } from "react";

import { staleText, type Listing, type Quote } from "../../core/live/market_state";
import { formatPrice } from "../../core/money";

/** A listing, with its price when it has one. */
type Option = Listing & Partial<Pick<Quote, "price" | "isStale" | "ageSeconds">>;

/** There may be thousands of listings without a price. */
const OPTIONS_MAX = 100;

interface SymbolFieldProps {
  symbol: string;
  quotes: readonly Quote[];
  unpriced: readonly Listing[];
  isDisabled: boolean;
  inputRef: RefObject<HTMLInputElement | null>;
  onChosen: (symbol: string) => void;
}

export function SymbolField(props: SymbolFieldProps): ReactElement {
  const { symbol, quotes, unpriced, isDisabled, inputRef, onChosen } = props;
  const id = useId();
  // Null when nothing is being typed: then the chosen symbol is shown.
  const [typed, setTyped] = useState<string | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [activeIndex, setActiveIndex] = useState(0);
  const priced: readonly Option[] = quotes;
  const listed = [...priced, ...unpriced];
  const options = optionsOf(listed, typed ?? "");
  const chosen = listed.find((listing) => listing.symbol === symbol);
  const active = isOpen ? options[activeIndex] : undefined;
  const isUnknown = typed !== null && typed.trim() !== "" && symbol === "";
  const problem = isUnknown ? "No such symbol: choose one of the list" : null;

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
    // Before the market has said what is traded, the platform judges the symbol.
    onChosen(listed.length === 0 || listed.some((listing) => listing.symbol === wanted) ? wanted : "");
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
    } else if (event.key === "Enter" && symbol === "") {
      event.preventDefault();
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
        {problem ?? (chosen === undefined ? "\u00a0" : described(chosen))}
      </small>
      <ul id={`${id}-list`} role="listbox" aria-label="Instruments" className="options" hidden={!isOpen}>
        {options.map((listing, index) => (
          <li
            key={listing.symbol}
            id={`${id}-${listing.symbol}`}
            role="option"
            aria-selected={index === activeIndex}
            ref={(element) => {
              if (index === activeIndex && isOpen) element?.scrollIntoView({ block: "nearest" });
            }}
            onPointerDown={(event) => {
              event.preventDefault();
              choose(listing.symbol);
            }}
          >
            <strong>{listing.symbol}</strong>
            <span>{listing.name}</span>
            <span className="figure">{listing.isHalted ? "Halted" : shownPrice(listing)}</span>
          </li>
        ))}
        {options.length === 0 && <li className="none">No such instrument</li>}
      </ul>
    </div>
  );
}

function shownPrice({ price }: Option): string {
  return price === undefined ? "No price yet" : formatPrice(price);
}

function described(listing: Option): string {
  const { name, sector, isHalted, price, isStale = false, ageSeconds = 0 } = listing;
  const state = isHalted ? "trading is halted" : price === undefined ? "no price yet" : "";
  return [name, sector, state, staleText({ isStale, ageSeconds }) ?? ""].filter((text) => text !== "").join(" · ");
}

/** What the text may mean, what it says in full first: META stands behind MET where MET was typed. */
function optionsOf(listed: readonly Option[], text: string): readonly Option[] {
  const wanted = text.trim().toUpperCase();
  const matching = listed.filter((listing) => isMatch(listing, text));
  const exact = matching.filter((listing) => listing.symbol === wanted);
  return [...exact, ...matching.filter((listing) => listing.symbol !== wanted)].slice(0, OPTIONS_MAX);
}

function isMatch(listing: Listing, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return listing.symbol.toLowerCase().startsWith(wanted) || listing.name.toLowerCase().includes(wanted);
}
