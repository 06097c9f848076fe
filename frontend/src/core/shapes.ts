// Written by `make schema` from the declarations of the server (readmodels/shapes.py): not to be edited.
// Money and prices are decimal strings with four decimals, quantities with up to six, instants RFC 3339 in UTC.

export type Decimal = string;
export type Quantity = string;
export type Instant = string;

/** The account's last day with a trade or a split (UTC). */
export interface AccountDay {
  /** Null before the first. */
  date: string | null;
  /** Value traded. */
  volume: Decimal;
  trades: number;
  /** Realized profit or loss. */
  realized_pnl: Decimal;
}

/** The account's risk limits. */
export interface RiskLimits {
  /** Of the portfolio, per symbol. */
  max_position_percent: Decimal;
  /** Traded value per UTC day. */
  max_daily_value: Decimal;
  /** Value of one trade. */
  max_trade_value: Decimal;
  /** How far from the market's price a trade may be booked; 0 is no band. */
  price_band_percent: Decimal;
}

/** What the account's orders cost; 0 is none. */
export interface FeeSchedule {
  /** For an order, charged with its first fill. */
  per_order: Decimal;
  /** For one share. */
  per_share: Decimal;
  /** Of the value. */
  percent: Decimal;
  /** The least that shares and value of an order cost together. */
  minimum: Decimal;
}

/** An account, its each position valued at its last trade or mark. */
export interface Account {
  account_id: string;
  name: string;
  /** The user for good, such as user:17. */
  owner: string;
  /** What the owner is called now; `owner` when there is no such user. */
  owner_name: string;
  /** ISO 4217. */
  currency: string;
  status: "ACTIVE" | "FROZEN" | "CLOSED";
  /** The asking user's role. */
  role: "owner" | "trader" | "viewer" | "staff";
  /** Cash. */
  cash: Decimal;
  /** The part of it that working buy orders keep. */
  reserved_cash: Decimal;
  /** The rest: what there is to spend. */
  buying_power: Decimal;
  /** What the shares held cost. */
  positions_cost: Decimal;
  /** What they are worth. */
  positions_value: Decimal;
  /** Cash and positions. */
  portfolio_value: Decimal;
  /** Realized profit or loss so far, dividends aside. */
  realized_pnl: Decimal;
  /** Unrealized profit or loss. */
  unrealized_pnl: Decimal;
  /** All deposits. */
  deposited: Decimal;
  /** All withdrawals. */
  withdrawn: Decimal;
  /** All dividends. */
  dividends: Decimal;
  trade_count: number;
  /** Orders that work. */
  open_orders: number;
  day: AccountDay;
  /** The last session whose close positions were marked at. */
  marked_session: string | null;
  /** When the prices of that close were; what was traded since has its own price. */
  marked_at: Instant | null;
  limits: RiskLimits;
  fee_schedule: FeeSchedule;
  /** Account version that this stands on. */
  version: number;
  /** When the event of that version was recorded. */
  updated_at: Instant;
}

/** Shares held in one symbol. */
export interface Position {
  symbol: string;
  /** Shares. */
  quantity: Quantity;
  /** Shares that working sell orders keep. */
  reserved_quantity: Quantity;
  /** The rest: what there is to sell. */
  available: Quantity;
  /** Average cost of one share. */
  avg_cost: Decimal;
  /** Total cost. */
  cost: Decimal;
  /** Price that the account last traded it at, or that of the last mark. */
  last_price: Decimal;
  /** Quantity times last price, rounded half to even. */
  market_value: Decimal;
  /** Market value less cost. */
  unrealized_pnl: Decimal;
  /** Realized in this symbol so far. */
  realized_pnl: Decimal;
  /** Account version that this stands on. */
  version: number;
  /** When the event of that version was recorded. */
  updated_at: Instant;
}

