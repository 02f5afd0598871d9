/** Classes of the user's own: examples, training and results. The examples stay in this browser. */

import { Problem } from "../shared/api.js";
import { find } from "../shared/dom.js";
import { drawProblem } from "../shared/problem-message.js";
import { ActiveKernels } from "./active-kernels.js";
import { drawChoices, drawClassCards } from "./class-cards.js";
import { ClassCollection, MAX_CLASSES } from "./class-collection.js";
import { drawClassResult } from "./class-result.js";
import { openClassStore } from "./class-store.js";
import { layOutView } from "./classes-layout.js";
import { requestModel } from "./drawing-features.js";
import { ExampleInput } from "./example-input.js";
import { renewFeatures } from "./feature-renewal.js";
import { HeadPanel } from "./head-panel.js";

/** @param {HTMLElement} root */
export async function openClassesView(root) {
  root.append(...layOutView());
  start(root);
  return { follow: () => {} };
}

/** Asks for the model first: features of another one are of no use. @param {HTMLElement} root */
async function start(root) {
  const error = find("#classes-error", root);
  try {
    const model = await requestModel();
    const { store, kept } = await openClassStore();
    drawProblem(error, null);
    const view = new ClassesView(root, new ClassCollection(store, kept), model);
    find(".class-bench", root).hidden = false;
    await view.restore(kept.settings[0]);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    drawProblem(error, problem, () => start(root));
  }
}

class ClassesView {
  /** @param {HTMLElement} root @param {ClassCollection} collection @param {import("./class-file.js").ModelReference} model */
  constructor(root, collection, model) {
    this.root = root;
    this.collection = collection;
    this.model = model;
    /** @type {import("./class-collection.js").Reading|null} */
    this.reading = null;
    this.kernels = new ActiveKernels(find("#active-kernels", root), collection);
    this.panel = new HeadPanel(root, collection, model, () => this.draw());
    this.input = new ExampleInput(root, collection, model, (reading) => {
      this.reading = reading;
      this.drawResult();
    });
    find("#add-class", root).addEventListener("click", () => {
      collection.addClass();
      find(".class-card:last-child .class-label", root).focus();
    });
    find("#undo-removal", root).addEventListener("click", () => collection.undoRemoval());
    addEventListener("beforeunload", (event) => { if (!collection.isKept && collection.examples.length) event.preventDefault(); });
    collection.onChange = () => {
      this.panel.update();
      this.draw();
    };
    collection.onChange();
  }

  /** Returns to the last visit's head, after examples of another model have new features. @param {any} kept */
  async restore(kept) {
    const error = find("#classes-error", this.root);
    try {
      await renewFeatures(this.collection, this.model, (sentence) => this.input.say(sentence, "#class-list-note"));
      drawProblem(error, null);
      this.panel.restore(kept);
    } catch (problem) {
      drawProblem(error, problem, () => this.restore(kept));
    }
  }

  draw() {
    const { root, collection, input } = this;
    drawClassCards(find("#class-list", root), collection, this.panel.mistakes, (id, files) => input.addFiles(id, files));
    drawChoices(find("#class-choices", root), collection, (id) => input.addDrawing(id));
    find("#undo-removal", root).hidden = !collection.removed.length;
    find("#add-class", root).disabled = collection.classes.length >= MAX_CLASSES;
    find("#classes-not-kept", root).hidden = collection.isKept;
    this.drawResult();
  }

  drawResult() {
    drawClassResult(find("#class-result", this.root), this.reading, this.panel.head, this.collection);
    this.kernels.show(this.reading);
  }
}
