import { parseAddress } from "../shared/address.js";
import { Problem, request, requestJson } from "../shared/api.js";
import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, makeSvg, setText } from "../shared/dom.js";
import { receiveImages } from "../shared/image-input.js";
import { openImage } from "../shared/image.js";
import { encodePng } from "../shared/png.js";
import { drawProblem } from "../shared/problem-message.js";
import { debounce, keepLatest } from "../shared/scheduling.js";
import { drawDigitResult } from "./digit-result.js";
import { DrawPad, drawPadTools } from "./draw-pad.js";
import { EXAMPLE_DRAWINGS } from "./example-drawings.js";
import { attachLiveCamera } from "./live-digits.js";
import { NetworkPanel } from "./network-panel.js";
import { drawPageResult } from "./page-result.js";

const READ_DELAY_MS = 50;
const EXPLAIN_DELAY_MS = 350;
const DIGIT_PAD = { width: 400, height: 400 };
const PAGE_PAD = { width: 960, height: 720 };
const MAX_IMAGE_SIDE = 1600;

/** @param {HTMLElement} root */
export async function openDigitView(root) {
  root.append(...layOutView());
  const view = new DigitView(root);
  view.network.start();
  return view;
}

class DigitView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {"one"|"several"} */
    this.mode = "one";
    this.readSoon = debounce(() => { this.reading = this.read(); }, READ_DELAY_MS);
    /** Ends when the newest result is shown. */
    this.reading = Promise.resolve();
    this.pad = new DrawPad(find("#pad", root), () => this.readSoon());
    this.overlay = find("#overlay", root);
    this.network = new NetworkPanel(find("#network", root));
    this.updateResult = keepLatest((signal) => this.showResult(signal));
    this.updateExplanation = keepLatest((signal, drawing) => this.network.explain(drawing, signal));
    this.explainSoon = debounce((drawing) => this.mode === "one" && this.updateExplanation(drawing), EXPLAIN_DELAY_MS);
    drawPadTools(find("#pad-tools", root), this.pad, () => !root.hidden);
    for (const option of root.querySelectorAll("[name=mode]")) {
      option.addEventListener("change", () => { location.hash = /** @type {HTMLInputElement} */ (option).value === "one" ? "digits" : "digits?mode=several"; });
    }
    receiveImages(find("#digit-file", root), () => !root.hidden, (file, name) => this.openFile(file, name));
    find("#digit-camera", root).hidden = !hasCamera();
    find("#digit-camera", root).addEventListener("click", () => this.openPhoto());
    attachLiveCamera(find("#digit-live", root), find("#pad-error", root), {
      isVisible: () => !root.hidden,
      read: (frame) => this.readFrame(frame),
    });
    find("#examples", root).append(...Object.entries(EXAMPLE_DRAWINGS).map(([name, strokes]) =>
      make("button", { type: "button", class: "small", onclick: () => this.drawExample(strokes) }, name)));
    find("#page-sample", root).addEventListener("click", () => this.openSample());
  }

  /** Shows the mode of an address: `#digits`, or `#digits?mode=several`. */
  follow(hash) {
    this.mode = parseAddress(hash).query.get("mode") === "several" ? "several" : "one";
    const several = this.mode === "several";
    find(`[name=mode][value=${this.mode}]`, this.root).checked = true;
    this.root.classList.toggle("several", several);
    find("#digit-result").hidden = find("#examples").hidden = several;
    find("#page-result").hidden = find("#page-sample").hidden = !several;
    if (several) find("#explanation").hidden = true;
    const { width, height } = several ? PAGE_PAD : DIGIT_PAD;
    this.pad.setSize(width, height);
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.read();
  }

  drawExample(strokes) {
    const { width } = this.pad.canvas;
    this.pad.setStrokes(strokes.map((points) => ({
      width: this.pad.thickness * (width / DIGIT_PAD.width),
      points: points.map(([x, y]) => [(x * width) / 100, (y * width) / 100]),
    })));
  }

  async openSample() {
    try {
      this.openFile(await (await request("/samples/digits.png", { accept: "image/png" })).blob(), "digits.png");
    } catch (problem) {
      setText(find("#pad-error"), problem.message);
    }
  }

  async openPhoto() {
    try {
      const photo = await takePhoto();
      if (photo) this.openFile(photo, "photo.png");
    } catch (error) {
      setText(find("#pad-error"), error.message);
    }
  }

  async openFile(file, name) {
    setText(find("#pad-error"), "");
    try {
      await this.pad.setImage(await openImage(file, name, MAX_IMAGE_SIDE));
    } catch (problem) {
      setText(find("#pad-error"), `${name}: ${problem.message}`);
    }
  }

  /** @param {ImageData} frame */
  async readFrame(frame) {
    await this.openFile(await encodePng(frame, false), "camera.png");
    await new Promise((resolve) => setTimeout(resolve, 2 * READ_DELAY_MS)); // the pad reads after READ_DELAY_MS
    await this.reading;
  }

  async read() {
    clearTimeout(this.retryTimer);
    try {
      await this.updateResult();
      drawProblem(find("#digit-error"), null);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.retryTimer = drawProblem(find("#digit-error"), problem, () => this.read());
    }
  }

  async showResult(signal) {
    const drawing = await this.pad.export();
    const form = { file: /** @type {[Blob, string]} */ ([drawing.blob, drawing.name]) };
    if (this.mode === "several") {
      const page = await requestJson("/read", { form, signal });
      if (signal.aborted) return;
      find("#explanation").hidden = true;
      drawPageResult(find("#page-result"), this.overlay, page, drawing);
      return;
    }
    const result = await requestJson("/classify", { form, query: { preview: "true" }, signal });
    if (signal.aborted) return;
    drawDigitResult(find("#digit-result"), result, this.pad.isEmpty);
    this.drawBox(result.box, drawing);
    if (result.verdict === "blank") find("#explanation").hidden = true;
    else this.explainSoon(drawing);
  }

  /** Frames the digit in an opened image. */
  drawBox(box, { left, top, scale }) {
    this.overlay.replaceChildren(...(box && this.pad.image
      ? [makeSvg("rect", { x: left + box.left * scale, y: top + box.top * scale, width: box.width * scale, height: box.height * scale, class: "digit" })] : []));
  }
}

