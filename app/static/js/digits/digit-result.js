import { make, makeSvg, setText } from "../shared/dom.js";
import { formatProbability } from "../shared/numbers.js";

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
  const rows = root.querySelectorAll(".bars li");
  const fills = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".bars .fill"));
  [...probabilities, notADigit].forEach((probability, index) => {
    rows[index].classList.toggle("best", index === digit || (index === NOT_A_DIGIT_ROW && verdict === "not_a_digit"));
    fills[index].style.width = `${blank ? 0 : 100 * probability}%`;
    setText(rows[index].querySelector(".share"), blank ? "–" : formatProbability(probability));
  });
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
  const rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => make("span", { class: "name" }, digit));
  rows.push(make("span", { class: "name", title: "not a digit" }, "✕"));
  return [
    make("div", { class: "answer" }, make("span", { class: "sign", "aria-hidden": "true" }), make("p", { class: "verdict", id: "verdict", role: "status" })),
    make("ol", { class: "bars", "aria-label": "Probability of each digit, and of “not a digit”" }, ...rows.map((name) =>
      make("li", {}, name, make("span", { class: "bar" }, make("span", { class: "fill" })), make("span", { class: "share" })))),
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
