/**
 * The browser's own results in the filters view: while settings change, and for the frames of a camera or a video. When the
 * service has answered, a line says whether both agree.
 */

import { hasCamera } from "../shared/camera.js";
import { make, setText } from "../shared/dom.js";
import { loadOnDemand } from "../shared/load-on-demand.js";
import { toOperation } from "./filter-request.js";

const loadEngine = loadOnDemand((retry) => import(`../preview/preview.js${retry}`));
const loadLiveFrames = loadOnDemand((retry) => import(`./live-frames.js${retry}`));

/**
 * @typedef {import("./setting.js").Setting} Setting
 * @typedef {import("../shared/image.js").Image} Image
 * @typedef {import("./plan.js").Placement} Placement
 * @typedef {import("./area/area.js").Area} Area
 * @typedef {{readSetting: () => Setting, readImage: () => Image|null, readArea: () => Area|null, isVisible: () => boolean,
 *   showBefore: (pixels: ImageData) => void, showAfter: (pixels: ImageData, placement: Placement) => void,
 *   openFrame: (file: Blob, name: string) => void, onStart: () => void, onStop: () => void}} View `readArea` throws Problem for
 *   a region without a place; `openFrame` opens the frame
 *   that was frozen as the user's image; `onStart` and `onStop` say that a live source runs
 */

/** @param {HTMLElement} sources gets the buttons @param {HTMLElement} status gets the messages @param {View} view */
export function attachLivePreview(sources, status, view) {
  return new LivePreview(sources, status, view);
}

export class LivePreview {
  constructor(sources, status, view) {
    this.view = view;
    this.status = status;
    /** @type {typeof import("../preview/preview.js")|null} loaded when a setting first changes */
    this.engine = null;
    /** @type {import("../sources/live-source.js").LiveSource|null} */
    this.source = null;
    /** @type {ImageData|null} the frame on display */
    this.frame = null;
    /** Counts the changes of setting and image, so that a late result is not shown. */
    this.version = 0;
    this.drawButtons(sources);
  }

  drawButtons(sources) {
    const file = make("input", { class: "visually-hidden", type: "file", id: "video-file", accept: "video/*", onchange: () => {
      if (file.files[0]) this.start(file.files[0]);
      file.value = "";
    } });
    this.camera = make("button", { type: "button", id: "live-camera", onclick: () => this.start() }, "Live camera");
    this.freeze = make("button", { type: "button", id: "freeze", class: "primary", hidden: true }, "Freeze and compare");
    this.end = make("button", { type: "button", id: "live-stop", hidden: true, onclick: () => this.stop() }, "Stop");
    sources.append(this.camera, make("label", { class: "button", for: file.id }, "Video", file), this.freeze, this.end);
    this.camera.hidden = !hasCamera() && isSecureContext; // over HTTP, the button explains why there is no camera
  }

  get isLive() {
    return this.source !== null;
  }

  /** A failure is not remembered: the next change tries again. @returns {Promise<boolean>} whether the engine is there */
  load() {
    this.loading ??= loadEngine().then((engine) => {
      this.engine = engine;
      this.preview = engine.createPreview();
      return true;
    }).catch(() => {
      this.loading = null;
      return false;
    });
    return this.loading;
  }

  /** Why the browser cannot compute the current setting; empty if it can. */
  findObstacle() {
    const { steps, linear, area } = this.view.readSetting();
    const answer = this.engine.canPreview(steps.map(toOperation), { linear, area });
    return answer === true ? "" : answer;
  }

  /** The result for the current setting, or null if it was overtaken. @param {ImageData} pixels */
  async render(pixels) {
    return this.preview.render(pixels, this.view.readSetting().steps.map(toOperation), this.view.readArea());
  }

  /** Shows the browser's result for the current setting, unless the service's or a newer one is there before. */
  async update() {
    const version = ++this.version;
    if (this.isLive) return;
    setText(this.status, "");
    if (!(await this.load())) return;
    const image = this.view.readImage();
    if (!image || version !== this.version || this.findObstacle()) return;
    const result = await this.render(image.pixels).catch(() => null); // the service's answer says what is wrong
    if (!result || this.isLive || image !== this.view.readImage() || this.settledVersion === this.version) return;
    this.view.showAfter(result.imageData, result.placement);
  }

  /** Compares the service's result, which is on display, with the browser's. @param {ImageData} theirs */
  async settle(theirs) {
    const version = this.version;
    this.settledVersion = version;
    if (!this.loading || this.isLive) return; // nothing has changed yet
    if (!(await this.loading)) return;
    const image = this.view.readImage();
    const obstacle = this.findObstacle();
    if (obstacle) return setText(this.status, `Computed by the service. ${obstacle}`);
    try {
      const operations = this.view.readSetting().steps.map(toOperation);
      // A canvas changes the colours of transparent pixels: their numbers are requested.
      const comparison = image.transparent
        ? await this.engine.compareWithService(image.pixels, operations, this.view.readArea())
        : await this.render(image.pixels).then((own) => own && this.engine.comparePixels(own.imageData, theirs));
      if (comparison && version === this.version) setText(this.status, this.engine.describeComparison(comparison));
    } catch (error) { // the service's result is on display
      if (version === this.version) setText(this.status, error instanceof this.engine.NotComputable ? `Computed by the service. ${error.message}` : "");
    }
  }

  /** @param {File} [file] a video; without it, the camera */
  async start(file) {
    this.stop();
    setText(this.status, "Opening …");
    try {
      const { freezeFrame, openCamera, openVideo, showFrames } = await loadLiveFrames();
      this.freeze.onclick = () => freezeFrame(this);
      const source = await (file ? openVideo(file) : openCamera());
      if (!(await this.load())) throw new Error("The page cannot load the filters of the browser. Try again.");
      this.source?.stop();
      this.source = source;
      this.frame = null;
      this.version++;
      this.showControls();
      this.view.onStart();
      await showFrames(source, this);
    } catch (error) {
      this.stop();
      setText(this.status, error.message);
    }
  }

  /** Shows the image again. */
  stop() {
    if (!this.source) return;
    this.release();
    this.view.onStop();
  }

  release() {
    this.source.stop();
    this.source = null;
    this.version++;
    setText(this.status, "");
    this.showControls();
  }

  showControls() {
    this.freeze.hidden = this.end.hidden = !this.isLive;
  }
}
