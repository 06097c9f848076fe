// What the platform's APIs say, as types: REST, GraphQL and WebSocket. Money and prices are decimal strings with four
// decimals, quantities decimal strings with up to six, instants RFC 3339 in UTC. Nothing here computes.

export type Decimal = string;
export type Quantity = string;
export type Instant = string;
export type Side = "BUY" | "SELL";
export type OrderType = "MARKET" | "LIMIT" | "STOP" | "STOP_LIMIT";
export type TimeInForce = "DAY" | "GTC" | "IOC" | "FOK";
export type OrderStatus =
  | "PENDING"
  | "PARTIALLY_FILLED"
  | "FILLED"
  | "CANCELLED"
  | "EXPIRED"
  | "REJECTED"
  | "REPLACED";
export type AccountStatus = "ACTIVE" | "FROZEN" | "CLOSED";
export type AccountRole = "owner" | "trader" | "viewer" | "staff";

export interface SessionUser {
  /** The user for good; the name may change, and be somebody else's one day. */
  id: string;
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
  /** What an account may be opened in. */
  currencies: string[];
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
  /** The user for good, such as "user:17". */
  owner: string;
  owner_name: string;
  currency: string;
  status: AccountStatus;
  role: AccountRole;
  cash: Decimal;
  /** The part of the cash that working buy orders keep; the rest is `buying_power`. */
  reserved_cash: Decimal;
  buying_power: Decimal;
  positions_cost: Decimal;
  positions_value: Decimal;
  portfolio_value: Decimal;
  realized_pnl: Decimal;
  unrealized_pnl: Decimal;
  deposited: Decimal;
  withdrawn: Decimal;
  trade_count: number;
  open_orders: number;
  day: AccountDay;
  limits: AccountLimits;
  version: number;
  updated_at: Instant;
}

export interface Position {
  symbol: string;
  quantity: Quantity;
  /** The shares that working sell orders keep; the rest is `available`. */
  reserved_quantity: Quantity;
  available: Quantity;
  avg_cost: Decimal;
  cost: Decimal;
  last_price: Decimal;
  market_value: Decimal;
  unrealized_pnl: Decimal;
  realized_pnl: Decimal;
  version: number;
  updated_at: Instant;
}

export interface Order {
  order_id: string;
  client_order_id: string;
  symbol: string;
  side: Side;
  order_type: OrderType;
  time_in_force: TimeInForce;
  status: OrderStatus;
  quantity: Quantity;
  filled_quantity: Quantity;
  remaining_quantity: Quantity;
  avg_fill_price: Decimal | null;
  filled_value: Decimal;
  limit_price: Decimal | null;
  stop_price: Decimal | null;
  reserve_price: Decimal;
  replaces: string | null;
  replaced_by: string | null;
  reason: string;
  placed_version: number;
  version: number;
  command_id: string;
  actor: string;
  placed_at: Instant;
  updated_at: Instant;
  /** Null while the order works. */
  ended_at: Instant | null;
}

export interface Trade {
  trade_id: string;
  version: number;
  symbol: string;
  side: Side;
  quantity: Quantity;
  price: Decimal;
  value: Decimal;
  fee: Decimal;
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
  /** Those that work, newest first. */
  orders: Order[];
  trades: Trade[];
}

export interface AccountDeltaMessage {
  type: "delta";
  from_version: number;
  version: number;
  account: AccountSummary;
  positions: Position[];
  /** Those that changed; one whose `ended_at` is not null works no more. */
  orders: Order[];
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
  /** Whether this is the first result of a command that was sent before. */
  duplicate: boolean;
}

export interface AccountOpened {
  __typename: "AccountOpened";
  accountId: string;
  version: number;
  commandId: string;
  /** Whether this is the first result of a command that was sent before. */
  duplicate: boolean;
  name: string;
  currency: string;
}

export interface CashDeposited {
  __typename: "CashDeposited";
  accountId: string;
  version: number;
  commandId: string;
  /** Whether this is the first result of a command that was sent before. */
  duplicate: boolean;
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
  /** Whether this is the first result of a command that was sent before. */
  duplicate: boolean;
  tradeId: string;
  symbol: string;
  side: Side;
  quantity: Quantity;
  price: Decimal;
  value: Decimal;
  fee: Decimal;
  realizedPnl: Decimal;
  cashAfter: Decimal;
  positionQuantity: Quantity;
  executedAt: Instant;
}
