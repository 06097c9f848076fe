// What is known about one account, as a pure reducer over what arrived: snapshots, deltas, heartbeats and REST answers.
// Never built from pushes alone: without a snapshot a delta changes nothing, and a delta that does not continue the
// known version only says that something is missing (`isGapFound`), which a new snapshot makes good.

import { mergeOrders, withWorkingOrders } from "../orders";
import type { AccountDeltaMessage, AccountSnapshotMessage, Account, Order, Portfolio, Position, Trade } from "../types";

export interface AccountView {
  version: number;
  account: Account;
  /** Open positions by symbol; one that was closed keeps its realized P&L until the next snapshot leaves it out. */
  positions: Position[];
  /** Newest first: all that work, and the latest of those that have ended as far as they are known. */
  orders: Order[];
  /** Newest first, without holes between the first and the last. */
  trades: Trade[];
}

export interface AccountState {
  view: AccountView | null;
  isGapFound: boolean;
  /** Whether the orders that have ended were fetched; neither messages nor portfolios tell of those of before. */
  endedOrders: "unknown" | "known" | "failed";
  /** Where older trades go on: unknown until asked for, null at the oldest. */
  olderTradesCursor: string | null | undefined;
}

export type AccountAction =
  | { type: "snapshotReceived"; message: AccountSnapshotMessage }
  | { type: "deltaReceived"; message: AccountDeltaMessage }
  | { type: "heartbeatReceived"; version: number }
  | { type: "portfolioFetched"; portfolio: Portfolio; working: Order[]; trades: Trade[] }
  | { type: "endedOrdersFetched"; orders: Order[] }
  | { type: "endedOrdersFailed" }
  | { type: "olderTradesFetched"; trades: Trade[]; next: string | null };

export const NOTHING_KNOWN: AccountState = {
  view: null,
  isGapFound: false,
  endedOrders: "unknown",
  olderTradesCursor: undefined,
};

export function accountReducer(state: AccountState, action: AccountAction): AccountState {
  switch (action.type) {
    case "snapshotReceived":
      return snapshotReceived(state, action.message);
    case "deltaReceived":
      return deltaReceived(state, action.message);
    case "heartbeatReceived":
      return state.view !== null && action.version > state.view.version ? { ...state, isGapFound: true } : state;
    case "portfolioFetched":
      return portfolioFetched(state, action);
    case "endedOrdersFetched":
      return endedOrdersFetched(state, action.orders);
    case "endedOrdersFailed":
      return state.endedOrders === "known" ? state : { ...state, endedOrders: "failed" };
    case "olderTradesFetched":
      return olderTradesFetched(state, action.trades, action.next);
  }
}

function snapshotReceived(state: AccountState, message: AccountSnapshotMessage): AccountState {
  if (state.view !== null && message.version < state.view.version) return { ...state, isGapFound: false };
  const { trades, isJoined } = joinTrades(message.trades, state.view?.trades ?? []);
  const orders = withWorkingOrders(state.view?.orders ?? [], message.orders);
  return {
    ...state,
    view: { version: message.version, account: message.account, positions: sorted(message.positions), orders, trades },
    isGapFound: false,
    olderTradesCursor: isJoined ? state.olderTradesCursor : undefined,
  };
}

function deltaReceived(state: AccountState, message: AccountDeltaMessage): AccountState {
  const view = state.view;
  if (view === null || message.version <= view.version) return state;
  if (message.from_version !== view.version) return { ...state, isGapFound: true };
  const changed = new Map(message.positions.map((position) => [position.symbol, position]));
  const kept = view.positions.filter((position) => !changed.has(position.symbol));
  return {
    ...state,
    view: {
      version: message.version,
      account: message.account,
      positions: sorted([...kept, ...changed.values()]),
      orders: mergeOrders(view.orders, message.orders),
      trades: [...message.trades.toReversed(), ...view.trades],
    },
  };
}

type PortfolioFetched = Extract<AccountAction, { type: "portfolioFetched" }>;

function portfolioFetched(state: AccountState, { portfolio, working, trades: fetched }: PortfolioFetched): AccountState {
  const { account, positions } = portfolio;
  if (state.view !== null && account.version <= state.view.version) return state;
  // The trades were asked for separately and may be younger than the portfolio: those come again with the next delta.
  const upToAccount = fetched.filter((trade) => trade.version <= account.version);
  const { trades, isJoined } = joinTrades(upToAccount, state.view?.trades ?? []);
  const orders = withWorkingOrders(state.view?.orders ?? [], working);
  return {
    ...state,
    view: { version: account.version, account, positions: sorted(positions), orders, trades },
    isGapFound: false,
    olderTradesCursor: isJoined ? state.olderTradesCursor : undefined,
  };
}

function endedOrdersFetched(state: AccountState, fetched: Order[]): AccountState {
  if (state.view === null) return state;
  const orders = mergeOrders(state.view.orders, fetched);
  return { ...state, view: { ...state.view, orders }, endedOrders: "known" };
}

function olderTradesFetched(state: AccountState, fetched: Trade[], next: string | null): AccountState {
  if (state.view === null) return state;
  const oldest = state.view.trades.at(-1)?.version ?? Number.MAX_SAFE_INTEGER;
  const older = fetched.filter((trade) => trade.version < oldest);
  return {
    ...state,
    view: { ...state.view, trades: [...state.view.trades, ...older] },
    olderTradesCursor: next,
  };
}

/** Put the newest trades on top of the known ones; when the two do not meet, the known ones are let go. */
function joinTrades(newest: Trade[], known: Trade[]): { trades: Trade[]; isJoined: boolean } {
  const oldestOfNew = newest.at(-1);
  const newestKnown = known[0];
  if (oldestOfNew === undefined || newestKnown === undefined) return { trades: newest, isJoined: false };
  if (oldestOfNew.version > newestKnown.version) return { trades: newest, isJoined: false };
  return { trades: [...newest, ...known.filter((trade) => trade.version < oldestOfNew.version)], isJoined: true };
}

function sorted(positions: Position[]): Position[] {
  return positions
    .filter((position) => position.quantity !== "0")
    .sort((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0));
}
