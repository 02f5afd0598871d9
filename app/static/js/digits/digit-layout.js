import { make, makeSvg } from "../shared/dom.js";

export const DIGIT_PAD = { width: 400, height: 400 };
export const PAGE_PAD = { width: 960, height: 720 };

/** The elements of the digit view. */
export function layOutView() {
  const drawMode = (value, label) => make("label", { class: "choice" }, make("input", { type: "radio", name: "mode", value, checked: value === "one" }), label);
  return [
    make("div", { class: "head" },
      make("div", { class: "title-row" },
        make("h1", { id: "digits-title" }, "See a network read digits"),
        make("p", { class: "sub-views" }, make("a", { class: "button", href: "#digits", "aria-current": "page" }, "Digits 0 to 9"), make("a", { class: "button", href: "#classes" }, "Your own classes"))),
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
