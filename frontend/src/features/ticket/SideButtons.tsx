// Buy or sell: two buttons of which one is pressed, each with its key.
import type { ReactElement } from "react";

import type { Side } from "../../core/types";

interface SideButtonsProps {
  side: Side;
  isDisabled: boolean;
  onChosen: (side: Side) => void;
}

export function SideButtons({ side, isDisabled, onChosen }: SideButtonsProps): ReactElement {
  return (
    <div className="side-buttons" role="group" aria-label="Side">
      {(["BUY", "SELL"] as const).map((each) => (
        <button
          key={each}
          type="button"
          className={`side-button ${each.toLowerCase()}`}
          aria-pressed={side === each}
          data-testid={`ticket-side-${each.toLowerCase()}`}
          disabled={isDisabled}
          onClick={() => onChosen(each)}
        >
          {each === "BUY" ? "Buy" : "Sell"} <kbd>{each === "BUY" ? "B" : "S"}</kbd>
        </button>
      ))}
    </div>
  );
}
