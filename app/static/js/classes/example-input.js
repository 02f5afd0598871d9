/** Drawings and images become examples of a class. */

import { DrawPad } from "../digits/draw-pad.js";
import { openPadImage } from "../digits/drawing-sources.js";
import { PadReading } from "../digits/pad-reading.js";
import { drawPadTools, keepStrokes, loadStrokes } from "../digits/pad-tools.js";
import { Problem } from "../shared/api.js";
import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, setText } from "../shared/dom.js";
import { receiveDroppedAndPasted } from "../shared/image-input.js";
import { drawProblem } from "../shared/problem-message.js";
import { findDropClass } from "./class-cards.js";
import { MAX_EXAMPLES } from "./class-collection.js";
import { requestFeatures } from "./drawing-features.js";

const STROKES_KEY = "convserve-class-strokes";

/** @typedef {import("../digits/draw-pad.js").Content} Content */

/** The pad, whose drawing is read while it changes, and the images that are added to a class. */
export class ExampleInput {
  /**
   * @param {HTMLElement} root @param {import("./class-collection.js").ClassCollection} collection
   * @param {import("./class-file.js").ModelReference} model
   * @param {(reading: import("./class-collection.js").Reading|null) => void} onReading of the pad; null if it has no ink
   */
  constructor(root, collection, model, onReading) {
    this.root = root;
    this.collection = collection;
    this.model = model;
    this.pad = new DrawPad(find("#class-pad", root), loadStrokes(STROKES_KEY), () => this.followPad());
    /** The messages about drawings that could not be added. @type {Map<Content, {message: HTMLElement, timer: number|undefined}>} */
    this.failures = new Map();
    this.reading = new PadReading(this.pad, { result: find("#class-result", root), error: find("#class-read-error", root) }, async () => {
      const reading = this.pad.isEmpty ? null : await requestFeatures(await this.pad.export(), model);
      return () => onReading(reading);
    });
    this.updateTools = drawPadTools(find("#class-pad-tools", root), this.pad, () => !root.hidden, "class-");
    keepStrokes(this.pad, STROKES_KEY);
    this.connectSources();
    this.reading.update();
  }

  connectSources() {
    const { root } = this;
    const input = find("#class-file", root);
    input.addEventListener("change", () => {
      if (input.files[0]) this.openOnPad(input.files[0], input.files[0].name);
      input.value = ""; // so that choosing the same file again fires an event
    });
    receiveDroppedAndPasted((files, target) => {
      if (root.hidden || !files.length) return;
      const classId = findDropClass(target);
      if (classId !== null) this.addFiles(classId, files);
      else this.openOnPad(files[0], files[0].name);
    });
    const camera = find("#class-camera", root);
    camera.hidden = !hasCamera();
    camera.addEventListener("click", async () => {
      /** @type {Blob|null} */
      let photo = null;
      await this.explainFailure(async () => { photo = await takePhoto(); }, () => camera.click());
      if (photo) this.openOnPad(photo, "photo.png");
    });
  }

  /** @param {Blob} file @param {string} name */
  openOnPad(file, name) {
    return this.explainFailure(async () => this.pad.setImage(await openPadImage(file, name)), () => this.openOnPad(file, name));
  }

  followPad() {
    this.updateTools();
    this.reading.follow();
  }

  /** Makes the drawing an example of a class and clears the pad for the next one. @param {number} classId */
  async addDrawing(classId) {
    const { pad } = this;
    if (pad.isEmpty) return this.say("Draw something first.");
    if (!this.hasRoom(classId)) return;
    this.say("");
    const { content } = pad;
    const drawing = pad.export();
    pad.clear(); // at once: another click or stroke is about the next drawing
    await this.sendDrawing(classId, content, drawing);
  }

  /**
   * Each drawing that could not be added has a message of its own, which repeats it: the pad may hold the next one by then.
   * @param {number} classId @param {Content} content @param {Promise<import("../digits/draw-pad.js").Drawing>} drawing of the content
   */
  async sendDrawing(classId, content, drawing) {
    const { pad } = this;
    this.forgetFailure(content);
    try {
      const reading = await requestFeatures(await drawing, this.model);
      if (!reading) throw new Problem(422, { detail: "No ink found." });
      this.add(classId, reading);
    } catch (problem) {
      if (pad.isEmpty) pad.change(content);
      const message = make("p", { class: "error", role: "alert" });
      find("#class-add-errors", this.root).append(message);
      const timer = drawProblem(message, problem, () => {
        if (!this.hasRoom(classId)) return;
        if (pad.content === content) pad.clear();
        this.sendDrawing(classId, content, drawing);
      });
      this.failures.set(content, { message, timer });
    }
  }

  /** @param {Content} content that is sent again */
  forgetFailure(content) {
    const failure = this.failures.get(content);
    if (!failure) return;
    clearTimeout(failure.timer);
    failure.message.remove();
    this.failures.delete(content);
  }

  /** @param {number} classId @param {import("./class-collection.js").Reading} reading */
  add(classId, reading) {
    if (!this.collection.findClass(classId)) return; // removed in the meantime
    if (this.hasRoom(classId)) this.collection.addExample(classId, reading, this.model.weights_sha256);
  }

  /** @param {number} classId @param {FileList} files */
  async addFiles(classId, files) {
    const images = [...files];
    const note = "#class-list-note";
    const failures = [];
    for (const [index, file] of images.entries()) {
      if (!this.hasRoom(classId, note)) break;
      this.say(`Image ${index + 1} of ${images.length} …`, note);
      try {
        const { preview } = await openPadImage(file, file.name);
        const reading = await requestFeatures({ blob: preview, name: file.name }, this.model);
        if (!reading) failures.push(`${file.name}: no ink found.`);
        else this.add(classId, reading);
      } catch (error) {
        failures.push(`${file.name}: ${error.message}`);
      }
      this.say(`${index + 1 - failures.length} of ${images.length} images added.`, note);
    }
    setText(find("#class-list-error", this.root), failures.join(" "));
  }

  /** Whether another example may be added; says why not. @param {number} classId @param {string} [note] */
  hasRoom(classId, note) {
    if (this.collection.listExamples(classId).length < MAX_EXAMPLES) return true;
    this.say(`“${this.collection.nameClass(classId)}” has ${MAX_EXAMPLES} examples, the limit. Remove one to add another.`, note);
    return false;
  }

  /** @param {string} sentence @param {string} [note] its place */
  say(sentence, note = "#class-note") {
    setText(find(note, this.root), sentence);
  }

  /** Shows why an image is not on the pad, with a button that repeats the task if that may help. @param {() => Promise<void>} task @param {() => void} repeat */
  async explainFailure(task, repeat) {
    const error = find("#class-pad-error", this.root);
    try {
      await task();
      drawProblem(error, null);
    } catch (problem) {
      drawProblem(error, problem, repeat);
    }
  }
}
