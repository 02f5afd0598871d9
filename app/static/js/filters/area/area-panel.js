import { Problem } from "../../shared/api.js";
import { find, setText } from "../../shared/dom.js";
import { loadOnDemand } from "../../shared/load-on-demand.js";
import { listErrors } from "../step-errors.js";
import { contains, describePreviewArea, placeRegion, readShare, scaleRegion } from "./area.js";

const loadEditor = loadOnDemand((retry) => import(`./area-editor.js${retry}`));
const LOST_MASK = "This link was made with a mask that it does not include. Choose it under “Regions”; until then, no mask is used.";
const NOT_LOADED = "The editor of regions could not be loaded: the service is not responding. Try again.";
/** The parameters whose errors are shown here. */
const PARAMETERS = ["region", "reads", "mask"];

/** The part of the image that is filtered, as requests need it. The editor of regions is loaded when there are some. */
export class AreaPanel {
  /** @param {import("../filter-session.js").FilterSession} session */
  constructor(session) {
    this.session = session;
    /** Masks that the user has opened. @type {Map<string, import("../../shared/image.js").Image>} */
    this.masks = new Map();
    this.isOpen = false;
    this.button = find("#regions");
    this.error = find("#area-error");
    this.button.addEventListener("click", () => this.open(!this.isOpen));
  }

  get setting() {
    return this.session.setting.area;
  }

  /** The mask of the setting; null if there is none, or if a link does not include it. */
  get mask() {
    return this.masks.get(this.setting.mask) ?? null;
  }

  /** Whether all of the image is filtered. */
  get isWhole() {
    return !this.setting.regions.length && !this.mask;
  }

  /** The size that regions in pixels refer to: that of the image, or of the frame on display. @returns {{width: number, height: number}} */
  get size() {
    return this.isLive ? this.session.slider.before : this.session.image;
  }

  get isLive() {
    return Boolean(this.session.live?.isLive);
  }

  /**
   * For the image of the preview, or a frame of a camera or video.
   * @returns {import("./area.js").Area|null} throws Problem for a region without a place, and for a frame if there is a mask
   */
  describe() {
    if (this.isWhole) return null;
    if (this.isLive) return this.describeFrame();
    return describePreviewArea(this.setting, this.session.image, this.mask);
  }

  /** For the file that the user has opened. @returns {import("./area.js").Area|null} */
  describeOriginal() {
    const { mask, setting: { regions, reads } } = this;
    return this.isWhole ? null : { regions, reads, mask: mask && [mask.original, mask.name] };
  }

  describeFrame() {
    if (this.mask) throw new Problem(422, { detail: "A mask belongs to one image. Remove it under “Regions” to filter frames." });
    return this.describeOriginal();
  }

  /** Why the last step does not decide a pixel of its result; empty if it does. @param {[number, number]} at */
  describeUnfiltered(at) {
    const { mask, isWhole, session: { image, setting: { steps, active } }, setting: { regions } } = this;
    if (isWhole || active < steps.length - 1) return "";
    const { width, height } = image.pixels;
    const isInside = (region) => contains(placeRegion(scaleRegion(region, image, image.pixels), width, height), at);
    try {
      if (regions.length && !regions.some(isInside)) return `Pixel ${at.join(", ")} is outside the regions. It keeps its value.`;
    } catch {
      return ""; // the region's error says what is wrong
    }
    const share = mask ? readShare(mask.pixels, at) : 1;
    if (share === 1) return "";
    if (share === 0) return `Pixel ${at.join(", ")} is black in the mask. It keeps its value.`;
    return `Pixel ${at.join(", ")} is a mix: the mask gives the filtered image a share of ${(100 * share).toFixed(0)} %.`;
  }

  /** @param {boolean} isOpen whether regions are edited */
  open(isOpen) {
    this.isOpen = isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
    find("#area-panel").hidden = !isOpen;
    this.draw();
  }

  /** Shows the setting. */
  draw() {
    const { isWhole, mask, setting: { regions, mask: name } } = this;
    const parts = [...(regions.length ? [String(regions.length)] : []), ...(mask ? ["mask"] : [])];
    setText(this.button, isWhole ? "Regions" : `Regions (${parts.join(", ")})`);
    setText(find("#area-note"), name && !mask ? LOST_MASK : isWhole ? "" : this.describeView());
    if (!this.session.image) return;
    if (this.editor) this.editor.draw();
    else if (!isWhole || this.isOpen) this.load().then((editor) => editor?.draw());
  }

  /** How what is shown differs from the result for the file. */
  describeView() {
    const { image, setting: { mode } } = this.session;
    if (mode === "bench") return "Only a part of the image is filtered. The bench shows the step on all of it.";
    if (!image?.reduced) return "";
    const times = Number((image.width / image.pixels.width).toPrecision(2));
    return `The file is ${times} times as large as what is shown. Kernels keep their size, so the download is blurred less.`;
  }

  /** @returns {Promise<import("./area-editor.js").AreaEditor|null>} null if the service is not responding */
  load() {
    this.loading ??= loadEditor().then(({ AreaEditor }) => (this.editor = new AreaEditor(this))).catch(() => {
      this.loading = null;
      setText(this.error, NOT_LOADED);
      return null;
    });
    return this.loading;
  }

  /**
   * Shows an error of the area.
   * @param {Problem|null} problem null clears the error @returns {string[]} the control that has an error
   */
  showErrors(problem) {
    const errors = listErrors(problem).filter(({ loc }) => loc.some((part) => PARAMETERS.includes(String(part))));
    setText(this.error, errors[0]?.msg ?? "");
    if (!errors.length || this.session.setting.mode === "bench") return [];
    if (!this.isOpen) this.open(true);
    return ["Regions"];
  }
}
