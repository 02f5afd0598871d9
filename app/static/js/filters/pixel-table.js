import { make, show } from "../shared/dom.js";

/** The working of one pixel, as in a lecture. */
export class Inspector {
  constructor(root) {
    this.root = root;
    this.channel = 0;
    this.last = null;
  }

  /** @param {string} text why there is nothing to work out */
  explain(text) {
    this.last = null;
    this.root.replaceChildren(make("p", { class: "quiet" }, text));
  }

  /**
   * @param {{working: import("./pixel.js").Working[], pixel: number[]}} worked
   * @param {import("./pixel.js").Plan} plan
   * @param {{at: number[], given: number[], linear: boolean}} where `given` is the pixel of the API's answer
   */
  show(worked, plan, where) {
    this.last = [worked, plan, where];
    const { working, pixel } = worked;
    const channel = Math.min(this.channel, working.length - 1);
    const same = pixel.every((value, index) => value === where.given[index]);
    this.root.replaceChildren(
      make("p", { class: "where" }, `Pixel ${where.at[0]}, ${where.at[1]} `, swatch(where.given), ...this.drawChannels(working, channel)),
      make("div", { class: "worked" },
        working[channel].taps[0].length * working[channel].taps[0][0].length <= 81
          ? drawPatch(working[channel])
          : make("p", { class: "quiet" }, `The patch has ${working[channel].taps[0].length} × ${working[channel].taps[0][0].length} pixels: too many to write out.`),
        drawTable(working, plan, where.linear, channel)),
      make("p", { class: same ? "verdict same" : "verdict", id: "inspected", "data-worked": pixel.join(","), "data-given": where.given.join(",") },
        same ? `The API's pixel is ${where.given.join(", ")}: the same.` : `The API's pixel is ${where.given.join(", ")}; worked out here: ${pixel.join(", ")}.`),
    );
  }

  drawChannels(working, chosen) {
    if (working.length < 2) return [];
    return working.map((one, index) => make("button", {
      type: "button", class: "small", "aria-pressed": String(index === chosen),
      onclick: () => {
        this.channel = index;
        this.show(...this.last);
        this.root.querySelector("button[aria-pressed=true]").focus();
      },
    }, one.name));
  }
}

const swatch = ([r, g, b]) => {
  const box = make("span", { class: "swatch", role: "img", "aria-label": `colour ${r}, ${g}, ${b}` });
  box.style.background = `rgb(${r} ${g} ${b})`;
  return box;
};

/** The patch under the kernel: each cell the pixel, its weight and their product. */
function drawPatch(working) {
  const tables = working.taps.map((part, index) => {
    const rows = part.map((row) => make("tr", {}, ...row.map((tap) => {
      const cell = make("td", { class: tap.outside ? "outside" : "" },
        make("span", { class: "factor" }, `${show(tap.value, 1)} × ${show(tap.weight, 3)}`),
        make("span", { class: "product" }, show(tap.product, 1)));
      const grey = Math.round(Math.min(Math.max(tap.value, 0), 255));
      cell.style.setProperty("--value", `rgb(${grey} ${grey} ${grey})`);
      return cell;
    })));
    const title = working.taps.length > 1 ? `kernel ${index + 1} of ${working.taps.length}` : "pixel × weight = product";
    return make("table", { class: "patch-table" }, make("caption", {}, title), make("tbody", {}, ...rows));
  });
  return make("div", { class: "patches", tabindex: 0, role: "group", "aria-label": "The patch under the kernel" }, ...tables);
}

function drawTable(working, plan, linear, chosen) {
  const row = (title, values, class_ = "") => make("tr", { class: class_ }, make("th", { scope: "row" }, title),
    ...values.map((value, index) => make("td", { class: index === chosen ? "chosen" : "" }, typeof value === "number" ? show(value, 3) : value)));
  const rows = plan.parts.map((_, part) =>
    row(plan.parts.length > 1 ? `sum of products ${part + 1}` : "sum of the products", working.map((one) => one.sums[part])));
  const combining = { magnitude: "÷ divisor, √ of the sum of squares", maximum: "÷ divisor, the largest" }[plan.combine];
  rows.push(row(`${combining ?? "÷ divisor"} (${show(plan.divisor)})`, working.map((one) => one.divided)));
  if (plan.amount !== 1) rows.push(row(`${show(plan.amount)} of it + ${show(1 - plan.amount)} of the pixel itself`, working.map((one) => one.mixed)));
  rows.push(row(`+ bias (${show(plan.bias)})`, working.map((one) => one.biased)));
  rows.push(row(`response: ${plan.response}${linear ? ", back to sRGB" : ""}`, working.map((one) => one.responded)));
  rows.push(row("rounded, 0 to 255", working.map((one) => one.final), "final"));
  const head = make("tr", {}, make("td"), ...working.map((one, index) => make("th", { scope: "col", class: index === chosen ? "chosen" : "" }, one.name)));
  return make("table", { class: "working" }, make("thead", {}, head), make("tbody", {}, ...rows));
}

