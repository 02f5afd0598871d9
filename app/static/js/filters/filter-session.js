import { Problem, requestJsonOnce } from "../shared/api.js";
import { parseAddress } from "../shared/address.js";
import { find, setText } from "../shared/dom.js";
import { drawProblem } from "../shared/problem-message.js";
import { AreaPanel } from "./area/area-panel.js";
import { KernelBench } from "./bench/kernel-bench.js";
import { ComparisonSlider } from "./comparison-slider.js";
import { DetailsBelow } from "./details-below.js";
import { clearFullSize } from "./full-size.js";
import { describeImage, markSample } from "./image-sources.js";
import { Images, isOwn } from "./images.js";
import { PixelInspector } from "./pixel-inspector.js";
import { ResultDisplay } from "./result-display.js";
import { SettingHistory } from "./setting-history.js";
import { formatSetting, makeArea, makeSetting, parseSetting } from "./setting.js";
import { StepPanel } from "./step-panel.js";
import { showMode } from "./view-mode.js";

/** What the filters view shows: the setting, its image and the result. */
export class FilterSession {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.setting = makeSetting();
    /** The kernels and layers of the service. @type {any[]} */
    this.catalogue = [];
    this.images = new Images();
    /** @type {import("../shared/image.js").Image|null} */
    this.image = null;
    /**
     * The results that the browser computes itself, and live sources; null: none.
     * @type {{isLive: boolean, preview?: object, findObstacle: () => string, update: () => void,
     *   settle: (pixels: ImageData) => void, stop: () => void}|null}
     */
    this.live = null;
    /** Called when another image is in use, and when a result is on display. */
    this.onImage = () => {};
    this.onResult = () => {};
    const onPick = (at, keep) => this.inspectPixel(at, keep);
    this.slider = new ComparisonSlider(find("#compare"), {
      onPick: (x, y, keep) => this.bench.pickPlace(x, y, keep), onSplit: (split) => this.apply(() => { this.setting.split = split; }, "view"),
    });
    this.steps = new StepPanel(this);
    this.bench = new KernelBench(root, this.steps.board, { onPick, onShowImage: () => this.setMode("image") });
    this.details = new DetailsBelow(find(".more", root));
    this.area = new AreaPanel(this);
    this.inspector = new PixelInspector(this.slider, this.bench, this.details, (at) => this.area.describeUnfiltered(at));
    this.history = new SettingHistory(() => formatSetting(this.setting), () => this.setting.image);
    this.results = new ResultDisplay(this);
  }

  async loadCatalogue() {
    try {
      const { kernels, layers } = await requestJsonOnce("/kernels");
      this.catalogue = [...kernels, ...layers];
    } catch (problem) {
      this.showProblem(problem);
    }
  }

  /** Whether the browser shows results while settings change. */
  get computesResults() {
    return Boolean(this.live?.preview) && !this.live.findObstacle();
  }

  setBusy(busy) {
    this.root.setAttribute("aria-busy", String(busy));
  }

  /**
   * Shows the setting of an address. Called when the view opens and when the address changes. An address without a setting
   * keeps what the user has; one without an image keeps the user's own image.
   */
  follow(hash) {
    const { path, query } = parseAddress(hash);
    if (this.image && (hash === formatSetting(this.setting) || !(path || query.toString()))) return this.history.adopt();
    const kept = isOwn(this.setting.image) ? this.setting.image : undefined;
    const showing = this.show(parseSetting(hash, history.state?.image ?? kept));
    this.history.adopt();
    return showing;
  }

  /** @param {import("./setting.js").Setting} setting */
  show(setting) {
    if (this.image) this.details.load();
    const sameImage = this.image && setting.image === this.setting.image;
    if (String(setting.at) !== String(this.setting.at)) this.bench.recenter();
    this.setting = setting;
    this.results.centered = false;
    this.steps.forget();
    this.drawView();
    this.steps.drawChain();
    if (!sameImage) return this.openImage();
    this.live?.update();
    this.refresh(true);
  }

  /** Undoes or repeats a change. @param {-1|1} by */
  moveInHistory(by) {
    const entry = this.history.move(by);
    if (entry) this.show(parseSetting(entry.address, entry.image));
  }

  /** Changes the setting and redraws what depends on it. @param {() => void} change @param {"view"|"step"|"chain"|"image"} what */
  apply(change, what) {
    change();
    this.details.load();
    this.history.note(what === "view" ? "view" : "content");
    if (what === "view") return this.drawView();
    clearFullSize();
    if (what === "image") return this.openImage();
    if (what === "chain") this.steps.drawChain();
    this.live?.update();
    this.refresh(what === "chain");
  }

  setMode(mode) {
    this.apply(() => { this.setting.mode = mode; }, "view");
  }

  /** Opens the image that the setting names. */
  async openImage() {
    const { image: name } = this.setting;
    this.setBusy(true);
    try {
      const image = await this.images.open(name);
      if (name !== this.setting.image) return;
      this.useImage(image);
      setText(find("#link-note"), this.images.lacks(name)
        ? "This link was made with an image that it does not include. Choose your own; until then, a sample is shown." : "");
    } catch (problem) {
      this.setBusy(false);
      setText(find("#image-error"), problem.message);
    }
  }

  /** Another sample. Regions and mask belong to the image. @param {string} name */
  chooseSample(name) {
    this.apply(() => Object.assign(this.setting, { image: name, at: null, area: makeArea() }), "image");
  }

  /** An image of the user's. Regions stay if a link waits for it. @param {Blob} file @param {string} name @param {import("./setting.js").AreaSetting} [area] */
  async openOwnImage(file, name, area = this.images.lacks(this.setting.image) ? this.setting.area : makeArea()) {
    this.setBusy(true);
    setText(find("#image-error"), "");
    setText(find("#image-note"), "Opening …");
    try {
      const image = await this.images.add(file, name);
      Object.assign(this.setting, { image, at: null, area });
      this.details.load();
      this.history.note("content");
      setText(find("#link-note"), "");
      this.useImage(await this.images.open(this.setting.image));
    } catch (problem) {
      this.setBusy(false);
      setText(find("#image-note"), await describeImage(this.image));
      setText(find("#image-error"), `${name}: ${problem.message}`);
    }
  }

  /** @param {import("../shared/image.js").Image} image */
  useImage(image) {
    this.image = image;
    if (this.live?.isLive) return this.live.stop(); // calls this again
    clearFullSize();
    setText(find("#image-error"), "");
    describeImage(image).then((text) => image === this.image && setText(find("#image-note"), text));
    markSample(this.setting.image);
    this.slider.showBefore(image.pixels);
    this.drawView();
    this.refresh(true);
    this.onImage();
  }

  drawView() {
    const { mode, zoom, split } = this.setting;
    // The bench waits for the plan when the view opens: a chain without one is shown as the whole image.
    if (mode === "image" || this.root.dataset.mode) showMode(this.root, mode);
    find("#zoom").value = zoom;
    this.slider.setZoom(zoom);
    this.slider.setSplit(split);
    this.area.draw();
  }

  /** Writes a change to the address, before the user leaves the view. */
  settle() {
    if (this.image) this.history.settle();
  }

  /** Computes the magnified pixels, and requests the result. @param {boolean} [urgent] the result on its way is of no use */
  refresh(urgent = false) {
    if (!this.image) return;
    clearTimeout(this.retryTimer);
    this.setBusy(true);
    this.steps.clearComposed();
    this.results.refresh(urgent);
  }

  /** @param {[number, number]} at a pixel of the result of the active step @param {boolean} keep */
  inspectPixel(at, keep) {
    if (keep) {
      this.setting.at = at;
      this.history.note("view");
    }
    this.inspector.inspect(at);
  }

  /** Shows an error, also at the control that caused it. The setting stays. @param {Problem|null} problem null clears the error */
  showProblem(problem) {
    this.setBusy(false);
    if (!this.root.dataset.mode) showMode(this.root, this.setting.mode);
    if (problem && !(problem instanceof Problem)) throw problem;
    const controls = [...this.steps.showErrors(problem), ...this.area.showErrors(problem)];
    const shown = controls.length ? new Problem(problem.status, { detail: `${controls.join(", ")}: see the message there. The result before it stays.` }) : problem;
    this.retryTimer = drawProblem(find("#filter-error"), shown, () => this.refresh());
  }
}
