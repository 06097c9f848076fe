// Reads a store of the core; the part that is read must be the same object as long as it has not changed.
import { useSyncExternalStore } from "react";

import type { Store } from "../core/live/store";

export function useStore<State, Part>(store: Store<State>, select: (state: State) => Part): Part {
  return useSyncExternalStore(store.subscribe, () => select(store.getState()));
}
