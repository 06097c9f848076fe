// What the platform's APIs say, as types: REST, GraphQL and WebSocket. Money and prices are decimal strings with four
// decimals, quantities are whole shares, instants are RFC 3339 in UTC. Nothing here computes.

export type Decimal = string;
export type Instant = string;
export type Side = "BUY" | "SELL";
export type AccountStatus = "ACTIVE" | "FROZEN" | "CLOSED";
export type AccountRole = "owner" | "trader" | "viewer" | "staff";

export interface SessionUser {
  username: string;
  display_name: string;
  is_staff: boolean;
}

export interface DemoLogin {
  username: string;
  password: string;
  description: string;
}

export interface LoginSession {
  user: SessionUser | null;
  csrf_token: string;
  demo_logins?: DemoLogin[];
}

export interface AccountDay {
  date: string | null;
  volume: Decimal;
  trades: number;
  realized_pnl: Decimal;
}

export interface AccountLimits {
  max_position_percent: Decimal;
  max_daily_value: Decimal;
  max_trade_value: Decimal;
}

export interface AccountSummary {
  account_id: string;
  name: string;
  currency: string;
  status: AccountStatus;
  role: AccountRole;
  cash: Decimal;
  positions_cost: Decimal;
  positions_value: Decimal;
  portfolio_value: Decimal;
  realized_pnl: Decimal;
  unrealized_pnl: Decimal;
  deposited: Decimal;
  withdrawn: Decimal;
  trade_count: number;
  day: AccountDay;
  limits: AccountLimits;
  version: number;
  updated_at: Instant;
}

export interface Position {
  symbol: string;
  quantity: number;
  avg_cost: Decimal;
  cost: Decimal;
  last_price: Decimal;
  market_value: Decimal;
  unrealized_pnl: Decimal;
  realized_pnl: Decimal;
  version: number;
  updated_at: Instant;
}

export interface Trade {
  trade_id: string;
  version: number;
  symbol: string;
  side: Side;
  quantity: number;
  price: Decimal;
  value: Decimal;
  realized_pnl: Decimal;
  cash_after: Decimal;
  order_id: string | null;
  command_id: string;
  executed_at: Instant;
}

export interface Page<Item> {
  results: Item[];
  next: string | null;
}

export interface Portfolio {
  account: AccountSummary;
  positions: Position[];
}

export interface MarketSession {
  date: string | null;
  phase: string;
  simulated: boolean;
  note: string;
}

export interface Instrument {
  symbol: string;
  name: string;
  sector: string;
  price: Decimal;
  previous_close: Decimal;
  session_open: Decimal;
  day_high: Decimal;
  day_low: Decimal;
  at: Instant;
}

export interface PriceTick {
  symbol: string;
  price: Decimal;
  day_high: Decimal;
  day_low: Decimal;
  at: Instant;
}

// WebSocket messages.

export interface AccountSnapshotMessage {
  type: "snapshot";
  version: number;
  account: AccountSummary;
  positions: Position[];
  trades: Trade[];
}

export interface AccountDeltaMessage {
  type: "delta";
  from_version: number;
  version: number;
  account: AccountSummary;
  positions: Position[];
  trades: Trade[];
}

export interface AccountHeartbeatMessage {
  type: "heartbeat";
  version: number;
}

export type AccountMessage = AccountSnapshotMessage | AccountDeltaMessage | AccountHeartbeatMessage;

export interface MarketSnapshotMessage {
  type: "snapshot";
  session: MarketSession;
  instruments: Instrument[];
}

export interface MarketTickMessage {
  type: "tick";
  session: MarketSession;
  prices: PriceTick[];
}

export interface MarketHeartbeatMessage {
  type: "heartbeat";
}

export type MarketMessage = MarketSnapshotMessage | MarketTickMessage | MarketHeartbeatMessage;

// GraphQL outcomes of commands.

export interface CommandRefused {
  __typename: "CommandRefused";
  code: string;
  message: string;
  limit: string | null;
  actual: string | null;
  accountId: string | null;
  version: number | null;
  commandId: string;
}

export interface AccountOpened {
  __typename: "AccountOpened";
  accountId: string;
  version: number;
  commandId: string;
  name: string;
  currency: string;
}

export interface CashDeposited {
  __typename: "CashDeposited";
  accountId: string;
  version: number;
  commandId: string;
  amount: Decimal;
  cashAfter: Decimal;
}

export interface CashWithdrawn extends Omit<CashDeposited, "__typename"> {
  __typename: "CashWithdrawn";
}

export interface TradeExecuted {
  __typename: "TradeExecuted";
  accountId: string;
  version: number;
  commandId: string;
  tradeId: string;
  symbol: string;
  side: Side;
  quantity: number;
  price: Decimal;
  value: Decimal;
  realizedPnl: Decimal;
  cashAfter: Decimal;
  positionQuantity: number;
  executedAt: Instant;
}
