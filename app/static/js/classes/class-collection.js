/** The user's classes and their examples. Each change is written to the browser's database at once. */

const MIN_CLASSES = 2;
export const MAX_CLASSES = 10;
export const MIN_EXAMPLES = 5;
export const MAX_EXAMPLES = 20;
export const MAX_LABEL_LENGTH = 40;
const FIRST_LABELS = ["star", "moon"];
const IDS_PER_MS = 1024;

/**
 * @typedef {{seen: string, field: Float32Array, features: Float32Array}} Reading of a drawing: the network's input as data
 *   URI and as 28×28 numbers, and the 1,024 features
 * @typedef {Reading & {id: number, classId: number, weights: string}} Example `weights`: the checksum of the network's weights
 * @typedef {{id: number, label: string}} NamedClass
 * @typedef {{classes: NamedClass[], examples: Example[]}} Removal
 */

let lastId = 0;

/** Ids ascend with time. Those of two tabs are unlikely to be equal. */
function makeId() {
  lastId = Math.max(lastId + 1, Date.now() * IDS_PER_MS + Math.floor(Math.random() * IDS_PER_MS));
  return lastId;
}

export class ClassCollection {
  /**
   * @param {import("./class-store.js").ClassStore|null} store null if the browser keeps nothing for this page
   * @param {{classes: NamedClass[], examples: Example[]}} kept
   */
  constructor(store, { classes, examples }) {
    this.store = store;
    /** @type {NamedClass[]} */
    this.classes = classes.length ? classes : FIRST_LABELS.map((label) => ({ id: makeId(), label }));
    /** @type {Example[]} */
    this.examples = examples.filter(({ classId }) => this.findClass(classId));
    /** What was removed, the newest last. @type {Removal[]} */
    this.removed = [];
    /** Whether the database has every change. */
    this.isKept = store !== null;
    /** @type {() => void} */
    this.onChange = () => {};
    if (!classes.length) this.write({ put: this.classes.map((one) => ["classes", one]) });
  }

  /** @param {number} id @returns {NamedClass|undefined} */
  findClass(id) {
    return this.classes.find((one) => one.id === id);
  }

  /** What the page calls a class; one without a name has its number. @param {number} id */
  nameClass(id) {
    const index = this.classes.findIndex((one) => one.id === id);
    return this.classes[index].label.trim() || `class ${index + 1}`;
  }

  /** @param {number} classId */
  listExamples(classId) {
    return this.examples.filter((one) => one.classId === classId);
  }

  addClass(label = "") {
    const added = { id: makeId(), label };
    this.change(() => { this.classes.push(added); }, { put: [["classes", added]] });
  }

  /** @param {number} id @param {string} label */
  renameClass(id, label) {
    const named = this.findClass(id);
    this.change(() => { named.label = label; }, { put: [["classes", { id, label }]] });
  }

  /** @param {number} classId @param {Reading} reading @param {string} weights the checksum of the network's weights */
  addExample(classId, reading, weights) {
    const example = { ...reading, id: makeId(), classId, weights };
    this.change(() => { this.examples.push(example); }, { put: [["examples", example]] });
  }

  /** Replaces what another network saw. @param {number} id @param {Reading} reading @param {string} weights */
  updateExample(id, reading, weights) {
    const example = this.examples.find((one) => one.id === id);
    this.change(() => Object.assign(example, { ...reading, weights }), { put: [["examples", example]] });
  }

  /** @param {number} id */
  removeClass(id) {
    this.remove({ classes: [this.findClass(id)], examples: this.listExamples(id) });
  }

  /** @param {number} id */
  removeExample(id) {
    this.remove({ classes: [], examples: this.examples.filter((one) => one.id === id) });
  }

  /** @param {Removal} removal */
  remove(removal) {
    this.change(() => {
      this.classes = this.classes.filter((one) => !removal.classes.includes(one));
      this.examples = this.examples.filter((one) => !removal.examples.includes(one));
      this.removed.push(removal);
    }, { remove: listRecords(removal).map(([store, { id }]) => [store, id]) });
  }

  /** Brings back what was removed last, where it was. */
  undoRemoval() {
    const removal = this.removed.pop();
    const sortById = (records) => records.sort((one, other) => one.id - other.id);
    this.change(() => {
      this.classes = sortById([...this.classes, ...removal.classes]);
      this.examples = sortById([...this.examples, ...removal.examples.filter(({ classId }) => this.findClass(classId))]);
    }, { put: listRecords(removal) });
  }

  /** What has to be done before training, one sentence each. @returns {string[]} */
  listObstacles() {
    const labels = this.listLabels();
    const repeated = labels.find((label, index) => label && labels.indexOf(label) < index);
    return [
      ...(labels.length < MIN_CLASSES ? [`Add a class: at least ${MIN_CLASSES} are needed.`] : []),
      ...(labels.length > MAX_CLASSES ? [`Remove a class: at most ${MAX_CLASSES} are possible.`] : []),
      ...(labels.includes("") ? ["Name every class."] : []),
      ...(repeated ? [`Two classes are named “${repeated}”: rename one.`] : []),
      ...this.classes.flatMap(({ id }) => {
        const count = this.listExamples(id).length;
        if (count > MAX_EXAMPLES) return [`“${this.nameClass(id)}” has ${count} examples; at most ${MAX_EXAMPLES} are possible.`];
        const missing = MIN_EXAMPLES - count;
        return missing > 0 ? [`“${this.nameClass(id)}” needs ${missing} more ${missing === 1 ? "example" : "examples"}.`] : [];
      }),
    ];
  }

  listLabels() {
    return this.classes.map(({ label }) => label.trim());
  }

  /** @param {() => void} apply @param {import("./class-store.js").Changes} changes */
  change(apply, changes) {
    apply();
    this.write(changes);
    this.onChange();
  }

  /** @param {import("./class-store.js").Changes} changes */
  async write(changes) {
    try {
      await this.store?.write(changes);
    } catch (error) {
      console.warn(error);
      this.isKept = false;
      this.onChange();
    }
  }
}

/** @param {Removal} removal @returns {[string, any][]} */
const listRecords = ({ classes, examples }) => [
  ...classes.map((one) => /** @type {[string, any]} */ (["classes", one])),
  ...examples.map((one) => /** @type {[string, any]} */ (["examples", one])),
];
