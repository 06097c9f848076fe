// One way to ask the platform over HTTP: JSON in and out, the session's cookie, the CSRF token on everything that
// changes something, problem+json turned into `ApiProblem`, and no answer at all into `NetworkFailure`. It decides
// nothing about retries: what may be sent again is known by whoever sent it.

export class ApiProblem extends Error {
  override name = "ApiProblem";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/** Nothing, or nothing readable, came back: the request may or may not have arrived. */
export class NetworkFailure extends Error {
  override name = "NetworkFailure";
}

type UnauthenticatedListener = () => void;

let csrfToken = "";
let unauthenticatedListener: UnauthenticatedListener = () => undefined;

/** Remember the token of the latest session answer. */
export function rememberCsrfToken(token: string): void {
  csrfToken = token;
}

/** Be told when the platform says that nobody is logged in any more. */
export function onUnauthenticated(listener: UnauthenticatedListener): void {
  unauthenticatedListener = listener;
}

export function reportUnauthenticated(): void {
  unauthenticatedListener();
}

export interface RequestOptions {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** A refused login is an answer to the person, not the end of a session. */
  isLogin?: boolean;
}

const TIMEOUT_MS = 15_000;

export async function requestJson<Answer>(path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as Answer;
  const body = await readJson(response);
  if (response.ok) {
    if (body === undefined) throw new NetworkFailure("The answer could not be read.");
    return body as Answer;
  }
  const problem = problemOf(response, body);
  if (problem.status === 401 && options.isLogin !== true) reportUnauthenticated();
  throw problem;
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  try {
    return await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw new NetworkFailure("The platform could not be reached.", { cause: error });
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

function problemOf(response: Response, body: unknown): ApiProblem {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string | null => (typeof fields[name] === "string" ? fields[name] : null);
  const retryAfter = Number(response.headers.get("Retry-After") ?? "");
  return new ApiProblem(
    response.status,
    text("code") ?? `HTTP_${response.status}`,
    text("detail") ?? text("title") ?? `The platform answered ${response.status}.`,
    retryAfter > 0 ? retryAfter * 1000 : null,
  );
}

/** A sentence for a person, whatever went wrong. */
export function describeError(error: unknown): string {
  if (error instanceof NetworkFailure) return "The platform could not be reached. Check the connection and try again.";
  if (error instanceof Error) return error.message;
  return "Something unexpected went wrong.";
}
