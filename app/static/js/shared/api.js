/** Requests to the service's public API. */

import { describeProblem } from "./problem-words.js";
import { askForToken, readToken } from "./token.js";

/** An error response (problem+json, RFC 9457), or no complete response. The message is for the user of the page. */
export class Problem extends Error {
  /**
   * @param {number} status 0 if there was no complete response
   * @param {{type?: string, title?: string, detail?: string, errors?: {loc: (string|number)[], msg: string}[]}} body
   * @param {number|null} [retryAfterSeconds]
   */
  constructor(status, body, retryAfterSeconds = null) {
    super(describeProblem(body));
    this.status = status;
    this.errors = body.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const NO_RESPONSE = "The service is not responding. Your image and settings are kept. Try again later.";
const OFFLINE = "This device is offline. Your image and settings are kept. Try again when it is connected.";

/** The problem of a request without a complete response. @param {Error} error */
const makeConnectionProblem = (error) =>
  (error.name === "AbortError" || error instanceof Problem ? error : new Problem(0, { detail: navigator.onLine ? NO_RESPONSE : OFFLINE }));

/**
 * @typedef {{query?: Record<string, string>|URLSearchParams, form?: Record<string, string|Blob|[Blob, string]>,
 *   signal?: AbortSignal, accept?: string}} RequestOptions `form` makes the request a POST
 */

/**
 * Waits for a token if the service requires one, and repeats the request with it.
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
  for (;;) {
    const token = readToken();
    const headers = { Accept: accept, ...(token && { Authorization: `Bearer ${token}` }) };
    let response;
    try {
      response = await fetch(path + (search && `?${search}`), { method: form ? "POST" : "GET", body, signal, headers });
    } catch (error) {
      throw makeConnectionProblem(error);
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    if (response.status !== 401) throw new Problem(response.status, problem, readRetryAfter(response));
    if (readToken() === token) await askForToken(problem.detail);
    signal?.throwIfAborted();
  }
}

function readRetryAfter(response) {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

/** The body of a response. A connection that ends within it is a Problem. @template T @param {() => Promise<T>} read */
export const readBody = (read) => read().catch((error) => { throw makeConnectionProblem(error); });

/** @param {string} path @param {RequestOptions} [options] @returns {Promise<any>} */
export const requestJson = async (path, options) => {
  const response = await request(path, options);
  return readBody(() => response.json());
};

/** A file, such as an image. @param {string} path @param {RequestOptions} [options] @returns {Promise<Blob>} */
export const requestBlob = async (path, options) => {
  const response = await request(path, options);
  return readBody(() => response.blob());
};

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
