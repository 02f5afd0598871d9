import { make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";

const MAX_LISTED_WEIGHTS = 81;

/** The computation of one pixel: the products under the kernel, and the steps from their sum to the result. */
export class PixelTable {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.channel = 0;
  }

  /** @param {string} text why there is nothing to show */
  showMessage(text) {
    this.root.replaceChildren(make("p", { class: "quiet" }, text));
  }

  /**
   * @param {{channels: import("./pixel.js").Computation[], pixel: number[]}} computed
   * @param {import("./plan.js").Plan} plan
   * @param {{at: [number, number], returned: number[], linear: boolean}} where `returned` is the pixel of the API's reply
   */
  show(computed, plan, where) {
    const { channels, pixel } = computed;
    const { at, returned, linear } = where;
    const chosen = Math.min(this.channel, channels.length - 1);
    const choose = (index) => {
      this.channel = index;
      this.show(computed, plan, where);
      /** @type {HTMLElement} */ (this.root.querySelector("button[aria-pressed=true]")).focus();
    };
    const same = pixel.every((value, index) => value === returned[index]);
    this.root.replaceChildren(
      make("p", { class: "pixel-position" }, `Pixel ${at[0]}, ${at[1]} `, drawSwatch(returned), ...drawChannelButtons(channels, chosen, choose)),
      make("div", { class: "computation" }, drawPatch(channels[chosen]), drawSteps(channels, plan, linear, chosen)),
      make("p", { class: same ? "check same" : "check", id: "inspected", "data-computed": pixel.join(","), "data-returned": returned.join(",") },
        same ? `Match: the API returned the same pixel, ${returned.join(", ")}.`
          : `Mismatch: the API returned ${returned.join(", ")}; the page computed ${pixel.join(", ")}.`),
    );
  }
}

function drawChannelButtons(channels, chosen, choose) {
  if (channels.length < 2) return [];
  return channels.map(({ name }, index) => make("button", {
    type: "button", class: "small", "aria-pressed": String(index === chosen), onclick: () => choose(index),
  }, name));
}

/** @param {number[]} colour */
function drawSwatch([red, green, blue]) {
  const swatch = make("span", { class: "swatch", role: "img", "aria-label": `colour ${red}, ${green}, ${blue}` });
  swatch.style.background = `rgb(${red} ${green} ${blue})`;
  return swatch;
}

/** The pixels under the kernel: each cell has the pixel, its weight and their product. */
function drawPatch({ taps }) {
  const [rows, columns] = [taps[0].length, taps[0][0].length];
  if (rows * columns > MAX_LISTED_WEIGHTS) return make("p", { class: "quiet" }, `The kernel covers ${rows} × ${columns} pixels, too many to list.`);
  const tables = taps.map((part, index) => make("table", { class: "patch-table" },
    make("caption", {}, taps.length > 1 ? `kernel ${index + 1} of ${taps.length}` : "pixel × weight = product"),
    make("tbody", {}, ...part.map((row) => make("tr", {}, ...row.map(drawTap))))));
  return make("div", { class: "patches", tabindex: 0, role: "group", "aria-label": "Pixels under the kernel" }, ...tables);
}

function drawTap({ value, weight, product, outside }) {
  const cell = make("td", { class: outside ? "outside" : "" },
    make("span", { class: "factor" }, `${formatNumber(value, 1)} × ${formatNumber(weight, 3)}`),
    make("span", { class: "product" }, formatNumber(product, 1)));
  const grey = Math.round(Math.min(Math.max(value, 0), 255));
  cell.style.setProperty("--value", `rgb(${grey} ${grey} ${grey})`);
  return cell;
}

function drawSteps(channels, plan, linear, chosen) {
  const mark = (index) => (index === chosen ? "chosen" : "");
  const drawRow = (title, values, className = "") => make("tr", { class: className }, make("th", { scope: "row" }, title),
    ...values.map((value, index) => make("td", { class: mark(index) }, formatNumber(value, 3))));
  const rows = plan.parts.map((_, part) =>
    drawRow(plan.combine === "median" ? "median of the pixels" : plan.parts.length > 1 ? `sum of products ${part + 1}` : "sum of products", channels.map(({ sums }) => sums[part])));
  const combining = { magnitude: "÷ divisor, square root of the sum of squares", maximum: "÷ divisor, maximum" }[plan.combine];
  if (plan.combine !== "median") rows.push(drawRow(`${combining ?? "÷ divisor"} (${formatNumber(plan.divisor)})`, channels.map(({ divided }) => divided)));
  if (plan.amount !== 1) {
    rows.push(drawRow(`${formatNumber(plan.amount)} × filtered + ${formatNumber(1 - plan.amount)} × original`, channels.map(({ mixed }) => mixed)));
  }
  rows.push(drawRow(`+ bias (${formatNumber(plan.bias)})`, channels.map(({ biased }) => biased)));
  rows.push(drawRow(`response: ${plan.response}${linear ? ", converted to sRGB" : ""}`, channels.map(({ responded }) => responded)));
  rows.push(drawRow("rounded, 0 to 255", channels.map(({ final }) => final), "final"));
  const head = make("tr", {}, make("td"), ...channels.map(({ name }, index) => make("th", { scope: "col", class: mark(index) }, name)));
  return make("table", { class: "steps" }, make("thead", {}, head), make("tbody", {}, ...rows));
}
