import { make, makeSvg } from "../shared/dom.js";
import { formatProbability } from "../shared/numbers.js";

/**
 * The text of several digits, and a box around each.
 * @param {HTMLElement} root @param {SVGElement} overlay over the pad
 * @param {any} page the reply of /read @param {import("./draw-pad.js").Placement} placement of the image on the pad
 */
export function drawPageResult(root, overlay, page, placement) {
  root.replaceChildren(
    make("p", { class: "quiet" }, page.turned ? `Read after rotating the page by ${page.turned}°.` : "Read line by line:"),
    make("p", { class: "read-text", id: "read-text", role: "status" }, page.text || (page.reason === "text_like" ? "No digits found: most of the many signs are not digits" : "No digits found")),
    make("p", { class: "quiet" }, `${describeCounts(page)}. Dashed: unsure. ✕: not a digit.`));
  overlay.replaceChildren(...page.digits.flatMap((digit) => drawBox(digit, placement)));
}

function describeCounts({ digits }) {
  const read = digits.filter(({ verdict }) => verdict !== "not_a_digit").length;
  const ignored = digits.length - read;
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  return count(read, "digit") + (ignored ? `, ${count(ignored, "other sign")} ignored` : "");
}

function drawBox({ box, digit, verdict, confidence }, { scale, left, top }) {
  const [x, y, width, height] = [left + box.left * scale, top + box.top * scale, box.width * scale, box.height * scale];
  const label = verdict === "not_a_digit" ? "✕" : `${digit}${verdict === "unsure" ? "?" : ""}`;
  return [
    makeSvg("rect", { x, y, width, height, class: verdict }, makeSvg("title", {}, `${digit}: ${formatProbability(confidence)}`)),
    makeSvg("text", { x, y: y - 4, class: verdict }, label),
  ];
}
