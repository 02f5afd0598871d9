import { Problem, ask, askJson, keepLatest } from "../shared/api.js";
import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, say, settle } from "../shared/dom.js";
import { Inside } from "./network-panel.js";
import { Pad, drawPadTools } from "./draw-pad.js";
import { openImage, receiveImages } from "../shared/image.js";
import { drawPage, drawReading, drawSvg } from "./digit-result.js";

/** Strokes of an example, on a square of 100. */
const EXAMPLES = {
  3: [smooth([[28, 22], [42, 12], [60, 14], [68, 27], [60, 42], [44, 48], [62, 52], [72, 67], [63, 83], [44, 89], [27, 80]])],
  7: [[[24, 16], [76, 16], [58, 48], [46, 88]], [[38, 52], [68, 52]]],
  "not a digit": [[[18, 82], [50, 16], [82, 82], [18, 82]], [[50, 40], [50, 60]]],
};

/** A Catmull-Rom curve through the points. */
function smooth(points) {
  const at = (index) => points[Math.min(Math.max(index, 0), points.length - 1)];
  return points.slice(0, -1).flatMap((_, index) => [0, 0.25, 0.5, 0.75].map((t) => [0, 1].map((axis) => {
    const [a, b, c, d] = [-1, 0, 1, 2].map((by) => at(index + by)[axis]);
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t ** 2 + (3 * b - a - 3 * c + d) * t ** 3);
  }))).concat([at(Infinity)]);
}

/** @param {HTMLElement} root */
export async function openDigitRoom(root) {
  root.append(...layOutRoom());
  const room = new DigitRoom(root);
  room.inside.start();
  return room;
}

class DigitRoom {
  constructor(root) {
    this.root = root;
    this.mode = "one";
    this.pad = new Pad(find("#pad", root), () => this.readSoon());
    this.overlay = find("#overlay", root);
    this.inside = new Inside(find("#inside", root));
    this.readSoon = settle(() => this.read(), 50);
    this.request = keepLatest((signal) => this.ask(signal));
    this.requestInside = keepLatest((signal, exported) => this.inside.explain(exported, signal));
    this.explainSoon = settle((exported) => this.mode === "one" && this.requestInside(exported), 350);
    drawPadTools(find("#pad-tools", root), this.pad);
    for (const option of root.querySelectorAll("[name=mode]")) option.addEventListener("change", () => { location.hash = option.value === "one" ? "digits" : "digits?mode=several"; });
    receiveImages(find("#digit-file", root), () => !root.hidden, (file, name) => this.open(file, name));
    find("#digit-camera", root).hidden = !hasCamera();
    find("#digit-camera", root).addEventListener("click", () => this.takePhoto());
    find("#examples", root).append(...Object.entries(EXAMPLES).map(([name, strokes]) =>
      make("button", { type: "button", class: "small", onclick: () => this.drawExample(strokes) }, name)));
    find("#page-sample", root).addEventListener("click", () => this.openSample());
  }

  follow(hash) {
    this.mode = new URLSearchParams(hash.split("?")[1]).get("mode") === "several" ? "several" : "one";
    const several = this.mode === "several";
    find(`[name=mode][value=${this.mode}]`, this.root).checked = true;
    this.root.classList.toggle("several", several);
    find("#reading").hidden = find("#examples").hidden = several;
    find("#page").hidden = find("#page-sample").hidden = !several;
    if (several) find("#explained").hidden = true;
    this.pad.setSize(several ? 960 : 400, several ? 720 : 400);
    this.overlay.setAttribute("viewBox", `0 0 ${this.pad.canvas.width} ${this.pad.canvas.height}`);
    this.read();
  }

  drawExample(strokes) {
    const scale = this.pad.canvas.width / 100;
    this.pad.setStrokes(strokes.map((points) => ({ width: this.pad.thickness * (this.pad.canvas.width / 400), points: points.map(([x, y]) => [x * scale, y * scale]) })));
  }

  async openSample() {
    try {
      this.open(await (await ask("/samples/digits.png", { accept: "image/png" })).blob(), "digits.png");
    } catch (problem) {
      say(find("#pad-error"), problem.message);
    }
  }

  async takePhoto() {
    try {
      const photo = await takePhoto();
      if (photo) this.open(photo, "photo.png");
    } catch (error) {
      say(find("#pad-error"), error.message);
    }
  }

