import { make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { isSame } from "./bench/cell-values.js";
import { hasNoWeights, nameMap } from "./pixel.js";

const MAX_LISTED_WEIGHTS = 81;
/** Tables of a layer that are listed, one for each map of its input. */
const MAX_LISTED_PARTS = 8;

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
    const same = pixel.every((value, index) => isSame(value, returned[index], plan.response !== "raw"));
    this.root.replaceChildren(
      make("p", { class: "pixel-position" }, `Pixel ${at[0]}, ${at[1]} `, ...(returned.length === 3 ? [drawSwatch(returned)] : []), ...drawChannelButtons(channels, chosen, choose)),
      make("div", { class: "computation" }, drawPatch(channels[chosen], plan), drawSteps(channels, plan, linear, chosen)),
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
function drawPatch({ taps, maps }, plan) {
  const [rows, columns] = [taps[0].length, taps[0][0].length];
  if (rows * columns > MAX_LISTED_WEIGHTS) return make("p", { class: "quiet" }, `The kernel covers ${rows} × ${columns} pixels, too many to list.`);
  if (taps.length > MAX_LISTED_PARTS) return make("p", { class: "quiet" }, `The layer covers ${rows} × ${columns} pixels of ${taps.length} maps, too many to list.`);
  const caption = hasNoWeights(plan) ? "pixels under the window" : "pixel × weight = product";
  const name = (index) => (plan.layer ? nameMap(maps[index], plan.inputs) : `kernel ${index + 1} of ${taps.length}`);
  const tables = taps.map((part, index) => make("table", { class: "patch-table" },
    make("caption", {}, taps.length > 1 ? name(index) : caption),
    make("tbody", {}, ...part.map((row) => make("tr", {}, ...row.map((tap) => drawTap(tap, hasNoWeights(plan))))))));
  return make("div", { class: "patches", tabindex: 0, role: "group", "aria-label": "Pixels under the kernel" }, ...tables);
}

/** @param {import("./pixel.js").Tap} tap @param {boolean} isBare without a weight */
function drawTap({ value, weight, product, outside }, isBare) {
  const shown = Number.isNaN(value) ? "–" : formatNumber(isBare ? value : product, 1);
  const cell = make("td", { class: outside ? "outside" : "" },
    ...(isBare ? [] : [make("span", { class: "factor" }, `${formatNumber(value, 1)} × ${formatNumber(weight, 3)}`)]),
    make("span", { class: "product" }, shown));
  const grey = Math.round(Math.min(Math.max(value, 0), 255));
  cell.style.setProperty("--value", `rgb(${grey} ${grey} ${grey})`);
  return cell;
}

function drawSteps(channels, plan, linear, chosen) {
  const mark = (index) => (index === chosen ? "chosen" : "");
  const drawRow = (title, values, className = "") => make("tr", { class: className }, make("th", { scope: "row" }, title),
    ...values.map((value, index) => make("td", { class: mark(index) }, formatNumber(value, 3))));
  const rows = plan.parts.length > MAX_LISTED_PARTS ? [] : plan.parts.map((_, part) => drawRow(nameSum(plan, part), channels.map(({ sums }) => sums[part])));
  const combining = { magnitude: "÷ divisor, square root of the sum of squares", maximum: "÷ divisor, maximum" }[plan.combine];
  if (plan.combine === "total") rows.push(drawRow(`sum of ${plan.parts.length} maps`, channels.map(({ divided }) => divided)));
  else if (!hasNoWeights(plan)) rows.push(drawRow(`${combining ?? "÷ divisor"} (${formatNumber(plan.divisor)})`, channels.map(({ divided }) => divided)));
  if (plan.amount !== 1) {
    rows.push(drawRow(`${formatNumber(plan.amount)} × filtered + ${formatNumber(1 - plan.amount)} × original`, channels.map(({ mixed }) => mixed)));
  }
  if (!plan.layer) rows.push(drawRow(`+ bias (${formatNumber(plan.bias)})`, channels.map(({ biased }) => biased)));
  else if (plan.layer.filters) rows.push(drawRow("+ bias", channels.map(({ biased }) => biased)));
  if (plan.layer?.isRectified) rows.push(drawRow("ReLU", channels.map(({ rectified }) => rectified)));
  rows.push(drawRow(`response: ${plan.response}${linear ? ", converted to sRGB" : ""}`, channels.map(({ responded }) => responded)));
  rows.push(drawRow(plan.response === "raw" ? "result" : "rounded, 0 to 255", channels.map(({ final }) => final), "final"));
  const head = make("tr", {}, make("td"), ...channels.map(({ name }, index) => make("th", { scope: "col", class: mark(index) }, name)));
  return make("table", { class: "steps" }, make("thead", {}, head), make("tbody", {}, ...rows));
}

const CHOICES = { median: "median of the pixels", largest: "largest of the pixels", smallest: "smallest of the pixels", average: "average of the pixels", rectified: "below 0 becomes 0" };

/** @param {import("./plan.js").Plan} plan @param {number} part */
function nameSum({ combine, parts, layer, inputs }, part) {
  if (combine in CHOICES) return CHOICES[combine];
  if (layer) return `sum of products, ${part < inputs ? nameMap(part, inputs) : "alpha"}`;
  return parts.length > 1 ? `sum of products ${part + 1}` : "sum of products";
}
