/**
 * The settled changes of a setting: for undo and redo, and as entries of the browser's history. A change settles when nothing
 * has followed for a moment and no button of the pointer is pressed, so a dragged slider is one change. What only moves the
 * view replaces the current entry.
 */

const SETTLE_MS = 400;
const MAX_CHANGES = 200;

export class SettingHistory {
  /** @param {() => string} format the setting as an address @param {() => string} readImage the image's name */
  constructor(format, readImage) {
    this.format = format;
    this.readImage = readImage;
    /** Called when what can be undone has changed. */
    this.onChange = () => {};
    /** @type {{address: string, image: string}[]} */
    this.changes = [];
    this.position = -1;
    this.pending = "";
    /** The address that the view wrote or followed last: another one is of another view. */
    this.address = "";
    this.pressed = false;
    addEventListener("pointerdown", () => { this.pressed = true; }, true);
    for (const type of ["pointerup", "pointercancel", "dragend"]) addEventListener(type, () => this.release(), true);
  }

  release() {
    this.pressed = false;
    if (this.pending) this.note(/** @type {"view"|"content"} */ (this.pending));
  }

  get canUndo() {
    return this.position > 0;
  }

  get canRedo() {
    return this.position + 1 < this.changes.length;
  }

  /** Notes a change, which is written when it has settled. @param {"view"|"content"} kind */
  note(kind) {
    if (this.pending !== "content") this.pending = kind;
    clearTimeout(this.timer);
    if (!this.pressed) this.timer = setTimeout(() => this.settle(), SETTLE_MS);
  }

  /** Writes a noted change at once. Does nothing if the user has followed a link in the meantime. */
  settle() {
    clearTimeout(this.timer);
    const { pending } = this;
    this.pending = "";
    if (!pending || location.hash !== this.address) return;
    const entry = { address: this.format(), image: this.readImage() };
    if (pending === "content" && entry.address !== this.changes[this.position]?.address) this.push(entry);
    else this.replace(entry);
  }

  /** Records the setting of an address that the browser already shows. */
  adopt() {
    clearTimeout(this.timer);
    this.pending = "";
    const entry = { address: this.format(), image: this.readImage() };
    history.replaceState({ image: entry.image }, "", entry.address);
    this.address = location.hash;
    if (entry.address !== this.changes[this.position]?.address) this.record(entry);
  }

  push(entry) {
    history.pushState({ image: entry.image }, "", entry.address);
    this.address = location.hash;
    this.record(entry);
  }

  replace(entry) {
    history.replaceState({ image: entry.image }, "", entry.address);
    this.address = location.hash;
    this.changes[this.position] = entry;
    this.onChange();
  }

  record(entry) {
    this.changes = [...this.changes.slice(0, this.position + 1), entry].slice(-MAX_CHANGES);
    this.position = this.changes.length - 1;
    this.onChange();
  }

  /** Goes back or forth. The browser's history gets an entry, too. @param {-1|1} by @returns the entry to show, or undefined */
  move(by) {
    this.settle();
    const entry = this.changes[this.position + by];
    if (!entry) return undefined;
    this.position += by;
    history.pushState({ image: entry.image }, "", entry.address);
    this.address = location.hash;
    this.onChange();
    return entry;
  }
}
