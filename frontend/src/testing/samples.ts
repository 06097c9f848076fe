// Sample accounts, positions, orders and trades for the tests.
import type { AccountDeltaMessage, AccountSnapshotMessage, Account, MarketVenue, Order, Position, Trade } from "../core/types";

export function sampleAccount(changes: Partial<Account> = {}): Account {
  return {
    account_id: "6f1c3a52-2f0e-4f0e-9d0a-0d6a1f2b3c4d",
    name: "Personal account",
    owner: "user:1",
    owner_name: "alice",
    currency: "USD",
    status: "ACTIVE",
    role: "owner",
    cash: "90000.0000",
    reserved_cash: "0.0000",
    buying_power: "90000.0000",
    positions_cost: "10000.0000",
    positions_value: "10000.0000",
    portfolio_value: "100000.0000",
    realized_pnl: "0.0000",
    unrealized_pnl: "0.0000",
    deposited: "100000.0000",
    withdrawn: "0.0000",
    dividends: "0.0000",
    trade_count: 1,
    open_orders: 0,
    day: { date: "2026-01-15", volume: "10000.0000", trades: 1, realized_pnl: "25.0000" },
    marked_session: null,
    marked_at: null,
    limits: { max_position_percent: "10.00", max_daily_value: "1000000.0000", max_trade_value: "100000.0000", price_band_percent: "10.00" },
    fee_schedule: { per_order: "0.0000", per_share: "0.0000", percent: "0.00", minimum: "0.0000" },
    version: 3,
    updated_at: "2026-01-15T10:00:00.000000Z",
    ...changes,
  };
}

export function samplePosition(changes: Partial<Position> = {}): Position {
  return {
    symbol: "AAPL",
    quantity: "100",
    reserved_quantity: "0",
    available: "100",
    avg_cost: "100.0000",
    cost: "10000.0000",
    last_price: "100.0000",
    market_value: "10000.0000",
    unrealized_pnl: "0.0000",
    realized_pnl: "0.0000",
    version: 3,
    updated_at: "2026-01-15T10:00:00.000000Z",
    ...changes,
  };
}

/** A buy of ten at 50 that works since a version of the account. */
export function sampleOrder(version: number, changes: Partial<Order> = {}): Order {
  return {
    order_id: `order-${version}`,
    client_order_id: `client-${version}`,
    symbol: "KO",
    side: "BUY",
    order_type: "LIMIT",
    time_in_force: "DAY",
    status: "PENDING",
    quantity: "10",
    filled_quantity: "0",
    remaining_quantity: "10",
    avg_fill_price: null,
    filled_value: "0.0000",
    limit_price: "50.0000",
    stop_price: null,
    trail_amount: null,
    trail_percent: null,
    trigger_price: null,
    expires_at: null,
    order_class: "SIMPLE",
    parent_order_id: null,
    oco_group: null,
    reserve_price: "50.0000",
    replaces: null,
    replaced_by: null,
    reason: "",
    placed_version: version,
    version,
    command_id: `client-${version}`,
    actor: "user:1/alice",
    placed_at: "2026-01-15T10:00:00.000000Z",
    updated_at: "2026-01-15T10:00:00.000000Z",
    ended_at: null,
    ...changes,
  };
}

export function sampleTrade(version: number, changes: Partial<Trade> = {}): Trade {
  return {
    trade_id: `trade-${version}`,
    version,
    symbol: "AAPL",
    side: "BUY",
    quantity: "100",
    price: "100.0000",
    value: "10000.0000",
    fee: "0.0000",
    realized_pnl: "0.0000",
    cash_after: "90000.0000",
    order_id: null,
    command_id: `command-${version}`,
    executed_at: "2026-01-15T10:00:00.000000Z",
    ...changes,
  };
}

export function sampleSnapshot(changes: Partial<AccountSnapshotMessage> = {}): AccountSnapshotMessage {
  const version = changes.version ?? 3;
  return {
    type: "snapshot",
    version,
    account: sampleAccount({ version }),
    positions: [samplePosition()],
    orders: [],
    trades: [sampleTrade(3)],
    ...changes,
  };
}

export function sampleDelta(from: number, to: number, changes: Partial<AccountDeltaMessage> = {}): AccountDeltaMessage {
  return {
    type: "delta",
    from_version: from,
    version: to,
    account: sampleAccount({ version: to }),
    positions: [],
    orders: [],
    trades: [],
    ...changes,
  };
}

/** The steps of an instrument: cents, and parts of a share. */
export const sampleSteps = { price_increment: "0.0100", lot_size: "0.000001" };

/** A venue that nobody ever stopped. */
export function sampleVenue(changes: Partial<MarketVenue> = {}): MarketVenue {
  return { is_stopped: false, since: null, actor: "", reason: "", ...changes };
}
