import { make, say } from "../shared/dom.js";

const STAGES = {
  grey: "as brightness",
  ink: "the ink that was found",
  digit: "the digit alone",
  strokes: "strokes of even thickness",
};
const percent = (share) => (share > 0.9995 ? "> 99.9 %" : `${(100 * share).toFixed(share < 0.0995 || share > 0.99 ? 1 : 0)} %`);

/** The answer in words. */
export function describeVerdict({ verdict, digit, confidence, alternatives, other_pieces: others }) {
  const [other] = alternatives;
  if (verdict === "blank") return "blank: there is no ink";
  if (verdict === "not_a_digit") return `not a digit; the nearest would be ${digit}`;
  if (verdict === "unsure" && others) return `${digit}, but there is more: read it as several digits`;
  if (verdict === "unsure") return `unsure: perhaps ${digit} (${percent(confidence)})${other ? `, or ${other.digit} (${percent(other.probability)})` : ""}`;
  return `digit: ${digit} (${percent(confidence)})`;
}

/** @param {HTMLElement} root @param {any} answer of /classify with preview */
export function drawReading(root, answer) {
  if (!root.childElementCount) build(root);
  const sign = { digit: answer.digit, unsure: `${answer.digit}?`, not_a_digit: "✕", blank: "·" }[answer.verdict];
  root.dataset.verdict = answer.verdict;
  root.dataset.digit = answer.digit ?? "";
  say(root.querySelector(".sign"), String(sign));
  say(root.querySelector(".words"), describeVerdict(answer));
  const bars = root.querySelectorAll(".bars li");
  answer.probabilities.forEach((probability, digit) => {
    const shown = answer.verdict === "blank" ? 0 : probability;
    bars[digit].classList.toggle("best", digit === answer.digit);
    bars[digit].querySelector(".fill").style.width = `${100 * shown}%`;
    say(bars[digit].querySelector(".share"), answer.verdict === "blank" ? "–" : percent(probability));
  });
  const none = bars[10];
  none.classList.toggle("best", answer.verdict === "not_a_digit");
  none.querySelector(".fill").style.width = `${answer.verdict === "blank" ? 0 : 100 * answer.not_a_digit}%`;
  say(none.querySelector(".share"), answer.verdict === "blank" ? "–" : percent(answer.not_a_digit));
  drawStages(root.querySelector(".stages"), answer);
}

function build(root) {
  root.append(
    make("div", { class: "answer" }, make("span", { class: "sign", "aria-hidden": "true" }), make("p", { class: "words", id: "verdict", role: "status" })),
    make("ol", { class: "bars", "aria-label": "Probability of each digit, and that it is none" }, ...Array.from({ length: 11 }, (_, digit) =>
      make("li", {}, make("span", { class: "name", ...(digit === 10 && { title: "not a digit" }) }, digit === 10 ? "✕" : digit), make("span", { class: "bar" }, make("span", { class: "fill" })), make("span", { class: "share" })))),
    make("h3", {}, "What the network saw, and how it came about"),
    make("div", { class: "stages" }));
}

function drawStages(root, { preview, steps, verdict }) {
  if (!preview?.seen) {
    root.replaceChildren(make("p", { class: "quiet" }, verdict === "blank" ? "Nothing yet." : "No steps."));
    return;
  }
  const frame = (source, caption, class_ = "") => make("figure", { class: class_ },
    make("img", { src: source, alt: caption }), make("figcaption", {}, caption));
  const facts = steps && [
    `${steps.polarity} ink`, `contrast ${steps.contrast.toFixed(2)}`, `${(100 * steps.ink_share).toFixed(1)} % of the image is ink`,
    `strokes ${steps.stroke_width.toFixed(1)} of 20 pixels wide`, ...(steps.as_is ? ["already in MNIST's form"] : []),
  ].join(" · ");
  root.replaceChildren(
    ...Object.entries(preview.stages).map(([name, source]) => frame(source, STAGES[name] ?? name)),
    frame(preview.seen, "28 × 28, its mass in the middle: this is what the network saw", "seen"),
    make("p", { class: "quiet facts" }, facts ?? ""));
}

/** The boxes and the text of several digits. @param {HTMLElement} root @param {SVGElement} overlay over the pad */
export function drawPage(root, overlay, page, { scale, left, top }) {
  const inText = page.digits.filter(({ line }) => line !== null);
  root.replaceChildren(
    make("p", { class: "quiet" }, page.turned ? `Read after turning the page by ${page.turned}°.` : "Read line by line:"),
    make("p", { class: "read", id: "read-text", role: "status" }, page.text || "no digits found"),
    make("p", { class: "quiet" }, `${inText.length} ${inText.length === 1 ? "digit" : "digits"}${page.digits.length > inText.length ? `, ${page.digits.length - inText.length} other signs left out` : ""}. Dashed: unsure. Crossed out: not a digit.`));
  overlay.replaceChildren(...page.digits.flatMap(({ box, digit, verdict, confidence }) => {
    const [x, y, width, height] = [left + box.left * scale, top + box.top * scale, box.width * scale, box.height * scale];
    const label = drawSvg("text", { x, y: y - 4, class: verdict });
    label.textContent = verdict === "not_a_digit" ? "✕" : `${digit}${verdict === "unsure" ? "?" : ""}`;
    const title = drawSvg("title", {});
    title.textContent = `${digit}: ${percent(confidence)}`;
    const frame = drawSvg("rect", { x, y, width, height, class: verdict });
    frame.append(title);
    return [frame, label];
  }));
}

export function drawSvg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
