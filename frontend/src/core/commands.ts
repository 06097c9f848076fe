// The commands, as GraphQL mutations. Every command carries an id that its caller made and keeps: sending the same
// command with the same id again never executes it twice, so an unanswered one can be retried safely. A refusal by the
// rules is an answer (CommandRefused); what the system itself could not do is thrown as `SystemFailure`.

import { NetworkFailure, reportUnauthenticated, requestJson } from "./http";
import type {
  AccountOpened,
  CashDeposited,
  CashWithdrawn,
  CommandRefused,
  Decimal,
  Instant,
  OrderCancelled,
  OrderPlaced,
  OrdersCancelled,
  OrderType,
  Quantity,
  Side,
  TimeInForce,
} from "./types";

/** An error of the system with its stable code, such as OVERLOADED. */
export class SystemFailure extends Error {
  override name = "SystemFailure";

  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs: number | null,
  ) {
    super(message);
  }
}

interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: { code?: string; retry_after_ms?: number | null } }[];
}

const REFUSED = "... on CommandRefused { code message limit actual accountId version commandId duplicate }";

const PLACE_ORDER = `mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced {
      accountId version commandId duplicate
      order { orderId symbol side quantity filledQuantity type timeInForce limitPrice stopPrice trailAmount trailPercent status }
    }
    ${REFUSED}
  }
}`;

const CANCEL_ORDER = `mutation CancelOrder($input: CancelOrderInput!) {
  cancelOrder(input: $input) {
    __typename
    ... on OrderCancelled { accountId version commandId duplicate orderId }
    ${REFUSED}
  }
}`;

const CANCEL_ORDERS = `mutation CancelOrders($orders: CancelBatch!) {
  cancelOrders(orders: $orders) { accepted refused outcomes }
}`;

const OPEN_ACCOUNT = `mutation OpenAccount($input: OpenAccountInput!) {
  openAccount(input: $input) {
    __typename
    ... on AccountOpened { accountId version commandId duplicate name currency }
    ${REFUSED}
  }
}`;

const DEPOSIT_CASH = `mutation DepositCash($input: DepositCashInput!) {
  depositCash(input: $input) {
    __typename
    ... on CashDeposited { accountId version commandId duplicate amount cashAfter }
    ${REFUSED}
  }
}`;

const WITHDRAW_CASH = `mutation WithdrawCash($input: WithdrawCashInput!) {
  withdrawCash(input: $input) {
    __typename
    ... on CashWithdrawn { accountId version commandId duplicate amount cashAfter }
    ${REFUSED}
  }
}`;

export interface PlaceOrderInput {
  accountId: string;
  symbol: string;
  side: Side;
  quantity: Quantity;
  type: OrderType;
  timeInForce: TimeInForce;
  limitPrice: Decimal | null;
  stopPrice: Decimal | null;
  trailAmount?: Decimal;
  trailPercent?: Decimal;
  /** Of a GTD order. */
  expiresAt?: Instant;
  /** Exits, which work once the order is filled. */
  takeProfit?: { limitPrice: Decimal };
  stopLoss?: { stopPrice: Decimal };
  /** The command id of the placing: kept for retries. */
  clientOrderId: string;
}

export interface CancelOrderInput {
  accountId: string;
  orderId: string;
  commandId: string;
}

export interface OpenAccountInput {
  name: string;
  currency: string;
  commandId: string;
}

export interface CashInput {
  accountId: string;
  amount: Decimal;
  reference: string;
  commandId: string;
}

export function placeOrder(input: PlaceOrderInput): Promise<OrderPlaced | CommandRefused> {
  return sendCommand("placeOrder", PLACE_ORDER, { input });
}

export function cancelOrder(input: CancelOrderInput): Promise<OrderCancelled | CommandRefused> {
  return sendCommand("cancelOrder", CANCEL_ORDER, { input });
}

/** Cancel many at once; each has its own outcome, in their order. */
export function cancelOrders(orders: readonly CancelOrderInput[]): Promise<OrdersCancelled> {
  return sendCommand("cancelOrders", CANCEL_ORDERS, { orders });
}

export function openAccount(input: OpenAccountInput): Promise<AccountOpened | CommandRefused> {
  return sendCommand("openAccount", OPEN_ACCOUNT, { input });
}

export function depositCash(input: CashInput): Promise<CashDeposited | CommandRefused> {
  return sendCommand("depositCash", DEPOSIT_CASH, { input });
}

export function withdrawCash(input: CashInput): Promise<CashWithdrawn | CommandRefused> {
  return sendCommand("withdrawCash", WITHDRAW_CASH, { input });
}

/** A new id for a new attempt. */
export function makeCommandId(): string {
  return crypto.randomUUID();
}

/** Whether the outcome is unknown, or the platform asks to come back: the same command, with the same id, may be sent again. */
export function isSafeToRetry(error: unknown): boolean {
  if (error instanceof NetworkFailure) return true;
  if (error instanceof SystemFailure) return error.code === "OUTCOME_UNKNOWN" || error.code === "OVERLOADED";
  return error instanceof Error && "status" in error && typeof error.status === "number" && error.status >= 500;
}

async function sendCommand<Outcome>(field: string, query: string, variables: object): Promise<Outcome> {
  const body = { query, variables };
  const answer = await requestJson<GraphQLAnswer>("/graphql", { method: "POST", body });
  const error = answer.errors?.[0];
  if (error !== undefined) {
    const code = error.extensions?.code ?? "GRAPHQL_ERROR";
    if (code === "UNAUTHENTICATED") reportUnauthenticated();
    throw new SystemFailure(code, error.message, error.extensions?.retry_after_ms ?? null);
  }
  const outcome = answer.data?.[field];
  if (outcome === null || outcome === undefined) {
    throw new SystemFailure("OUTCOME_UNKNOWN", "The platform's answer held no outcome.", null);
  }
  return outcome as Outcome;
}
