// Whatever was thrown while a command was sent, as a code and a message that can be shown beside a form.

import { isSafeToRetry, SystemFailure } from "./commands";
import { ApiProblem, describeError, NetworkFailure } from "./http";

export interface Failure {
  code: string;
  message: string;
  limit: string | null;
  actual: string | null;
  isSafeToRetry: boolean;
}

export function failureOf(error: unknown): Failure {
  const code =
    error instanceof NetworkFailure
      ? "OUTCOME_UNKNOWN"
      : error instanceof SystemFailure || error instanceof ApiProblem
        ? error.code
        : "UNEXPECTED_ERROR";
  return { code, message: describeError(error), limit: null, actual: null, isSafeToRetry: isSafeToRetry(error) };
}
