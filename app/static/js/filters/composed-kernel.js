import { make } from "../shared/dom.js";
import { describeArea } from "./area/area.js";
import { requestFilter } from "./filter-request.js";

/** @param {string} request such as `/filter/custom?weights=...` @param {import("./setting.js").AreaSetting} area */
function addArea(request, area) {
  const search = new URLSearchParams(describeArea(area)).toString();
  return `#${request.slice(1)}${search && `&${search}`}`;
}

/**
 * The single kernel that equals a chain, or why there is none, as the service explains it.
 * @param {HTMLElement} root @param {import("../shared/image.js").Image} image
 * @param {import("./setting.js").Setting} setting @param {AbortSignal} signal
 */
export async function drawComposedKernel(root, image, setting, signal) {
  const requested = JSON.stringify(setting.steps);
  const reply = await requestFilter({ steps: setting.steps, linear: setting.linear }, [image.preview, image.name], { query: { explain: "json" }, accept: "application/json", signal });
  const { one_kernel: composed } = await reply.json();
  if (signal.aborted || JSON.stringify(setting.steps) !== requested) return;
  const size = composed.weights ? `${composed.weights.length} × ${composed.weights[0].length} weights, rank ${composed.rank}. ` : "";
  root.replaceChildren(make("p", { class: "quiet", id: "composed-kernel-reason" }, size + composed.why),
    ...(composed.request ? [make("a", { class: "button", id: "open-composed-kernel", href: addArea(composed.request, setting.area) }, "Open this kernel")] : []));
}
