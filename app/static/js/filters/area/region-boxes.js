/** Regions on the image: drawn, moved and resized with the pointer or the arrow keys; and what a mask leaves as it is. */

import { make, redrawKeepingFocus } from "../../shared/dom.js";
import { MAX_REGIONS, formatRegion, placeRegion, readShare } from "./area.js";

/**
 * @typedef {import("./area.js").Rectangle} Rectangle
 * @typedef {{index: number, start: number[], rectangle?: Rectangle, isResizing?: boolean}} Gesture `start` is where the pointer
 *   went down, in pixels of the image; a region that is being drawn has no `rectangle`
 */

/** A shorter movement of the pointer is a click. */
const MIN_DRAG = 4;
/** Darkness of what a mask leaves as it is, 0..255. */
const SHADE = 150;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class RegionBoxes {
  /** @param {import("./area-editor.js").AreaEditor} editor */
  constructor(editor) {
    this.editor = editor;
    this.shade = make("canvas", { class: "mask-shade", hidden: true });
    this.layer = make("div", { class: "region-layer", role: "group", "aria-label": "Regions on the image" });
    editor.panel.session.slider.images.append(this.shade, this.layer);
    /** @type {Gesture|null} */
    this.gesture = null;
    /** @type {unknown} the mask that is drawn */
    this.shown = null;
    this.listen();
  }

  listen() {
    const { layer } = this;
    layer.addEventListener("pointerdown", (event) => this.begin(event));
    layer.addEventListener("pointermove", (event) => this.drag(event));
    for (const type of ["pointerup", "pointercancel"]) layer.addEventListener(type, () => { this.gesture = null; });
    layer.addEventListener("click", (event) => event.stopPropagation()); // the image below would choose a pixel
    layer.addEventListener("keydown", (event) => this.changeByKey(event));
  }

  /** The place of the pointer, in pixels of the image. */
  locate(event) {
    const box = this.layer.getBoundingClientRect();
    const { width, height } = this.editor.panel.size;
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  }

  begin(event) {
    if (event.button) return;
    event.stopPropagation();
    const { regions } = this.editor.panel.setting;
    const box = event.target.closest("[data-region]");
    const start = this.locate(event);
    if (box) {
      const index = Number(box.dataset.region);
      this.gesture = { index, start, rectangle: this.place(regions[index]), isResizing: box.classList.contains("corner") };
    } else if (regions.length < MAX_REGIONS) {
      event.preventDefault(); // keeps the focus where it is
      this.gesture = { index: regions.length, start };
    }
    if (this.gesture) this.layer.setPointerCapture(event.pointerId);
  }

  drag(event) {
    event.stopPropagation();
    const { gesture } = this;
    if (!gesture) return;
    const { index, start, rectangle, isResizing } = gesture;
    const [x, y] = this.locate(event);
    if (!rectangle) {
      const scale = this.layer.clientWidth / this.editor.panel.size.width;
      const isDrawn = index < this.editor.panel.setting.regions.length;
      if (isDrawn || Math.hypot(x - start[0], y - start[1]) * scale >= MIN_DRAG) this.set(index, this.span(start, [x, y]));
    } else if (isResizing) this.set(index, this.resize(rectangle, x - start[0], y - start[1]));
    else this.set(index, this.move(rectangle, x - start[0], y - start[1]));
  }

  /** The pixels between two places. @returns {Rectangle} */
  span(start, end) {
    const { width, height } = this.editor.panel.size;
    const spanAxis = (from, to, side) => {
      const first = Math.min(Math.max(Math.floor(Math.min(from, to)), 0), side - 1);
      return [first, Math.max(1, Math.min(Math.ceil(Math.max(from, to)), side) - first)];
    };
    const [[x, columns], [y, rows]] = [spanAxis(start[0], end[0], width), spanAxis(start[1], end[1], height)];
    return { x, y, width: columns, height: rows };
  }

  /** @param {Rectangle} rectangle @returns {Rectangle} inside of the image */
  move(rectangle, byX, byY) {
    const { width, height } = this.editor.panel.size;
    const moveAxis = (first, length, by, side) => Math.min(Math.max(Math.round(first + by), 0), side - length);
    return { ...rectangle, x: moveAxis(rectangle.x, rectangle.width, byX, width), y: moveAxis(rectangle.y, rectangle.height, byY, height) };
  }

  /** @param {Rectangle} rectangle @returns {Rectangle} inside of the image, at least one pixel */
  resize(rectangle, byX, byY) {
    const { width, height } = this.editor.panel.size;
    const resizeAxis = (first, length, by, side) => Math.min(Math.max(Math.round(length + by), 1), side - first);
    return { ...rectangle, width: resizeAxis(rectangle.x, rectangle.width, byX, width), height: resizeAxis(rectangle.y, rectangle.height, byY, height) };
  }

  /** @param {Rectangle} rectangle */
  set(index, rectangle) {
    const region = formatRegion(rectangle);
    if (this.editor.panel.setting.regions[index] !== region) this.editor.change(({ regions }) => { regions[index] = region; });
  }

  changeByKey(event) {
    const box = event.target.closest("[data-region]");
    if (!box || event.altKey || event.ctrlKey || event.metaKey) return;
    const index = Number(box.dataset.region);
    const direction = DIRECTIONS[event.key];
    if (!direction && event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    event.stopPropagation(); // the arrow keys would move the inspected pixel
    if (!direction) return this.editor.remove(index);
    const [byX, byY] = direction.map((step) => step * (event.shiftKey ? 10 : 1));
    const rectangle = this.place(this.editor.panel.setting.regions[index]);
    this.set(index, box.classList.contains("corner") ? this.resize(rectangle, byX, byY) : this.move(rectangle, byX, byY));
  }

  /** @param {string} region @returns {Rectangle} throws Problem */
  place(region) {
    const { width, height } = this.editor.panel.size;
    return placeRegion(region, width, height);
  }

  focus(index) {
    this.layer.querySelector(`[data-region="${index}"]`)?.focus();
  }

  draw() {
    const { isOpen, mask, setting: { regions } } = this.editor.panel;
    this.layer.inert = !isOpen;
    redrawKeepingFocus(this.layer, () => this.layer.replaceChildren(...regions.flatMap((region, index) => this.drawBox(region, index))));
    this.shade.hidden = !mask || !isOpen;
    if (mask && mask !== this.shown) paintShade(this.shade, mask.pixels);
    this.shown = mask;
  }

  /** A button that moves the region, and one that resizes it; nothing for a region without a place. */
  drawBox(region, index) {
    let rectangle;
    try {
      rectangle = this.place(region);
    } catch {
      return [];
    }
    const { x, y, width, height } = rectangle;
    const { size } = this.editor.panel;
    const number = index + 1;
    const box = make("button", {
      type: "button", class: "region", id: `region-box-${number}`, "data-region": index,
      "aria-label": `Region ${number}: ${width} × ${height} pixels at ${x}, ${y}. The arrow keys move it, Delete removes it.`,
    });
    const corner = make("button", {
      type: "button", class: "corner", id: `region-corner-${number}`, "data-region": index,
      "aria-label": `Lower right corner of region ${number}. The arrow keys resize the region.`,
    });
    Object.assign(box.style, { left: percent(x, size.width), top: percent(y, size.height), width: percent(width, size.width), height: percent(height, size.height) });
    Object.assign(corner.style, { left: percent(x + width, size.width), top: percent(y + height, size.height) });
    return [box, corner];
  }
}

const percent = (pixels, side) => `${(100 * pixels) / side}%`;

/** Darkens what the mask leaves as it is. @param {HTMLCanvasElement} canvas @param {ImageData} mask */
function paintShade(canvas, mask) {
  const { width, height } = mask;
  Object.assign(canvas, { width, height });
  const shade = new ImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) shade.data[4 * (y * width + x) + 3] = SHADE * (1 - readShare(mask, [x, y]));
  }
  canvas.getContext("2d").putImageData(shade, 0, 0);
}