  async open(file, name) {
    say(find("#pad-error"), "");
    try {
      await this.pad.setImage(await openImage(file, name, 1600));
    } catch (problem) {
      say(find("#pad-error"), `${name}: ${problem.message}`);
    }
  }

  async read() {
    try {
      await this.request();
      find("#digit-error").replaceChildren();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.showProblem(problem);
    }
  }

  showProblem(problem) {
    clearTimeout(this.retry);
    const wait = problem.retryAfterSeconds;
    find("#digit-error").replaceChildren(`${problem.message} `,
      wait == null ? make("button", { type: "button", class: "small", onclick: () => this.read() }, "Try again") : `The service is busy; this page asks again in ${wait} s.`);
    if (wait != null) this.retry = setTimeout(() => this.read(), 1000 * wait);
  }

  async ask(signal) {
    const exported = await this.pad.export();
    const form = { file: [exported.blob, exported.name] };
    if (this.mode === "several") {
      const page = await askJson("/read", { form, signal });
      if (signal.aborted) return;
      find("#explained").hidden = true;
      drawPage(find("#page"), this.overlay, page, exported);
      return;
    }
    const answer = await askJson("/classify", { form, query: { preview: "true" }, signal });
    if (signal.aborted) return;
    drawReading(find("#reading"), answer);
    this.drawBox(answer.box, exported);
    if (answer.verdict === "blank") find("#explained").hidden = true;
    else this.explainSoon(exported);
  }

  drawBox(box, { left, top, scale }) {
    this.overlay.replaceChildren(...(box && this.pad.image
      ? [drawSvg("rect", { x: left + box.left * scale, y: top + box.top * scale, width: box.width * scale, height: box.height * scale, class: "digit" })] : []));
  }
}

function layOutRoom() {
  const mode = (value, label) => make("label", { class: "choice" }, make("input", { type: "radio", name: "mode", value, checked: value === "one" }), label);
  return [
    make("div", { class: "head" },
      make("h1", { id: "digits-title" }, "Draw a digit, watch the network look"),
      make("p", { class: "lead" }, "A network of two convolution layers, trained on MNIST and on hands unlike it. It says when it is unsure, and when what you drew is no digit.")),
    make("div", { class: "digit-bench" },
      make("section", { class: "panel pad-panel", "aria-labelledby": "pad-title" },
        make("h2", { id: "pad-title" }, "Draw here, with finger, pen or mouse"),
        make("div", { class: "row choices", role: "radiogroup", "aria-label": "What is to be read" }, mode("one", "One digit"), mode("several", "Several digits")),
        make("div", { class: "sheet-of-paper" },
          make("canvas", { id: "pad", width: 400, height: 400, role: "img", "aria-label": "Sheet to draw on. Without a pointer: choose an example or an image below." }),
          drawSvg("svg", { id: "overlay", viewBox: "0 0 400 400", "aria-hidden": "true" })),
        make("div", { class: "row", id: "pad-tools" }),
        make("div", { class: "row" },
          make("label", { class: "button", for: "digit-file" }, "Choose an image", make("input", { class: "visually-hidden", type: "file", id: "digit-file", accept: "image/*,.tif,.tiff" })),
          make("button", { type: "button", id: "digit-camera", hidden: true }, "Camera"),
          make("button", { type: "button", id: "page-sample", hidden: true }, "A page of digits")),
        make("div", { class: "row", id: "examples", role: "group", "aria-label": "Examples" }, make("span", { class: "quiet" }, "Examples:")),
        make("p", { class: "error", id: "pad-error", role: "alert" })),
      make("section", { class: "panel", "aria-labelledby": "answer-title" },
        make("h2", { id: "answer-title" }, "The answer"),
        make("p", { class: "error", id: "digit-error", role: "alert" }),
        make("div", { id: "reading" }),
        make("div", { id: "page", hidden: true }))),
    make("section", { id: "inside", class: "panel wide", "aria-labelledby": "inside-title" },
      make("h2", { id: "inside-title" }, "Inside the network"),
      make("ol", { id: "shapes", class: "shapes", "aria-label": "Shapes, layer by layer" }),
      make("section", { hidden: true }, make("h3", {}, "The first layer's kernels: open one as a filter"), make("div", { id: "learned", class: "learned" })),
      make("div", { id: "explained", hidden: true }),
      make("section", { hidden: true }, make("h3", {}, "How it was trained"), make("div", { id: "curves", class: "curves" }))),
  ];
}
