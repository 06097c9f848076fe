// Refusals in human words: what the rule is, and its figures. The table is the only place that knows the codes; one
// that is not in it is shown with the platform's own message.

import { formatPrice, parseUnits } from "./money";
import { formatQuantity } from "./shares";

type Unit = "money" | "shares" | "count";

interface Wording {
  title: string;
  explanation: string;
  unit?: Unit;
  limitLabel?: string;
  actualLabel?: string;
}

const WORDINGS: Readonly<Record<string, Wording>> = {
  INSUFFICIENT_FUNDS: {
    title: "Not enough cash",
    explanation: "This needs more cash than the account has free: what working orders reserve is not there to spend.",
    unit: "money",
    limitLabel: "Cash free",
    actualLabel: "Needed",
  },
  INSUFFICIENT_POSITION: {
    title: "Not enough shares",
    explanation: "The account has fewer shares free than this would sell: working orders keep theirs, and nothing is sold short.",
    unit: "shares",
    limitLabel: "Shares free",
    actualLabel: "To be sold",
  },
  POSITION_LIMIT_EXCEEDED: {
    title: "Position limit exceeded",
    explanation: "With this order the position would be a larger part of the portfolio than the account may hold.",
    unit: "money",
    limitLabel: "Largest position",
    actualLabel: "Would become",
  },
  DAILY_LIMIT_EXCEEDED: {
    title: "Daily limit exceeded",
    explanation: "With this order the value traded today (UTC) would pass the account's daily limit.",
    unit: "money",
    limitLabel: "Daily limit",
    actualLabel: "Would become",
  },
  TRADE_LIMIT_EXCEEDED: {
    title: "Order too large",
    explanation: "The value of this order is above the account's limit for one trade.",
    unit: "money",
    limitLabel: "Limit per trade",
    actualLabel: "This order",
  },
  QUANTITY_LIMIT_EXCEEDED: {
    title: "Too many shares",
    explanation: "The position would be of more shares than the platform can hold.",
    unit: "shares",
    limitLabel: "Largest position",
    actualLabel: "Would become",
  },
  VALUE_TOO_SMALL: {
    title: "Order too small",
    explanation: "So small a part of a share is worth less than the smallest amount of money.",
  },
  VALUE_LIMIT_EXCEEDED: {
    title: "Account value limit exceeded",
    explanation: "The account would be worth more than the platform can hold.",
    unit: "money",
    limitLabel: "Limit",
    actualLabel: "Would become",
  },
  ORDER_COUNT_EXCEEDED: {
    title: "Too many working orders",
    explanation: "The account has as many working orders as it may have. Cancel some first.",
    unit: "count",
    limitLabel: "Working orders at most",
    actualLabel: "Would become",
  },
  ORDER_NOT_OPEN: {
    title: "The order works no more",
    explanation: "It was filled, cancelled or replaced, or it expired, before this reached the account.",
  },
  CLIENT_ORDER_ID_SPENT: {
    title: "The order was placed before",
    explanation: "It has ended since, and nothing was placed again. The list of orders says how it ended.",
  },
  MARKET_UNAVAILABLE: {
    title: "No market price",
    explanation: "The market gives no price now, and a market order is judged by it. Place a limit order, or try again later.",
  },
  ACCOUNT_NOT_ACTIVE: {
    title: "Account is not active",
    explanation: "The account is frozen or closed, so nothing can be booked on it. Ask compliance.",
  },
  ACCOUNT_NOT_FOUND: { title: "Account not found", explanation: "There is no such account. Choose another one." },
  UNKNOWN_SYMBOL: { title: "Unknown symbol", explanation: "No instrument has this symbol. Choose one from the list." },
  INSTRUMENT_NOT_TRADABLE: {
    title: "Not traded any more",
    explanation: "This instrument is not traded any more. Choose one from the list.",
  },
  INSTRUMENT_HALTED: {
    title: "Trading is halted",
    explanation: "Trading in this instrument is suspended. Try again when it is resumed; its orders can be cancelled.",
  },
  CURRENCY_MISMATCH: {
    title: "Another currency",
    explanation: "This instrument is traded in another currency than the account's.",
  },
  UNAUTHENTICATED: { title: "Logged out", explanation: "The session has ended. Log in again." },
  FORBIDDEN: { title: "Not allowed", explanation: "You may not do this on this account." },
  OVERLOADED: {
    title: "The platform is busy",
    explanation: "The command was not taken on. Try it again in a moment: it can never be executed twice.",
  },
  OUTCOME_UNKNOWN: {
    title: "Outcome unknown",
    explanation: "No answer came in time. Retry safely: the same command is never executed twice.",
  },
};

export interface RefusalText {
  title: string;
  explanation: string;
  figures: { label: string; value: string }[];
}

export function describeRefusal(refusal: {
  code: string;
  message?: string;
  limit?: string | null;
  actual?: string | null;
}): RefusalText {
  const wording = WORDINGS[refusal.code];
  if (wording === undefined) {
    return { title: titleOf(refusal.code), explanation: sentence(refusal.message ?? ""), figures: [] };
  }
  const figures: RefusalText["figures"] = [];
  const add = (label: string | undefined, value: string | null | undefined): void => {
    if (label !== undefined && value !== null && value !== undefined) {
      figures.push({ label, value: figure(value, wording.unit) });
    }
  };
  add(wording.limitLabel, refusal.limit);
  add(wording.actualLabel, refusal.actual);
  return { title: wording.title, explanation: wording.explanation, figures };
}

/** With every decimal that it has: rounded, a limit and what is just above it would look the same. */
function figure(value: string, unit: Unit | undefined): string {
  try {
    return unit === "money" ? formatPrice(parseUnits(value)) : formatQuantity(value);
  } catch {
    return value;
  }
}

/** INVALID_PRICE becomes "Invalid price". */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function sentence(message: string): string {
  if (message === "") return "The platform refused this.";
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
