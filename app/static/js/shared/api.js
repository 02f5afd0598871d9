/** Requests to the service's public API. */

import { readToken, showTokenForm } from "./token.js";

/** An error response (problem+json, RFC 9457), or no response at all. */
export class Problem extends Error {
  /**
   * @param {number} status 0 if there was no response
   * @param {{title?: string, detail?: string, errors?: {loc: (string|number)[], msg: string}[]}} body
   * @param {number|null} [retryAfterSeconds]
   */
  constructor(status, body, retryAfterSeconds = null) {
    super(body.detail || body.title || "The service could not process the request.");
    this.status = status;
    this.errors = body.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const NO_RESPONSE = { detail: "The service is not responding. Your image and settings are kept. Try again later." };

/**
 * @typedef {{query?: Record<string, string>|URLSearchParams, form?: Record<string, string|Blob|[Blob, string]>,
 *   signal?: AbortSignal, accept?: string}} RequestOptions `form` makes the request a POST
 */

/**
 * @param {string} path @param {RequestOptions} [options]
 * @returns {Promise<Response>} a successful response; throws Problem, or AbortError if `signal` aborted the request
 */
export async function request(path, { query, form, signal, accept = "application/json" } = {}) {
  const search = new URLSearchParams(query).toString();
  const body = form && new FormData();
  for (const [name, value] of Object.entries(form ?? {})) {
    if (Array.isArray(value)) body.append(name, ...value);
    else body.append(name, value);
  }
  const token = readToken();
  const headers = { Accept: accept, ...(token && { Authorization: `Bearer ${token}` }) };
  let response;
  try {
    response = await fetch(path + (search && `?${search}`), { method: form ? "POST" : "GET", body, signal, headers });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Problem(0, NO_RESPONSE);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) showTokenForm(problem.detail);
  throw new Problem(response.status, problem, readRetryAfter(response));
}

function readRetryAfter(response) {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

/** @param {string} path @param {RequestOptions} [options] @returns {Promise<any>} */
export const requestJson = async (path, options) => (await request(path, options)).json();

const MAX_CACHED_REPLIES = 500;
const cachedReplies = new Map();

/** JSON of a GET request, cached while the page is open. Failures are not cached. */
export function requestJsonOnce(path, query) {
  const key = `${path}?${new URLSearchParams(query)}`;
  if (!cachedReplies.has(key)) {
    if (cachedReplies.size > MAX_CACHED_REPLIES) cachedReplies.clear();
    const reply = requestJson(path, { query });
    reply.catch(() => cachedReplies.delete(key));
    cachedReplies.set(key, reply);
  }
  return cachedReplies.get(key);
}
