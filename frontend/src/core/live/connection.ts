// What is known about a connection, as a pure reducer over what happened to it. It opens nothing and reads no clock:
// instants (milliseconds) come with the actions.

/** "refused" is final: the platform closed the socket for a reason that trying again does not change. */
export type ConnectionPhase = "connecting" | "live" | "reconnecting" | "offline" | "refused";

export interface ConnectionState {
  phase: ConnectionPhase;
  /** Attempts since the last time it was live. */
  attempts: number;
  retryAt: number | null;
  lastMessageAt: number | null;
  closeCode: number | null;
}

export type ConnectionAction =
  | { type: "messageReceived"; at: number }
  | { type: "connectionLost"; closeCode: number; attempts: number; retryAt: number }
  | { type: "connectionRefused"; closeCode: number }
  | { type: "attemptStarted" };

/** After this many attempts in vain, the state is called offline (trying goes on). */
export const ATTEMPTS_UNTIL_OFFLINE = 4;

export const NOT_CONNECTED: ConnectionState = {
  phase: "connecting",
  attempts: 0,
  retryAt: null,
  lastMessageAt: null,
  closeCode: null,
};

export function connectionReducer(state: ConnectionState, action: ConnectionAction): ConnectionState {
  switch (action.type) {
    case "messageReceived":
      return { phase: "live", attempts: 0, retryAt: null, lastMessageAt: action.at, closeCode: null };
    case "connectionLost":
      return {
        ...state,
        phase: action.attempts >= ATTEMPTS_UNTIL_OFFLINE ? "offline" : "reconnecting",
        attempts: action.attempts,
        retryAt: action.retryAt,
        closeCode: action.closeCode,
      };
    case "connectionRefused":
      return { ...state, phase: "refused", retryAt: null, closeCode: action.closeCode };
    case "attemptStarted":
      return { ...state, retryAt: null };
  }
}

const PHASES_WORST_FIRST: readonly ConnectionPhase[] = ["refused", "offline", "reconnecting", "connecting", "live"];

/** The state that a page as a whole is in: the worst of its connections. */
export function worstConnection(states: readonly ConnectionState[]): ConnectionState {
  const rank = (state: ConnectionState): number => PHASES_WORST_FIRST.indexOf(state.phase);
  return states.reduce((worst, state) => (rank(state) < rank(worst) ? state : worst));
}
