import { make, makeSvg, setText } from "../shared/dom.js";
import { formatProbability } from "../shared/numbers.js";
import { drawProbabilityBars, updateProbabilityBars } from "../shared/probability-bars.js";

/** The row of the network's eleventh output. */
const NOT_A_DIGIT_ROW = 10;

const STAGE_CAPTIONS = {
  grey: "grey levels",
  ink: "detected ink",
  digit: "isolated digit",
  strokes: "even stroke thickness",
};

/** @param {any} result of /classify @param {boolean} padIsEmpty */
function describeVerdict({ verdict, digit, confidence, alternatives, other_pieces: otherPieces }, padIsEmpty) {
  const [second] = alternatives;
  if (verdict === "blank") return padIsEmpty ? "Draw a digit" : "No ink found";
  if (verdict === "not_a_digit") return `Not a digit. Nearest: ${digit}`;
  if (verdict === "unsure" && otherPieces) return `${digit}, but there is more in the image. Try “Several digits”.`;
  if (verdict === "unsure") {
    return `Unsure: ${digit} (${formatProbability(confidence)})${second ? ` or ${second.digit} (${formatProbability(second.probability)})` : ""}`;
  }
  return `Digit: ${digit} (${formatProbability(confidence)})`;
}

/** @param {HTMLElement} root @param {any} result of /classify with preview @param {boolean} padIsEmpty */
export function drawDigitResult(root, result, padIsEmpty) {
  if (!root.childElementCount) root.append(...layOutResult());
  const { verdict, digit, probabilities, not_a_digit: notADigit } = result;
  const blank = verdict === "blank";
  root.dataset.verdict = verdict;
  root.dataset.digit = digit ?? "";
  setText(root.querySelector(".sign"), { digit: String(digit), unsure: `${digit}?`, not_a_digit: "✕", blank: "·" }[verdict]);
  setText(root.querySelector(".verdict"), describeVerdict(result, padIsEmpty));
  updateProbabilityBars(root.querySelector(".bars"), blank ? null : [...probabilities, notADigit],
    (index) => index === digit || (index === NOT_A_DIGIT_ROW && verdict === "not_a_digit"));
  drawStages(root.querySelector(".stages"), result);
}

/**
 * Frames the digit in an opened image.
 * @param {SVGElement} overlay over the pad @param {any} box in pixels of the image, or null @param {import("./draw-pad.js").Placement} placement
 */
export function drawDigitBox(overlay, box, { left, top, scale }) {
  overlay.replaceChildren(...(box
    ? [makeSvg("rect", { x: left + box.left * scale, y: top + box.top * scale, width: box.width * scale, height: box.height * scale, class: "digit" })] : []));
}

function layOutResult() {
  const names = [..."0123456789", make("span", { title: "not a digit" }, "✕")];
  return [
    make("div", { class: "answer" }, make("span", { class: "sign", "aria-hidden": "true" }), make("p", { class: "verdict", id: "verdict", role: "status" })),
    drawProbabilityBars(names, "Probability of each digit, and of “not a digit”"),
    make("h3", {}, "From the drawing to the network's input"),
    make("div", { class: "stages" }),
  ];
}

function drawStages(root, { preview, steps, verdict }) {
  if (!preview?.seen) {
    root.replaceChildren(make("p", { class: "quiet" }, verdict === "blank" ? "Nothing to show yet." : "No steps available."));
    return;
  }
  const drawImage = (source, caption, className = "") => make("figure", { class: className },
    make("img", { src: source, alt: caption }), make("figcaption", {}, caption));
  const facts = steps && [
    `${steps.polarity} ink`, `contrast ${steps.contrast.toFixed(2)}`, `${(100 * steps.ink_share).toFixed(1)} % of the image is ink`,
    `strokes ${steps.stroke_width.toFixed(1)} of 20 pixels wide`, ...(steps.as_is ? ["already in MNIST format"] : []),
  ].join(" · ");
  root.replaceChildren(
    ...Object.entries(preview.stages).map(([name, source]) => drawImage(source, STAGE_CAPTIONS[name] ?? name)),
    drawImage(preview.seen, "the network's input: 28 × 28, centred by mass", "seen"),
    make("p", { class: "quiet facts" }, facts ?? ""));
}
