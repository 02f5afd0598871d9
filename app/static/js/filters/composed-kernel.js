/** The single kernel that a chain equals, as the service explains it. */

import { askJson } from "../shared/api.js";
import { describeRequest } from "./setting.js";
import { make } from "../shared/dom.js";

/** @param {HTMLElement} place @param {import("../shared/image.js").Image} image */
export async function drawOneKernel(place, image, setting, signal) {
  const { path, query } = describeRequest(setting);
  const { operations, ...rest } = query;
  const asked = JSON.stringify(setting.steps);
  const form = { file: [image.live, image.name], ...(operations && { operations }) };
  const { one_kernel: one } = await askJson(path, { query: { ...rest, explain: "json" }, form, signal });
  if (signal.aborted || JSON.stringify(setting.steps) !== asked) return;
  const size = one.weights ? `${one.weights.length} × ${one.weights[0].length} weights, of rank ${one.rank}. ` : "";
  place.replaceChildren(make("p", { class: "quiet", id: "one-kernel-why" }, size + one.why),
    ...(one.request ? [make("a", { class: "button", id: "open-one-kernel", href: `#${one.request.slice(1)}` }, "Open it")] : []));
}
