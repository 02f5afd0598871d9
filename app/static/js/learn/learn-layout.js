import { make } from "../shared/dom.js";

const KERNEL_SIZES = [1, 3, 5, 7, 9, 11, 13, 15, 21, 31];
const DEFAULT_SIZE = 5;

/** The elements of the learn view. */
export function layOutView() {
  return [
    make("div", { class: "head" },
      make("h1", { id: "learn-title" }, "Learn a kernel"),
      make("p", { class: "lead" }, "An unknown kernel made the second image from the first. Guess it, and let gradient descent find it. Or choose an image and its filtered copy of your own.")),
    make("section", { class: "panel", "aria-labelledby": "pair-title" },
      make("h2", { id: "pair-title", class: "visually-hidden" }, "Before, after and kernel"),
      make("div", { class: "slots" }, drawSlot("before", "Before"), drawSlot("after", "After"), drawKernelSlot()),
      make("p", { class: "error", id: "pair-error", role: "alert" }),
      make("p", { class: "row", id: "guess" }, make("b", {}, "Which kernel is it?")),
      make("div", { class: "row" },
        make("button", { type: "button", id: "start-learning", class: "primary", disabled: true }, "Learn"),
        make("button", { type: "button", id: "stop", disabled: true }, "Stop"),
        make("span", { class: "row choices", role: "radiogroup", "aria-label": "Method" }, drawMethod("descent", "Gradient descent", true), drawMethod("least-squares", "Least squares", false)),
        make("label", {}, "Kernel size ", make("select", { id: "learn-size" }, ...KERNEL_SIZES.map((size) => make("option", { value: size, selected: size === DEFAULT_SIZE }, `${size} × ${size}`)))),
        make("button", { type: "button", id: "new-puzzle" }, "New puzzle")),
      make("p", { class: "status", id: "learn-status", "aria-live": "polite" }),
      make("p", { class: "error", id: "learn-error", role: "alert" })),
    make("section", { class: "panel", id: "descent", hidden: true, "aria-labelledby": "descent-title" },
      make("h2", { id: "descent-title" }, "Loss"),
      make("figure", { class: "chart", id: "loss" })),
    make("section", { class: "panel", id: "learned", hidden: true, "aria-labelledby": "learned-title" }),
  ];
}

const drawMethod = (value, label, checked) => make("label", { class: "choice" }, make("input", { type: "radio", name: "method", value, checked }), label);

function drawSlot(slot, title) {
  return make("figure", { class: "pair", "data-slot": slot },
    make("div", { class: "picture" },
      make("canvas", { id: `${slot}-canvas`, hidden: true, role: "img", "aria-label": `The image ${slot} filtering` }),
      make("p", { class: "quiet empty" }, "Choose an image or drop it here.")),
    make("figcaption", {}, make("b", {}, `${title} `), make("span", { id: `${slot}-name` })),
    make("label", { class: "button small", for: `${slot}-file` }, `Choose the “${slot}” image`, make("input", { class: "visually-hidden", type: "file", id: `${slot}-file`, accept: "image/*,.tif,.tiff,.heic,.heif" })));
}

const drawKernelSlot = () => make("figure", { class: "pair" },
  make("div", { class: "picture", id: "forming-kernels" }, make("p", { class: "unknown", "aria-hidden": "true" }, "?")),
  make("figcaption", {}, make("b", {}, "Kernel "), make("span", { id: "step-count" }, "unknown")));
