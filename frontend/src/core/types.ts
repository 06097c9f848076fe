// What the platform's APIs say, as types: rows are declared by the server (shapes.ts), messages and answers here. Nothing
// here computes.

import type { Account, Decimal, Instant, Order, Position, Quantity, Trade } from "./shapes";

export type { Account, AccountDay, DailyPnl, Decimal, FeeSchedule, Instant, Order, Position, Quantity, RiskLimits, Trade } from "./shapes";

export type Side = Trade["side"];
export type OrderType = Order["order_type"];
export type TimeInForce = Order["time_in_force"];
export type OrderStatus = Order["status"];
export type AccountStatus = Account["status"];
export type AccountRole = Account["role"];

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

export interface Page<Item> {
  results: Item[];
  next: string | null;
}

export interface Portfolio {
  account: Account;
  positions: Position[];
}

/** Whether the venue was stopped by hand: then orders wait, and can be placed and cancelled. */
export interface MarketVenue {
  is_stopped: boolean;
  /** Of the latest stop or start; null before the first. */
  since: Instant | null;
  /** Who stopped or started it, such as user:17/alice. */
  actor: string;
  reason: string;
}

export interface MarketSession {
  date: string | null;
  /** The market's own instant: in the replay one of the replayed day. */
  market_time: Instant | null;
  phase: string;
  simulated: boolean;
  note: string;
}

/** What is traded, and its prices: all of them null as long as there are none. */
export interface Instrument {
  symbol: string;
  name: string;
  kind: "STOCK" | "ETF" | "FUND" | "BOND" | "CRYPTO";
  sector: string;
  exchange: string;
  currency: string;
  /** Prices are multiples of it. */
  price_increment: Decimal;
  /** Quantities are multiples of it. */
  lot_size: Decimal;
  is_halted: boolean;
  price: Decimal | null;
  bid: Decimal | null;
  ask: Decimal | null;
  previous_close: Decimal | null;
  session_open: Decimal | null;
  day_high: Decimal | null;
  day_low: Decimal | null;
  at: Instant | null;
  source: PriceSource | null;
  /** The price is too old to be traded at. */
  is_stale: boolean;
  age_seconds: number | null;
}

/** Of the replayed market, or of a program that pushes prices. */
export type PriceSource = "SIMULATED" | "PUSHED";

export interface PriceTick {
  symbol: string;
  price: Decimal;
  day_high: Decimal;
  day_low: Decimal;
  at: Instant;
  source: PriceSource;
  is_stale: boolean;
  age_seconds: number;
}

// WebSocket messages.

export interface AccountSnapshotMessage {
  type: "snapshot";
  version: number;
  account: Account;
  positions: Position[];
  /** Those that work, newest first. */
  orders: Order[];
  trades: Trade[];
}

export interface AccountDeltaMessage {
  type: "delta";
  from_version: number;
  version: number;
  account: Account;
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
  venue: MarketVenue;
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

export interface OrderPlaced {
  __typename: "OrderPlaced";
  accountId: string;
  version: number;
  commandId: string;
  /** Whether the order was placed by the same command before; it works still. */
  duplicate: boolean;
  order: PlacedOrder;
}

/** An order as it works after its placing. */
export interface PlacedOrder {
  orderId: string;
  symbol: string;
  side: Side;
  quantity: Quantity;
  filledQuantity: Quantity;
  type: OrderType;
  timeInForce: TimeInForce;
  limitPrice: Decimal | null;
  stopPrice: Decimal | null;
  trailAmount: Decimal | null;
  trailPercent: Decimal | null;
  status: OrderStatus;
}

export interface OrderCancelled {
  __typename: "OrderCancelled";
  accountId: string;
  version: number;
  commandId: string;
  duplicate: boolean;
  orderId: string;
}

/** What became of one entry of a batch: a version where something was recorded, a code where it was refused. */
export interface BatchOutcome {
  version?: number;
  duplicate?: boolean;
  code?: string;
  message?: string;
  limit?: string | null;
  actual?: string | null;
}

export interface OrdersCancelled {
  accepted: number;
  refused: number;
  outcomes: BatchOutcome[];
}
