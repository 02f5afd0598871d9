import { find, make, makeRadio, setText } from "../shared/dom.js";
import { IMAGE_TYPES } from "../shared/image-input.js";

const KERNEL_SIZES = [1, 3, 5, 7, 9, 11, 13, 15, 21, 31];
const DEFAULT_SIZE = 5;

/** The elements of the learn view. */
export function layOutView() {
  return [
    make("div", { class: "head" },
      make("h1", { id: "learn-title" }, "Find the kernel"),
      make("p", { class: "lead" }, "A hidden kernel made the target. Set weights until your result is the target, then race gradient descent.")),
    make("section", { class: "panel", id: "game", "aria-labelledby": "learn-title" },
      make("div", { class: "game" },
        drawSlot("before", "Image"), drawSlot("after", "Target"),
        make("figure", { class: "pair", id: "own-result" }, drawPicture("own-canvas", "The result of your kernel"),
          make("figcaption", {}, make("b", {}, "Your result "), make("output", { id: "own-loss" }))),
        make("section", { id: "own-kernel", "aria-labelledby": "own-kernel-title" },
          make("h2", { id: "own-kernel-title" }, "Your kernel ", make("small", { id: "own-hint" })),
          make("div", { id: "own-board" }),
          make("p", { class: "error", id: "attempt-error", role: "alert" })),
        make("figure", { class: "chart", id: "loss" }),
        drawKernelSlot()),
      make("p", { class: "error", id: "pair-error", role: "alert" }),
      make("p", { class: "row", id: "guess" }),
      make("div", { class: "row" },
        make("button", { type: "button", id: "start-learning", class: "primary", disabled: true }, "Race"),
        make("button", { type: "button", id: "stop", disabled: true }, "Stop"),
        make("span", { class: "row choices", role: "radiogroup", "aria-label": "Method" }, makeRadio("method", "descent", "Gradient descent", true), makeRadio("method", "least-squares", "Least squares", false)),
        make("label", { id: "size-field" }, "Kernel size ", make("select", { id: "learn-size" }, ...KERNEL_SIZES.map((size) => make("option", { value: size, selected: size === DEFAULT_SIZE }, `${size} × ${size}`)))),
        make("button", { type: "button", id: "new-puzzle" }, "New puzzle"),
        make("label", {}, "Weights to find ", make("select", { id: "free-weights" }, make("option", { value: "one" }, "one"), make("option", { value: "all" }, "all nine")))),
      make("p", { class: "status", id: "learn-status", "aria-live": "polite" }),
      make("p", { class: "error", id: "learn-error", role: "alert" }),
      make("div", { class: "row" }, make("span", {}, "Or learn the kernel of two images of your own: "), drawChoice("before"), drawChoice("after"))),
    make("section", { class: "panel", id: "learned", hidden: true, "aria-labelledby": "learned-title" }),
  ];
}

/** Shows what belongs to a puzzle, or to the user's own images. @param {HTMLElement} root @param {import("./kernel-puzzle.js").Puzzle|null} puzzle */
export function showMode(root, puzzle) {
  root.dataset.mode = puzzle ? (puzzle.isEasy ? "easy puzzle" : "puzzle") : "own";
  for (const id of ["#own-result", "#own-kernel", "#guess"]) find(id, root).hidden = !puzzle;
  find("#size-field", root).hidden = puzzle !== null;
  setText(find("#after b", root), puzzle ? "Target " : "After ");
  setText(find("#before b", root), puzzle ? "Image " : "Before ");
  setText(find("#start-learning", root), puzzle ? "Race" : "Learn");
  setText(find("#pair-error", root), "");
  find("#start-learning", root).disabled = true;
  for (const button of root.querySelectorAll("#guess button")) button.disabled = true;
  if (!puzzle) return;
  find("#free-weights", root).value = puzzle.isEasy ? "one" : "all";
  setText(find("#own-hint", root), puzzle.isEasy ? "drag or type the missing weight" : "drag or type the weights");
}

const drawPicture = (id, label, ...others) => make("div", { class: "picture" }, make("canvas", { id, role: "img", "aria-label": label }), ...others);

function drawSlot(slot, title) {
  const picture = drawPicture(`${slot}-canvas`, `The image ${slot} filtering`, make("p", { class: "quiet empty" }, "Choose an image or drop it here."));
  picture.firstElementChild.hidden = true;
  return make("figure", { class: "pair", id: slot, "data-slot": slot }, picture,
    make("figcaption", {}, make("b", {}, `${title} `), make("span", { id: `${slot}-name` })));
}

const drawChoice = (slot) => make("label", { class: "button small", for: `${slot}-file` }, `Choose “${slot}”`,
  make("input", { class: "visually-hidden", type: "file", id: `${slot}-file`, accept: IMAGE_TYPES }));

const drawKernelSlot = () => make("figure", { class: "pair", id: "learned-slot" },
  make("figcaption", {}, make("b", {}, "Learned kernel "), make("span", { id: "step-count" }, "unknown")),
  make("div", { class: "picture", id: "forming-kernels" }, make("p", { class: "unknown", "aria-hidden": "true" }, "?")),
  make("input", { type: "range", id: "shown-step", min: 0, max: 0, value: 0, disabled: true, "aria-label": "Step of gradient descent" }));
