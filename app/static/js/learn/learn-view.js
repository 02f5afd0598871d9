import { Problem, ask, askJson } from "../shared/api.js";
import { find, make, say } from "../shared/dom.js";
import { readEvents } from "./server-sent-events.js";
import { drawLoss, drawWeights } from "./descent-chart.js";
import { drawLesson, drawResidual } from "./learned-kernel.js";
import { openImage } from "../shared/image.js";

/** Kernels that can be told from each other, and from an image. */
const HIDDEN = ["blur", "average", "box", "sharpen", "edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt", "emboss"];
const BOTH_SIGNS = ["edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt"];
const SAMPLE = "house";
const CHOICES = 4;
const LARGEST_SIDE = 4000;
const FRAME_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 45;

/** @param {HTMLElement} root */
export async function openLearnRoom(root) {
  root.append(...layOutRoom());
  return new LearnRoom(root);
}

class LearnRoom {
  constructor(root) {
    this.root = root;
    this.pair = { before: null, after: null };
    this.running = new AbortController();
    for (const slot of ["before", "after"]) {
      const input = find(`#${slot}-file`, root);
      input.addEventListener("change", () => {
        if (input.files[0]) this.open(slot, input.files[0], input.files[0].name);
        input.value = "";
      });
    }
    const receive = (event, files) => {
      if (root.hidden || !files[0]) return;
      const named = event.target.closest?.("[data-slot]")?.dataset.slot;
      this.open(named ?? (this.pair.before ? "after" : "before"), files[0], files[0].name || "image.png");
    };
    addEventListener("paste", (event) => receive(event, event.clipboardData.files));
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      receive(event, event.dataTransfer.files);
    });
    find("#hide-kernel", root).addEventListener("click", () => this.hideKernel());
    find("#learn", root).addEventListener("click", () => this.learn());
    find("#stop", root).addEventListener("click", () => this.running.abort());
    find("#learn-size", root).addEventListener("change", () => this.reset());
  }

  /** `#learn?hidden=blur` hides that one, so that a riddle can be sent to others. */
  follow(hash) {
    const hidden = new URLSearchParams(hash.split("?")[1]).get("hidden");
    if (HIDDEN.includes(hidden) && hidden !== this.hidden) return this.hideKernel(hidden);
  }

  async open(slot, file, name) {
    this.reset();
    this.hidden = null;
    find("#guess", this.root).hidden = true;
    try {
      this.show(slot, await openImage(file, name, LARGEST_SIDE));
    } catch (problem) {
      say(find("#pair-error", this.root), `${name}: ${problem.message}`);
    }
  }

  show(slot, image) {
    this.pair[slot] = image;
    const canvas = find(`#${slot}-canvas`, this.root);
    Object.assign(canvas, { width: image.pixels.width, height: image.pixels.height });
    canvas.getContext("2d").putImageData(image.pixels, 0, 0);
    say(find(`#${slot}-name`, this.root), `${image.name}, ${image.width} × ${image.height}`);
    find("#learn", this.root).disabled = !(this.pair.before && this.pair.after);
  }

  /** Filters the sample with a kernel that is not told, and asks which one it was. */
  async hideKernel(kernel = HIDDEN[Math.floor(Math.random() * HIDDEN.length)]) {
    this.reset();
    this.hidden = kernel;
    try {
      const sample = await (await ask(`/samples/${SAMPLE}.png`, { accept: "image/png" })).blob();
      const query = { format: "png", response: BOTH_SIGNS.includes(kernel) ? "offset" : "clip" };
      const filtered = await (await ask(`/filter/${kernel}`, { query, form: { file: [sample, "sample.png"] }, accept: "image/png" })).blob();
      this.show("before", await openImage(sample, "sample", LARGEST_SIDE));
      this.show("after", await openImage(filtered, "under a hidden kernel", LARGEST_SIDE));
      this.drawGuess();
      await this.learn();
    } catch (problem) {
      this.showProblem(problem);
    }
  }

  drawGuess() {
    const others = HIDDEN.filter((name) => name !== this.hidden);
    const start = HIDDEN.indexOf(this.hidden);
    const choices = [this.hidden, ...Array.from({ length: CHOICES - 1 }, (_, index) => others[(start + 3 * index) % others.length])].sort();
    const guess = find("#guess", this.root);
    guess.hidden = false;
    const answer = make("span", { id: "guessed", role: "status" });
    guess.replaceChildren(make("span", {}, "Which kernel is it?"), ...choices.map((name) => make("button", {
      type: "button", class: "small", onclick: (event) => {
        for (const button of guess.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === event.target));
        say(answer, name === this.hidden ? `Yes: ${name}.` : `Not ${name}.`);
      },
    }, name)), answer);
  }

  reset() {
    this.running.abort();
    this.seen = [];
    say(find("#pair-error", this.root), "");
    say(find("#learn-error", this.root), "");
    say(find("#learn-status", this.root), "");
    find("#lesson", this.root).hidden = true;
    find("#forming", this.root).hidden = true;
  }

  async learn() {
    this.reset();
    const running = (this.running = new AbortController());
    const { signal } = running;
    const { before, after } = this.pair;
    const form = { before: [before.original, before.name], after: [after.original, after.name] };
    const size = find("#learn-size", this.root).value;
    const method = find("[name=method]:checked", this.root).value;
    find("#stop", this.root).disabled = false;
    this.root.setAttribute("aria-busy", "true");
    try {
      const lesson = method === "descent" ? await this.descend(form, size, signal) : await askJson("/learn", { query: { size }, form, signal });
      if (signal.aborted) return;
      this.drawForming(lesson.kernels.map(({ weights }) => weights));
      drawLesson(find("#lesson", this.root), lesson);
      say(find("#learn-status", this.root), this.hidden ? `Done. It was ${this.hidden}.` : "Done.");
      if (lesson.request) await drawResidual(find("#lesson", this.root), lesson, before, after, signal);
    } catch (problem) {
      if (signal.aborted) say(find("#learn-status", this.root), "Stopped.");
      else this.showProblem(problem);
    } finally {
      if (this.running === running) {
        find("#stop", this.root).disabled = true;
        this.root.setAttribute("aria-busy", "false");
      }
    }
  }

  /** Watches the kernel form. Pieces of work bring several steps at once: they are shown one by one. */
  async descend(form, size, signal) {
    let [start, lesson, shown] = [null, null, 0];
    for await (const { name, data } of readEvents(await ask("/learn", { query: { size, method: "descent" }, form, accept: "text/event-stream", signal }))) {
      if (name === "start") start = data;
      if (name === "lesson") lesson = data;
      if (name !== "step") continue;
      const wait = shown + FRAME_MS - performance.now();
      if (wait > 0 && FRAME_MS) await new Promise((resolve) => setTimeout(resolve, wait));
      if (signal.aborted) return null;
      shown = performance.now();
      this.seen.push(data);
      this.drawForming(data.weights);
      drawLoss(find("#loss", this.root), this.seen, start.floor);
      find("#step-count", this.root).textContent = `step ${data.step}, loss ${data.loss.toPrecision(3)}`;
    }
    if (!lesson) throw new Problem(0, { detail: "The service ended the stream before the answer. Try again." });
    return lesson;
  }

  drawForming(kernels) {
    const place = find("#forming", this.root);
    place.hidden = false;
    find("#loss", this.root).hidden = !this.seen.length;
    const canvases = find("#kernels", this.root);
    while (canvases.childElementCount > kernels.length) canvases.lastElementChild.remove();
    while (canvases.childElementCount < kernels.length) canvases.append(make("canvas", { class: "kernel", role: "img" }));
    kernels.forEach((weights, index) => {
      drawWeights(canvases.children[index], weights);
      canvases.children[index].setAttribute("aria-label", `Kernel of ${weights.length} by ${weights.length} weights; largest ${Math.max(...weights.flat()).toFixed(3)}, smallest ${Math.min(...weights.flat()).toFixed(3)}`);
    });
  }

  showProblem(problem) {
    if (!(problem instanceof Problem)) throw problem;
    say(find("#learn-error", this.root), problem.message);
  }
}

