// A value that changes and tells who is interested. The smallest thing that React's useSyncExternalStore can read.

export type Listener = () => void;

export class Store<State> {
  readonly #listeners = new Set<Listener>();
  #state: State;

  constructor(initial: State) {
    this.#state = initial;
  }

  readonly getState = (): State => this.#state;

  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(state: State): void {
    if (Object.is(state, this.#state)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
