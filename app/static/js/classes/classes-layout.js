import { drawSubViews } from "../digits/sub-views.js";
import { make } from "../shared/dom.js";
import { IMAGE_TYPES } from "../shared/image-input.js";
import { MAX_EXAMPLES, MIN_EXAMPLES } from "./class-collection.js";

const PAD = { width: 400, height: 400 };

/** The elements of the view. */
export function layOutView() {
  return [
    make("div", { class: "head" },
      make("div", { class: "title-row" },
        make("h1", { id: "classes-title" }, "Teach the network classes of your own"),
        drawSubViews("#classes")),
      make("p", { class: "lead" }, `Draw ${MIN_EXAMPLES} to ${MAX_EXAMPLES} examples of each letter, shape or sign. The network turns a drawing into 1,024 features; a softmax layer, trained in this browser, tells your classes apart. Your examples stay in this browser: nothing is stored on the server.`),
      make("p", { class: "hint", id: "classes-not-kept", hidden: true }, "This browser does not keep your examples: they are lost when you leave the page. Train and export the classes before you leave; examples cannot be exported."),
      make("p", { class: "error", id: "classes-error", role: "alert" })),
    make("div", { class: "class-bench", hidden: true },
      make("section", { class: "panel pad-panel", "aria-labelledby": "class-pad-title" },
        make("h2", { id: "class-pad-title" }, "1. Draw an example"),
        make("div", { class: "pad-paper" },
          make("canvas", { id: "class-pad", ...PAD, role: "img", "aria-label": "Drawing area. Without a pointer, open an image below, or add images to a class." })),
        make("div", { class: "row", id: "class-choices", role: "group", "aria-label": "Add the drawing to a class" }),
        make("p", { class: "note", id: "class-note", role: "status" }),
        make("p", { class: "error", id: "class-pad-error", role: "alert" }),
        make("div", { id: "class-add-errors" }),
        make("div", { class: "row", id: "class-pad-tools" }),
        make("div", { class: "row" },
          make("label", { class: "button", for: "class-file" }, "Choose an image", make("input", { class: "visually-hidden", type: "file", id: "class-file", accept: IMAGE_TYPES })),
          make("button", { type: "button", id: "class-camera", hidden: true }, "Camera"))),
      make("section", { class: "panel", "aria-labelledby": "class-list-title" },
        make("h2", { id: "class-list-title" }, "2. Collect examples"),
        make("p", { class: "quiet" }, "Below: what the network sees of each. Images can be dropped on a class."),
        make("div", { id: "class-list" }),
        make("div", { class: "row" },
          make("button", { type: "button", id: "add-class" }, "Add a class"),
          make("button", { type: "button", id: "undo-removal", hidden: true }, "Undo the removal")),
        make("p", { class: "note", id: "class-list-note", role: "status" }),
        make("p", { class: "error", id: "class-list-error", role: "alert" })),
      make("section", { class: "panel", "aria-labelledby": "class-head-title" },
        make("h2", { id: "class-head-title" }, "3. Train and try"),
        make("div", { class: "row" },
          make("button", { type: "button", class: "primary", id: "train-classes" }, "Train"),
          make("button", { type: "button", id: "export-classes" }, "Export"),
          make("label", { class: "button", for: "import-classes" }, "Import", make("input", { class: "visually-hidden", type: "file", id: "import-classes", accept: ".json,application/json" }))),
        make("p", { class: "error", id: "class-head-error", role: "alert" }),
        make("p", { class: "status", id: "training-status", role: "status" }),
        make("p", { class: "error", id: "class-read-error", role: "alert" }),
        make("div", { id: "class-result" }),
        make("div", { id: "active-kernels" }))),
  ];
}
