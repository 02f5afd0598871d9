import { make, makeRadio, makeSvg } from "../shared/dom.js";
import { IMAGE_TYPES } from "../shared/image-input.js";
import { drawSubViews } from "./sub-views.js";

export const DIGIT_PAD = { width: 400, height: 400 };
export const PAGE_PAD = { width: 960, height: 720 };

/** The elements of the digit view. */
export function layOutView() {
  return [
    make("div", { class: "head" },
      make("div", { class: "title-row" },
        make("h1", { id: "digits-title" }, "See a network read digits"),
        drawSubViews("#digits")),
      make("p", { class: "lead" }, "A network with two convolution layers, trained on MNIST and on synthetic handwriting. It also tells when it is unsure and when a drawing is not a digit.")),
    make("div", { class: "digit-bench" },
      make("section", { class: "panel pad-panel", "aria-labelledby": "pad-title" },
        make("h2", { id: "pad-title" }, "Draw with a finger, pen or mouse"),
        make("div", { class: "row choices", role: "radiogroup", "aria-label": "Number of digits" }, makeRadio("mode", "one", "One digit", true), makeRadio("mode", "several", "Several digits", false)),
        make("div", { class: "pad-paper" },
          make("canvas", { id: "pad", ...DIGIT_PAD, role: "img", "aria-label": "Drawing area. Without a pointer, choose an example or an image below." }),
          makeSvg("svg", { id: "overlay", viewBox: `0 0 ${DIGIT_PAD.width} ${DIGIT_PAD.height}`, "aria-hidden": "true" })),
        make("div", { class: "row", id: "pad-tools" }),
        make("div", { class: "row" },
          make("label", { class: "button", for: "digit-file" }, "Choose an image", make("input", { class: "visually-hidden", type: "file", id: "digit-file", accept: IMAGE_TYPES })),
          make("button", { type: "button", id: "digit-camera", hidden: true }, "Camera"),
          make("button", { type: "button", id: "digit-live" }, "Live camera"),
          make("button", { type: "button", id: "page-sample", hidden: true }, "Sample page")),
        make("div", { class: "row", id: "examples", role: "group", "aria-label": "Examples" }, make("span", { class: "quiet" }, "Examples:")),
        make("p", { class: "error", id: "pad-error", role: "alert" })),
      make("div", {},
        make("section", { class: "panel", "aria-labelledby": "result-title" },
          make("h2", { id: "result-title" }, "Result"),
          make("p", { class: "error", id: "digit-error", role: "alert" }),
          make("div", { id: "digit-result" }),
          make("div", { id: "page-result", hidden: true })),
        layOutNetwork())),
    make("section", { class: "panel wide", hidden: true }, make("h2", {}, "Training of the network"), make("div", { id: "curves", class: "curves" })),
  ];
}

/** The network diagram (../network/diagram.js), which has its size before it is loaded. */
function layOutNetwork() {
  return make("section", { id: "network", class: "panel", "aria-labelledby": "network-title" },
    make("h2", { id: "network-title" }, "Inside the network"),
    make("p", { id: "network-message", class: "quiet" }, "Draw a digit: the values of every layer appear here."),
    make("canvas", {
      id: "diagram", tabindex: 0, role: "application", "aria-roledescription": "network diagram", "aria-label": "The network, from the input to the digits",
      "aria-describedby": "diagram-help",
    }),
    make("p", { id: "diagram-status", class: "visually-hidden", role: "status" }),
    make("div", { id: "readout", class: "waiting" }),
    make("div", { id: "importance" }),
    make("p", { id: "diagram-help", class: "quiet" },
      "Point at a pixel of a map to see how it is computed. Click a map to keep the maps that it depends on: thicker lines have larger weights, orange ones are positive, blue ones negative. ",
      "Keys: arrows move by a pixel, Shift and arrows by a map, Enter keeps a map, Escape releases it."),
    make("details", { id: "network-words" }, make("summary", {}, "The diagram in words"), make("div", { class: "grid-scroll" })),
    make("p", { id: "network-model", class: "quiet" }));
}