function layOutRoom() {
  const slot = (name, title) => make("figure", { class: "pair", "data-slot": name },
    make("canvas", { id: `${name}-canvas`, width: 320, height: 240, role: "img", "aria-label": `The image ${name}` }),
    make("figcaption", {}, make("b", {}, `${title} `), make("span", { id: `${name}-name` }, "nothing yet")),
    make("label", { class: "button", for: `${name}-file` }, `Choose ${name}`, make("input", { class: "visually-hidden", type: "file", id: `${name}-file`, accept: "image/*,.tif,.tiff" })));
  const method = (value, label, checked) => make("label", { class: "choice" }, make("input", { type: "radio", name: "method", value, checked }), label);
  return [
    make("div", { class: "head" },
      make("h1", { id: "learn-title" }, "Learn a kernel"),
      make("p", { class: "lead" }, "Give an image and its filtered copy, and watch gradient descent find the kernel between them, from nothing. Or have one hidden from you, and guess.")),
    make("section", { class: "panel", "aria-labelledby": "pair-title" },
      make("h2", { id: "pair-title" }, "Before and after"),
      make("div", { class: "slots" }, slot("before", "Before"), slot("after", "After")),
      make("p", { class: "error", id: "pair-error", role: "alert" }),
      make("div", { class: "row" },
        make("button", { type: "button", id: "hide-kernel" }, "Hide a kernel from me"),
        make("label", {}, "Side of the kernel ", make("select", { id: "learn-size" }, ...[1, 3, 5, 7, 9, 11, 13, 15, 21, 31].map((size) => make("option", { value: size, selected: size === 5 }, `${size} × ${size}`)))),
        make("span", { class: "row choices", role: "radiogroup", "aria-label": "Method" }, method("descent", "Gradient descent", true), method("least-squares", "Least squares", false)),
        make("button", { type: "button", id: "learn", class: "primary", disabled: true }, "Learn"),
        make("button", { type: "button", id: "stop", disabled: true }, "Stop")),
      make("p", { class: "row", id: "guess", hidden: true }),
      make("p", { class: "status", id: "learn-status", "aria-live": "polite" }),
      make("p", { class: "error", id: "learn-error", role: "alert" })),
    make("section", { class: "panel", id: "forming", hidden: true, "aria-labelledby": "forming-title" },
      make("h2", { id: "forming-title" }, "The kernel as it forms"),
      make("p", { class: "quiet", id: "step-count" }),
      make("div", { class: "forming" }, make("div", { id: "kernels" }), make("figure", { class: "chart", id: "loss" }))),
    make("section", { class: "panel", id: "lesson", hidden: true, "aria-labelledby": "lesson-title" }),
  ];
}
