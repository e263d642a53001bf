import { readKey } from "./key";
import type { ErrorBody } from "./types";

/** The server said no, in its own words. `retryAfter` is in seconds where it named a time. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** Nobody answered: the server or the way to it is gone. */
export class Unreachable extends Error {
  constructor() {
    super("Parley can't be reached right now");
  }
}

const deniedListeners = new Set<() => void>();

/** Be told when a request was refused for want of a key. Returns how to stop that. */
export function onDenied(listener: () => void): () => void {
  deniedListeners.add(listener);
  return () => deniedListeners.delete(listener);
}

export interface Options {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The response, if it is a good one. Throws `ApiError` or `Unreachable`; an abort stays an abort. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  const key = readKey();
  if (key) headers["Authorization"] = `Bearer ${key}`;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method: options.method ?? (options.body === undefined ? "GET" : "POST"),
      headers,
      ...(options.body === undefined
        ? {}
        : { body: typeof options.body === "string" ? options.body : JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** The JSON of a good answer. */
export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const response = await request(path, options);
  try {
    return (await response.json()) as T;
  } catch {
    throw new Unreachable(); // cut off half-way
  }
}

async function refusal(response: Response): Promise<ApiError> {
  let body: Partial<ErrorBody> = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // A proxy's own page, perhaps: the status has to do.
  }
  if (response.status === 401) deniedListeners.forEach((tell) => tell());
  const after = Number(response.headers.get("Retry-After") ?? NaN);
  return new ApiError(
    response.status,
    body.code ?? "unknown",
    body.error ?? `The server answered with status ${response.status}`,
    Number.isFinite(after) ? after : null,
  );
}