function layOutView() {
  const drawMode = (value, label) => make("label", { class: "choice" }, make("input", { type: "radio", name: "mode", value, checked: value === "one" }), label);
  return [
    make("div", { class: "head" },
      make("h1", { id: "digits-title" }, "See a network read digits"),
      make("p", { class: "lead" }, "A network with two convolution layers, trained on MNIST and on synthetic handwriting. It also tells when it is unsure and when a drawing is not a digit.")),
    make("div", { class: "digit-bench" },
      make("section", { class: "panel pad-panel", "aria-labelledby": "pad-title" },
        make("h2", { id: "pad-title" }, "Draw with a finger, pen or mouse"),
        make("div", { class: "row choices", role: "radiogroup", "aria-label": "Number of digits" }, drawMode("one", "One digit"), drawMode("several", "Several digits")),
        make("div", { class: "pad-paper" },
          make("canvas", { id: "pad", ...DIGIT_PAD, role: "img", "aria-label": "Drawing area. Without a pointer, choose an example or an image below." }),
          makeSvg("svg", { id: "overlay", viewBox: `0 0 ${DIGIT_PAD.width} ${DIGIT_PAD.height}`, "aria-hidden": "true" })),
        make("div", { class: "row", id: "pad-tools" }),
        make("div", { class: "row" },
          make("label", { class: "button", for: "digit-file" }, "Choose an image", make("input", { class: "visually-hidden", type: "file", id: "digit-file", accept: "image/*,.tif,.tiff,.heic,.heif" })),
          make("button", { type: "button", id: "digit-camera", hidden: true }, "Camera"),
          make("button", { type: "button", id: "digit-live" }, "Live camera"),
          make("button", { type: "button", id: "page-sample", hidden: true }, "Sample page")),
        make("div", { class: "row", id: "examples", role: "group", "aria-label": "Examples" }, make("span", { class: "quiet" }, "Examples:")),
        make("p", { class: "error", id: "pad-error", role: "alert" })),
      make("section", { class: "panel", "aria-labelledby": "result-title" },
        make("h2", { id: "result-title" }, "Result"),
        make("p", { class: "error", id: "digit-error", role: "alert" }),
        make("div", { id: "digit-result" }),
        make("div", { id: "page-result", hidden: true }))),
    make("section", { id: "network", class: "panel wide", "aria-labelledby": "network-title" },
      make("h2", { id: "network-title" }, "Inside the network"),
      make("ol", { id: "layers", class: "layers", "aria-label": "Layers and the shapes of their outputs" }),
      make("section", { hidden: true }, make("h3", {}, "Kernels of the first layer (click one to use it as a filter)"), make("div", { id: "first-layer", class: "first-layer" })),
      make("div", { id: "explanation", hidden: true }),
      make("section", { hidden: true }, make("h3", {}, "Training"), make("div", { id: "curves", class: "curves" }))),
  ];
}
