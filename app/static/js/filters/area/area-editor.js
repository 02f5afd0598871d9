/** The list of regions with their numbers, the mask, and what the kernels read. */

import { Problem } from "../../shared/api.js";
import { find, make, redrawKeepingFocus, setText } from "../../shared/dom.js";
import { IMAGE_TYPES } from "../../shared/image-input.js";
import { openImage } from "../../shared/image.js";
import { MAX_REGIONS, formatRegion } from "./area.js";
import { RegionBoxes } from "./region-boxes.js";

const NUMBERS = ["x", "y", "width", "height"];
const READS = { image: "all pixels", region: "only inside" };

export class AreaEditor {
  /** @param {import("./area-panel.js").AreaPanel} panel */
  constructor(panel) {
    this.panel = panel;
    this.list = make("ol", { class: "region-list", "aria-label": "Regions" });
    this.tools = make("div", { class: "row" });
    this.boxes = new RegionBoxes(this);
    this.hint = make("p", { class: "quiet" }, "Drag on the image to mark what is filtered. Other pixels keep their values.");
    find("#area-panel").append(this.tools, panel.error, this.hint, this.list);
  }

  /** @param {(area: import("../setting.js").AreaSetting) => void} change of the setting */
  change(change) {
    const { panel } = this;
    panel.session.apply(() => change(panel.setting), "step");
    panel.draw();
  }

  draw() {
    redrawKeepingFocus(this.list, () => this.list.replaceChildren(...this.panel.setting.regions.map((region, index) => this.drawRegion(region, index))));
    redrawKeepingFocus(this.tools, () => this.drawTools());
    this.hint.hidden = this.panel.setting.regions.length > 0;
    this.boxes.draw();
  }

  drawRegion(region, index) {
    const parts = region.split(",");
    const set = (number, text) => this.change(({ regions }) => {
      parts[number] = text.replace(/[\s,;]/g, "");
      regions[index] = NUMBERS.map((_, at) => parts[at] ?? "").join(",");
    });
    const drawNumber = (name, number) => {
      const input = make("input", {
        class: "number", id: `region-${index + 1}-${name}`, inputmode: "decimal", autocomplete: "off", value: parts[number] ?? "",
        "aria-label": `Region ${index + 1}, ${name}`, oninput: () => set(number, input.value), onkeydown: (event) => stepByKey(event, (text) => set(number, text)),
      });
      return make("label", {}, name, input);
    };
    return make("li", {}, ...NUMBERS.map(drawNumber),
      make("button", { type: "button", class: "tool", "aria-label": `Remove region ${index + 1}`, title: "Remove", onclick: () => this.remove(index) }, "×"));
  }

  remove(index) {
    this.change(({ regions }) => regions.splice(index, 1));
    find("#add-region").focus();
  }

  /** Adds a region in the middle, for the keyboard, and focuses it on the image. */
  add() {
    const { width, height } = this.panel.size;
    const [columns, rows] = [Math.max(1, Math.round(width / 4)), Math.max(1, Math.round(height / 4))];
    const region = formatRegion({ x: (width - columns) >> 1, y: (height - rows) >> 1, width: columns, height: rows });
    this.change(({ regions }) => regions.push(region));
    this.boxes.focus(this.panel.setting.regions.length - 1);
  }

  drawTools() {
    const { mask, isWhole, setting: { regions, reads } } = this.panel;
    const file = make("input", { class: "visually-hidden", type: "file", id: "mask-file", accept: IMAGE_TYPES, onchange: () => file.files[0] && this.openMask(file.files[0]) });
    this.tools.replaceChildren(
      make("button", { type: "button", class: "small", id: "add-region", disabled: regions.length >= MAX_REGIONS, onclick: () => this.add() }, "Add a region"),
      make("label", { class: "button small", for: file.id, title: "A grey image of the same size: white is filtered, black is not" }, mask ? "Another mask" : "Choose a mask", file),
      ...(mask ? [make("span", { class: "quiet", id: "mask-name" }, `${mask.name} (not part of the link)`),
        make("button", { type: "button", class: "tool", "aria-label": "Remove the mask", title: "Remove the mask", onclick: () => this.change((area) => { area.mask = ""; }) }, "×")] : []),
      ...(isWhole ? [] : [make("label", { title: "Whether results near the edge of a region depend on pixels outside it" }, "Kernels read ",
        make("select", { id: "reads", onchange: (event) => this.change((area) => { area.reads = event.target.value; }) },
          ...Object.entries(READS).map(([value, text]) => make("option", { value, selected: value === reads }, text))))]));
  }

  /** @param {File} file */
  async openMask(file) {
    const { panel } = this;
    const { image } = panel.session;
    setText(panel.error, "");
    find("#mask-file").value = ""; // so that choosing the same file again fires an event
    try {
      const mask = await openImage(file, file.name);
      if (panel.session.image !== image) return;
      if (mask.width !== image.width || mask.height !== image.height) {
        throw new Problem(422, { detail: `The mask has ${mask.width} × ${mask.height} pixels, the image ${image.width} × ${image.height}. They must be equal.` });
      }
      const name = `mask-${panel.masks.size + 1}`;
      panel.masks.set(name, mask);
      this.change((area) => { area.mask = name; });
    } catch (problem) {
      setText(panel.error, `${file.name}: ${problem.message}`);
    }
  }
}

/** Arrow up and down change a whole number by 1, with Shift by 10. @param {KeyboardEvent} event @param {(text: string) => void} set */
function stepByKey(event, set) {
  const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (!direction || !/^\d+$/.test(input.value)) return;
  event.preventDefault();
  set(String(Math.max(0, Number(input.value) + direction * (event.shiftKey ? 10 : 1))));
}
