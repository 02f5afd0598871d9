/** Training, export and import of the softmax layer, and its result for each example that was left out. */

import { find, make, setText } from "../shared/dom.js";
import { encodeClassFile, openClassFile } from "./class-file.js";
import { startTraining, stopTraining } from "./class-training.js";

const SETTING = "head";
/** How long the address of a downloaded file is valid. */
const DOWNLOAD_MS = 10_000;

/**
 * @typedef {import("./class-file.js").NamedHead} NamedHead
 * @typedef {{head: NamedHead|null, mistakes: Map<number, string>}} Trained `mistakes`: the label for which an example was
 *   taken that had been left out, by its id
 */

export class HeadPanel {
  /**
   * @param {HTMLElement} root @param {import("./class-collection.js").ClassCollection} collection
   * @param {import("./class-file.js").ModelReference} model @param {() => void} onChange of head or mistakes
   */
  constructor(root, collection, model, onChange) {
    this.root = root;
    this.collection = collection;
    this.model = model;
    this.onChange = onChange;
    /** @type {NamedHead|null} */
    this.head = null;
    /** The ids of the classes of the head, if it was trained here. @type {number[]} */
    this.classIds = [];
    /** The name of the file, if the head was imported. */
    this.fileName = "";
    /** The examples of the training, and those that have been left out so far. @type {import("./class-collection.js").Example[]} */
    this.examples = [];
    this.leftOut = 0;
    /** @type {Map<number, string>} */
    this.mistakes = new Map();
    find("#train-classes", root).addEventListener("click", () => this.train());
    find("#export-classes", root).addEventListener("click", () => this.export());
    const input = find("#import-classes", root);
    input.addEventListener("change", () => {
      if (input.files[0]) this.import(input.files[0]);
      input.value = "";
    });
  }

  /** Returns to the head of the last visit. @param {any} kept the record that `keep` wrote */
  restore(kept) {
    if (kept?.isTrained && !this.collection.listObstacles().length) this.train();
    else if (kept?.head?.model.weights_sha256 === this.model.weights_sha256) this.use(kept.head, kept.fileName);
    else if (kept?.head) this.showError(`${kept.fileName}: trained with the digit model of version ${kept.head.model.version}; the service has ${this.model.version} now. Train the classes again.`);
  }

  train() {
    const { collection } = this;
    const classIds = collection.classes.map(({ id }) => id);
    const examples = collection.examples;
    const classes = examples.map(({ classId }) => classIds.indexOf(classId));
    this.showError("");
    startTraining(examples.map(({ features }) => features), classes, classIds.length, {
      onHead: (head) => {
        Object.assign(this, { classIds, examples, fileName: "", leftOut: 0, mistakes: new Map() });
        this.head = { ...head, labels: collection.listLabels(), model: this.model };
        this.keep({ isTrained: true });
        this.announce();
      },
      onLeftOut: (found) => {
        if (found !== classes[this.leftOut]) this.mistakes.set(examples[this.leftOut].id, this.head.labels[found]);
        this.leftOut += 1;
        if (this.leftOut === classes.length || this.leftOut % 10 === 0) this.announce();
      },
      onFailure: (message) => this.showError(message),
    });
  }

  /** @param {NamedHead} head @param {string} fileName */
  use(head, fileName) {
    stopTraining();
    Object.assign(this, { head, fileName, classIds: [], examples: [], leftOut: 0, mistakes: new Map() });
    this.announce();
  }

  export() {
    const address = URL.createObjectURL(new Blob([encodeClassFile(this.head)], { type: "application/json" }));
    make("a", { href: address, download: "classes.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), DOWNLOAD_MS);
  }

  /** @param {File} file */
  async import(file) {
    this.showError("");
    try {
      const head = await openClassFile(file);
      this.use(head, file.name);
      this.keep({ head, fileName: file.name });
    } catch (error) {
      this.showError(`${file.name}: ${error.message}`);
    }
  }

  keep(record) {
    this.collection.write({ put: [["settings", { id: SETTING, ...record }]] });
  }

  announce() {
    this.update();
    this.onChange();
  }

  /** Follows the collection: names, what is missing, and whether the training is out of date. */
  update() {
    const obstacles = this.collection.listObstacles();
    if (this.head && this.classIds.length) {
      this.head.labels = this.head.labels.map((label, index) => this.collection.findClass(this.classIds[index])?.label.trim() || label);
    }
    find("#train-classes", this.root).disabled = obstacles.length > 0;
    find("#export-classes", this.root).disabled = !this.head;
    setText(find("#training-status", this.root), this.describe(obstacles));
  }

  /** @param {string[]} obstacles */
  describe(obstacles) {
    const { head, examples, leftOut, mistakes, fileName } = this;
    if (fileName) return `Classes of ${fileName}: ${head.labels.join(", ")}. “Train” replaces them with yours.`;
    if (!head) return obstacles.join(" ") || "Ready to train.";
    if (this.isStale) return `The examples have changed since the training. ${obstacles.join(" ") || "Train again."}`;
    const trained = `Trained on ${examples.length} examples.`;
    if (leftOut < examples.length) return `${trained} Leave-one-out: ${leftOut} of ${examples.length} examples tried …`;
    const right = leftOut - mistakes.size;
    return `${trained} Leave-one-out: ${right} of ${leftOut} right (${Math.round((100 * right) / leftOut)} %).${mistakes.size ? " The others are marked with the class for which they were taken." : ""}`;
  }

  get isStale() {
    const { classes, examples } = this.collection;
    return String(classes.map(({ id }) => id)) !== String(this.classIds) || String(examples.map(({ id }) => id)) !== String(this.examples.map(({ id }) => id));
  }

  showError(message) {
    setText(find("#class-head-error", this.root), message);
  }
}