/** An order, whether it works or has ended; what the orders that it replaced had filled counts as filled. */
export interface Order {
  order_id: string;
  /** The client's, or made by the server; unique among the account's working orders only. */
  client_order_id: string;
  symbol: string;
  side: "BUY" | "SELL";
  order_type: "MARKET" | "LIMIT" | "STOP" | "STOP_LIMIT" | "TRAILING_STOP";
  time_in_force: "DAY" | "GTC" | "IOC" | "FOK" | "GTD";
  /** HELD waits for another order's fill; the next two work; all others have ended. */
  status: "HELD" | "PENDING" | "PARTIALLY_FILLED" | "FILLED" | "CANCELLED" | "EXPIRED" | "REJECTED" | "REPLACED";
  /** Shares in all. */
  quantity: Quantity;
  /** Shares filled. */
  filled_quantity: Quantity;
  /** Shares not filled, also of an order that has ended. */
  remaining_quantity: Quantity;
  /** Half to even; null when nothing is filled. */
  avg_fill_price: Decimal | null;
  /** Value of all fills. */
  filled_value: Decimal;
  limit_price: Decimal | null;
  /** Of a trailing stop, where its stop is now. */
  stop_price: Decimal | null;
  /** What a trailing stop stays behind the market. */
  trail_amount: Decimal | null;
  /** The same in percent of the market's price. */
  trail_percent: Decimal | null;
  /** The market's price at which its stop was reached, if the venue said so. */
  trigger_price: Decimal | null;
  /** When a GTD order is over. */
  expires_at: Instant | null;
  order_class: "SIMPLE" | "BRACKET" | "OCO" | "OTO";
  /** The order whose fill it waits for, or waited for. */
  parent_order_id: string | null;
  /** The same for orders of which one cancels the others. */
  oco_group: string | null;
  /** What a buy keeps in cash for each share that is not filled. */
  reserve_price: Decimal;
  /** The order whose place it took. */
  replaces: string | null;
  /** The order that took its place. */
  replaced_by: string | null;
  /** Why it was cancelled, expired or rejected; may be empty. */
  reason: string;
  /** Account version of its placing. */
  placed_version: number;
  /** Account version of its latest event. */
  version: number;
  /** The command that placed it. */
  command_id: string;
  /** Who placed it: user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>. Names are of the time. */
  actor: string;
  placed_at: Instant;
  updated_at: Instant;
  /** Null while it works. */
  ended_at: Instant | null;
}

/** A trade that was booked. */
export interface Trade {
  /** The event's id, derived from its hash. */
  trade_id: string;
  /** Account version of the trade. */
  version: number;
  symbol: string;
  side: "BUY" | "SELL";
  /** Shares. */
  quantity: Quantity;
  /** Price of one share. */
  price: Decimal;
  /** Quantity times price, rounded half to even. */
  value: Decimal;
  /** What the trade cost. */
  fee: Decimal;
  /** Realized by this trade. */
  realized_pnl: Decimal;
  /** Cash after it. */
  cash_after: Decimal;
  /** The order that it belongs to, if any. */
  order_id: string | null;
  command_id: string;
  executed_at: Instant;
}

/** An event of the account: its audit trail, refusals included. */
export interface Event {
  /** Derived from the event's hash. */
  event_id: string;
  /** Account version of the event. */
  version: number;
  /** Such as TradeExecuted. */
  type: string;
  recorded_at: Instant;
  /** user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>. Names are of the time. */
  actor: string;
  command_id: string;
  correlation_id: string;
  causation_id: string | null;
  /** The event's fields; money and quantities as decimal strings. */
  data: Record<string, unknown>;
}

/** A day with trades, splits or dividends (UTC). */
export interface DailyPnl {
  date: string;
  trades: number;
  /** Value traded. */
  volume: Decimal;
  /** Realized profit or loss. */
  realized_pnl: Decimal;
  /** Dividends. */
  dividends: Decimal;
  /** Account version that this stands on. */
  version: number;
}
