/** Requests to `POST /filter`. */

import { request } from "../shared/api.js";
import { describeArea } from "./area/area.js";

/**
 * @typedef {{steps: import("./setting.js").Step[], linear: boolean, area?: import("./area/area.js").Area|null}} Filtering what
 *   is applied to an image; without `area`, to all of it
 */

/** @param {{steps: import("./setting.js").Step[], linear: boolean, area?: any}} filtering @returns {{path: string, query: Record<string, string>}} */
export function describeRequest({ steps, linear, area }) {
  const common = { ...(linear && { linear: "true" }), ...describeArea(area) };
  if (steps.length > 1) return { path: "/filter", query: { operations: JSON.stringify(steps.map(toOperation)), ...common } };
  const { kernel, ...parameters } = steps[0];
  return { path: `/filter/${encodeURIComponent(kernel)}`, query: { ...parameters, ...common } };
}

/** A step as `POST /filter` takes it. @param {import("./setting.js").Step} step @returns {any} */
export const toOperation = (step) => Object.fromEntries(Object.entries(step).map(([name, value]) => [name, name === "kernel" ? value : toValue(step, value)]));

/** Text as a number, a choice between true and false or, in steps that are no kernels, a list. Text that is being typed stays as it is. */
function toValue({ kernel }, text) {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (kernel === "custom" || !text.startsWith("[")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Sends an image. A chain travels in the form: it can be too long for a query.
 * @param {Filtering} filtering @param {[Blob, string]} file content and name
 * @param {{query?: Record<string, string>, accept: string, signal?: AbortSignal}} options
 */
export function requestFilter(filtering, file, { query = {}, accept, signal }) {
  const { path, query: { operations, ...parameters } } = describeRequest(filtering);
  const form = { file, ...(filtering.area?.mask && { mask: filtering.area.mask }), ...(operations && { operations }) };
  return request(path, { query: { ...parameters, ...query }, form, accept, signal });
}
