// The price stands still while its field has the focus: nobody can type into a figure that the market rewrites. Left
// unchanged, it follows the market again.
import { useRef, type Dispatch } from "react";

import type { TicketAction, TicketState } from "../../core/ticket";
import type { Draft } from "../../core/ticket_draft";

interface HeldPrice {
  hold: () => void;
  release: () => void;
}

export function useHeldPrice(ticket: TicketState, draft: Draft, dispatch: Dispatch<TicketAction>): HeldPrice {
  const held = useRef<string | null>(null);
  return {
    hold: () => {
      if (!draft.isLivePrice) return;
      held.current = draft.priceShown;
      dispatch({ type: "priceEdited", text: draft.priceShown });
    },
    release: () => {
      if (held.current !== null && ticket.priceText === held.current) dispatch({ type: "livePriceChosen" });
      held.current = null;
    },
  };
}
