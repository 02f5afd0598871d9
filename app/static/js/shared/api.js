import { askForToken, readToken } from "./token.js";

/** An answer of the service that is no success: problem+json (RFC 9457), or no answer at all. */
export class Problem extends Error {
  /** @param {number} status 0 where nothing answered */
  constructor(status, body, retryAfterSeconds = null) {
    super(body.detail || body.title || `The service answered ${status}.`);
    this.status = status;
    this.errors = body.errors ?? [];
    this.suggestions = body.did_you_mean ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const DOWN = { detail: "The service does not answer. Your image and settings are kept: try again when it is back." };

/**
 * @param {string} path
 * @param {{query?: Record<string, string>|URLSearchParams, form?: Record<string, string|Blob|[Blob, string]>, signal?: AbortSignal, accept?: string}} [options]
 * @returns {Promise<Response>} of a success; throws Problem, or the AbortError of a request that was replaced
 */
export async function ask(path, { query, form, signal, accept = "application/json" } = {}) {
  const search = new URLSearchParams(query).toString();
  const body = form && new FormData();
  for (const [name, value] of Object.entries(form ?? {})) body.append(name, ...[value].flat());
  const token = readToken();
  const headers = { Accept: accept, ...(token && { Authorization: `Bearer ${token}` }) };
  const request = { method: form ? "POST" : "GET", body, signal, headers };
  let response;
  try {
    response = await fetch(path + (search && `?${search}`), request);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Problem(0, DOWN);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) askForToken(problem.detail);
  throw new Problem(response.status, problem, readRetryAfter(response));
}

function readRetryAfter(response) {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/** JSON of a GET, asked for once. A failure is forgotten, so that it can be tried again. */
const remembered = new Map();
export function askOnce(path, query) {
  const key = `${path}?${new URLSearchParams(query)}`;
  if (!remembered.has(key)) {
    if (remembered.size > 500) remembered.clear();
    const answer = askJson(path, { query });
    answer.catch(() => remembered.delete(key));
    remembered.set(key, answer);
  }
  return remembered.get(key);
}

/** Runs a task with a signal that ends it as soon as the next one starts. A replaced task answers undefined. */
export function keepLatest(task) {
  let running = new AbortController();
  return async (...values) => {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      const answer = await task(signal, ...values);
      return signal.aborted ? undefined : answer;
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) throw error;
    }
  };
}
