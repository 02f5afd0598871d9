/**
 * The state of the filters view and its address. An address follows the API: `#filter/emboss?border=wrap`, or for a chain
 * `#filter?operations=[...]`. The page adds its own parameters, such as `zoom`.
 *
 * @typedef {Record<string, string>} Step `kernel` and its parameters as text
 * @typedef {{regions: string[], reads: string, mask: string}} AreaSetting the part that is filtered; `mask` is the name of one
 *   that the user has opened, or empty
 * @typedef {{image: string, steps: Step[], linear: boolean, area: AreaSetting, active: number, mode: "bench"|"image", zoom: string,
 *   split: number, at: [number, number] | null}} Setting `active` is the index of the step being edited, the last one unless
 *   chosen; `mode` says whether the bench or the whole image is shown; `split` is in percent from the left; `at` is the
 *   inspected pixel of the result of the active step
 */

import { parseAddress } from "../shared/address.js";
import { splitRegions } from "./area/area.js";
import { describeRequest } from "./filter-request.js";

export const DEFAULT_IMAGE = "cat";
const PAGE_PARAMETERS = ["image", "mask", "view", "zoom", "split", "at", "step"];
const REQUEST_PARAMETERS = ["operations", "linear", "region", "reads"];

/** @returns {AreaSetting} the whole image */
export const makeArea = () => ({ regions: [], reads: "image", mask: "" });

/** @returns {Setting} */
export const makeSetting = () => ({
  image: DEFAULT_IMAGE, steps: [{ kernel: "emboss" }], linear: false, area: makeArea(), active: 0, mode: "bench", zoom: "fit", split: 50, at: null,
});

/**
 * Invalid values are replaced by defaults. A link that sets zoom or line is of the whole image.
 * @param {string} hash @param {string} [image] the image if the address names none
 * @returns {Setting}
 */
export function parseSetting(hash, image = DEFAULT_IMAGE) {
  const { path, query } = parseAddress(hash);
  const setting = makeSetting();
  const at = /^(\d{1,6}),(\d{1,6})$/.exec(query.get("at") ?? "");
  if (at) setting.at = [Number(at[1]), Number(at[2])];
  setting.image = query.get("image") ?? image;
  setting.mode = query.get("view") === "image" || query.has("zoom") || query.has("split") ? "image" : "bench";
  setting.zoom = /^(fit|\d{1,2})$/.test(query.get("zoom") ?? "") ? query.get("zoom") : setting.zoom;
  const split = Number(query.get("split") ?? NaN);
  if (split >= 0 && split <= 100) setting.split = split;
  setting.linear = query.get("linear") === "true";
  setting.area = {
    regions: query.getAll("region").flatMap(splitRegions), reads: query.get("reads") === "region" ? "region" : "image",
    mask: query.get("mask") ?? "",
  };
  const parameters = [...query].filter(([name]) => ![...PAGE_PARAMETERS, ...REQUEST_PARAMETERS].includes(name));
  if (path) setting.steps = path.split(",").map((kernel) => ({ kernel, ...Object.fromEntries(parameters) }));
  else setting.steps = parseOperations(query.get("operations")) ?? setting.steps;
  const step = Number(query.get("step") ?? setting.steps.length) || setting.steps.length;
  setting.active = Math.min(Math.max(step, 1), setting.steps.length) - 1;
  return setting;
}

/** As in a query: a list of numbers is separated by commas, weights are JSON. @param {any} value */
function writeValue(value) {
  if (typeof value !== "object") return String(value);
  return Array.isArray(value) && value.every((one) => typeof one !== "object") ? value.join(",") : JSON.stringify(value);
}

/** @param {string|null} text @returns {Step[]|null} */
function parseOperations(text) {
  try {
    const steps = JSON.parse(text ?? "null");
    const valid = Array.isArray(steps) && steps.length && steps.every((step) => typeof step?.kernel === "string");
    return valid ? steps.map((step) => Object.fromEntries(Object.entries(step).map(([name, value]) => [name, writeValue(value)]))) : null;
  } catch {
    return null;
  }
}

/** @param {Setting} setting @returns {string} a hash for parseSetting */
export function formatSetting(setting) {
  const { path, query } = describeRequest(setting);
  const search = new URLSearchParams(query);
  if (setting.image !== DEFAULT_IMAGE) search.set("image", setting.image);
  if (setting.area.mask) search.set("mask", setting.area.mask);
  if (setting.mode === "image") {
    search.set("view", "image");
    if (setting.zoom !== "fit") search.set("zoom", setting.zoom);
    if (setting.split !== 50) search.set("split", String(setting.split));
  }
  if (setting.at) search.set("at", setting.at.join(","));
  if (setting.active < setting.steps.length - 1) search.set("step", String(setting.active + 1));
  const text = search.toString().replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%2F", "/");
  return `#${path.slice(1)}${text && `?${text}`}`;
}
