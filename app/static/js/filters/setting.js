/**
 * The whole setting in the address, after the API's own pattern: #filter/emboss?border=wrap, and for a chain
 * #filter?operations=[...]. What concerns the page alone stands beside it.
 *
 * @typedef {Record<string, string>} Step `kernel` and its parameters, as typed
 * @typedef {{image: string, steps: Step[], linear: boolean, active: number, zoom: string, split: number,
 *   at: [number, number] | null}} Setting
 */

const OWN = ["image", "zoom", "split", "at", "step"];

/** @returns {Setting} */
export const makeSetting = () => ({
  image: "house", steps: [{ kernel: "emboss" }], linear: false, active: 0, zoom: "fit", split: 50, at: null,
});

/** @param {string} hash @returns {{room: string, setting: Setting}} */
export function parseAddress(hash) {
  const [path, search = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const [room, ...rest] = path.split("/");
  const query = new URLSearchParams(search);
  const setting = makeSetting();
  const at = /^(\d{1,6}),(\d{1,6})$/.exec(query.get("at") ?? "");
  if (at) setting.at = [Number(at[1]), Number(at[2])];
  setting.image = query.get("image") ?? setting.image;
  setting.zoom = /^(fit|\d{1,2})$/.test(query.get("zoom") ?? "") ? query.get("zoom") : setting.zoom;
  const split = Number(query.get("split") ?? NaN);
  if (split >= 0 && split <= 100) setting.split = split;
  setting.linear = query.get("linear") === "true";
  const common = [...query].filter(([name]) => ![...OWN, "operations", "linear"].includes(name));
  const names = decodeURIComponent(rest.join("/"));
  if (names) setting.steps = names.split(",").map((kernel) => ({ kernel, ...Object.fromEntries(common) }));
  else setting.steps = parseOperations(query.get("operations")) ?? setting.steps;
  setting.active = Math.min(Math.max(Number(query.get("step") ?? 1) - 1 || 0, 0), setting.steps.length - 1);
  return { room: room || "filter", setting };
}

function parseOperations(text) {
  try {
    const steps = JSON.parse(text ?? "null");
    const usable = Array.isArray(steps) && steps.length && steps.every((step) => typeof step?.kernel === "string");
    return usable ? steps.map((step) => Object.fromEntries(Object.entries(step).map(([k, v]) => [k, String(v)]))) : null;
  } catch {
    return null;
  }
}

/** @param {Setting} setting */
export function formatAddress(setting) {
  const { path, query } = describeRequest(setting);
  const search = new URLSearchParams(query);
  if (setting.image !== "house") search.set("image", setting.image);
  if (setting.zoom !== "fit") search.set("zoom", setting.zoom);
  if (setting.split !== 50) search.set("split", setting.split);
  if (setting.at) search.set("at", setting.at.join(","));
  if (setting.active) search.set("step", setting.active + 1);
  const text = search.toString().replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%2F", "/");
  return `#${path.slice(1)}${text && `?${text}`}`;
}

/**
 * The request that a setting stands for.
 * @param {Setting} setting
 * @returns {{path: string, query: Record<string, string>}}
 */
export function describeRequest({ steps, linear }) {
  const shared = linear ? { linear: "true" } : {};
  if (steps.length > 1) return { path: "/filter", query: { operations: JSON.stringify(steps.map(toOperation)), ...shared } };
  const { kernel, ...parameters } = steps[0];
  return { path: `/filter/${encodeURIComponent(kernel)}`, query: { ...parameters, ...shared } };
}

const toOperation = (step) =>
  Object.fromEntries(Object.entries(step).map(([name, value]) => [name, /^-?\d+(\.\d+)?$/.test(value) && name !== "kernel" ? Number(value) : value]));
