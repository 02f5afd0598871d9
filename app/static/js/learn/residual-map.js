import { request } from "../shared/api.js";
import { find, make } from "../shared/dom.js";
import { readReplyPixels } from "../shared/image.js";
import { formatNumber } from "../shared/numbers.js";

const AMPLIFICATION = 16;

/**
 * The difference between the filtered copy and the learned kernel's result: black where they are equal.
 * @param {HTMLElement} root @param {string} filterRequest path and query that apply the learned kernel
 * @param {import("./learn-request.js").Pair} pair @param {AbortSignal} signal
 */
export async function drawResidualMap(root, filterRequest, { before, after }, signal) {
  const [path, search] = filterRequest.split("?");
  const query = new URLSearchParams(search);
  query.set("format", "png");
  const reply = await request(path, { query, form: { file: [before.original, before.name] }, accept: "image/png", signal });
  const predicted = await readReplyPixels(reply);
  const { width, height, data } = after.pixels;
  if (signal.aborted || predicted.width !== width || predicted.height !== height) return;
  const canvas = make("canvas", { width, height, role: "img" });
  const image = new ImageData(width, height);
  let different = 0;
  for (let index = 0; index < data.length; index += 4) {
    const residuals = [0, 1, 2].map((channel) => Math.abs(predicted.data[index + channel] - data[index + channel]));
    different += Number(Math.max(...residuals) > 1);
    image.data.set([...residuals.map((residual) => Math.min(255, AMPLIFICATION * residual)), 255], index);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  const share = `${formatNumber((400 * different) / data.length, 2)} % of the pixels differ by more than 1 level`;
  canvas.setAttribute("aria-label", `Difference map: ${share}`);
  find("#residual", root).replaceChildren(make("figure", { class: "pair" }, canvas, make("figcaption", { id: "residual-share" }, `Difference × ${AMPLIFICATION}. ${share}.`)));
}
