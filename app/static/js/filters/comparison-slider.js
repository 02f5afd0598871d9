import { find, make } from "../shared/dom.js";

/**
 * Before and after, one over the other, with a line between them that can be dragged. Zoomed in, every pixel is a
 * square. `pick` is told the pixel of the result under the pointer or the arrow keys.
 */
export class Compare {
  constructor(root, { pick, slide }) {
    this.root = root;
    this.pick = pick;
    this.slide = slide;
    this.scroller = find(".viewer", root);
    this.range = find("input[type=range]", root);
    this.before = make("canvas", { class: "before" });
    this.after = make("canvas", { class: "after" });
    this.patch = make("div", { class: "patch", hidden: true });
    this.spot = make("div", { class: "spot", hidden: true });
    this.sheet = make("div", { class: "sheet" }, this.before, make("div", { class: "veil" }, this.after), this.patch, this.spot);
    this.veil = this.after.parentElement;
    this.handle = find(".handle", root);
    this.scroller.append(this.sheet);
    this.zoom = "fit";
    this.split = 50;
    this.placement = null;
    this.listen();
  }

  listen() {
    this.range.addEventListener("input", () => this.slideTo(Number(this.range.value)));
    this.scroller.addEventListener("scroll", () => this.drawSplit());
    new ResizeObserver(() => this.fit()).observe(this.scroller);
    this.handle.addEventListener("pointerdown", (event) => {
      this.handle.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.handle.addEventListener("pointermove", (event) => {
      if (!this.handle.hasPointerCapture(event.pointerId)) return;
      const box = this.scroller.getBoundingClientRect();
      this.slideTo(Math.min(Math.max(((event.clientX - box.left) / this.scroller.clientWidth) * 100, 0), 100));
    });
    this.sheet.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.pickAt(event, false));
    this.sheet.addEventListener("pointerleave", () => this.pick(null, false));
    this.sheet.addEventListener("click", (event) => this.pickAt(event, true));
    this.scroller.addEventListener("keydown", (event) => this.pickByKey(event));
  }

  slideTo(percent) {
    this.setSplit(percent);
    this.slide(this.split);
  }

  setSplit(percent) {
    this.split = Math.round(percent);
    this.range.value = String(this.split);
    this.drawSplit();
  }

  /** The line stands still in the window while the image is scrolled under it. */
  drawSplit() {
    const { clientWidth, scrollLeft } = this.scroller;
    const line = (this.split / 100) * clientWidth;
    const inSheet = line + scrollLeft - this.sheet.offsetLeft;
    const share = Math.min(Math.max((inSheet / Math.max(this.sheet.offsetWidth, 1)) * 100, 0), 100);
    this.veil.style.clipPath = `inset(0 0 0 ${share}%)`;
    this.handle.style.left = `${line}px`;
  }

  /** @param {ImageData} pixels */
  showBefore(pixels) {
    paint(this.before, pixels);
    this.after.hidden = true;
    this.placement = null;
    this.mark(null);
    this.fit();
  }

  /** @param {ImageData} pixels @param {{x: number, y: number, scaleX: number, scaleY: number}} placement in pixels of the image before */
  showAfter(pixels, placement) {
    paint(this.after, pixels);
    this.after.hidden = false;
    this.placement = placement;
    this.fit();
  }

  /** What was in the middle stays there; a pixel that was chosen comes there. */
  setZoom(zoom) {
    if (zoom === this.zoom) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.scroller;
    const middle = [(scrollLeft + clientWidth / 2) / this.scale, (scrollTop + clientHeight / 2) / this.scale];
    this.zoom = zoom;
    this.fit();
    this.center(this.marked ? this.marked.spot : middle);
  }

  center([x, y]) {
    this.scroller.scrollTo(x * this.scale - this.scroller.clientWidth / 2, y * this.scale - this.scroller.clientHeight / 2);
  }

  fit() {
    const { width, height } = this.before;
    const room = this.scroller.clientWidth;
    const fitting = Math.min(room / width, (0.5 * innerHeight) / height);
    const scale = this.zoom === "fit" ? (fitting >= 2 ? Math.floor(fitting) : fitting) : Number(this.zoom);
    this.scale = scale;
    this.sheet.style.width = `${width * scale}px`;
    this.sheet.style.height = `${height * scale}px`;
    this.sheet.classList.toggle("large", scale >= 1);
    if (this.placement) {
      const { x, y, scaleX, scaleY } = this.placement;
      place(this.after, x, y, this.after.width * scaleX, this.after.height * scaleY, scale);
    }
    this.mark(this.marked);
    this.drawSplit();
  }

  /** Frames the patch and the pixel that it gives. @param {{patch: number[], spot: number[]} | null} frames left, top, width, height */
  mark(frames) {
    this.marked = frames;
    this.patch.hidden = this.spot.hidden = !frames;
    if (!frames) return;
    place(this.patch, ...frames.patch, this.scale);
    place(this.spot, ...frames.spot, this.scale);
  }

  locate(event) {
    const box = this.sheet.getBoundingClientRect();
    const { x, y, scaleX, scaleY } = this.placement;
    const find = (distance, from, step, length) => Math.min(Math.max(Math.floor((distance / this.scale - from) / step), 0), length - 1);
    return [
      find(event.clientX - box.left, x, scaleX, this.after.width),
      find(event.clientY - box.top, y, scaleY, this.after.height),
    ];
  }

  pickAt(event, keep) {
    if (this.placement) this.pick(this.locate(event), keep);
  }

  pickByKey(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !this.placement || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [x, y] = this.at ?? [this.after.width >> 1, this.after.height >> 1];
    const reach = event.shiftKey ? 10 : 1;
    const at = [clamp(x + reach * step[0], this.after.width), clamp(y + reach * step[1], this.after.height)];
    this.pick(at, true);
    this.spot.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);

function paint(canvas, pixels) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function place(element, left, top, width, height, scale) {
  for (const [name, value] of Object.entries({ left, top, width, height })) element.style[name] = `${value * scale}px`;
}
