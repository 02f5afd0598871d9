import { Problem, request, requestJsonOnce } from "../shared/api.js";
import { find, redrawKeepingFocus, setText } from "../shared/dom.js";
import { openImage } from "../shared/image.js";
import { drawProblem } from "../shared/problem-message.js";
import { debounce, keepLatest } from "../shared/scheduling.js";
import { MAX_STEPS, drawChain } from "./chain-list.js";
import { ComparisonSlider } from "./comparison-slider.js";
import { drawComposedKernel } from "./composed-kernel.js";
import { drawCopyAs } from "./copy-as.js";
import { requestResult } from "./filter-results.js";
import { filterFullSize } from "./full-size.js";
import { drawGallery } from "./gallery.js";
import { SAMPLES, describeImage, drawImageSources, markSample } from "./image-sources.js";
import { requestKernel } from "./kernel-description.js";
import { attachLivePreview } from "./live-preview.js";
import { drawOutputSize } from "./output-size.js";
import { PixelInspector } from "./pixel-inspector.js";
import { planChain } from "./plan.js";
import { drawResultStatus } from "./result-status.js";
import { formatSetting, makeSetting, parseSetting } from "./setting.js";
import { drawStepControls, showFieldErrors, updateStepControls } from "./step-controls.js";
import { editStep } from "./step-editing.js";
import { findFaultyStep, listErrors } from "./step-errors.js";

/** The value of `image` in the address for an image that the user opened. */
const OWN_IMAGE = "own";
const REFRESH_DELAY_MS = 60;
const ADDRESS_DELAY_MS = 250;

/** @param {HTMLElement} root */
export async function openFilterView(root) {
  const view = new FilterView(root);
  await view.start();
  return view;
}

class FilterView {
  constructor(root) {
    this.root = root;
    this.setting = makeSetting();
    /** @type {any[]} */
    this.catalogue = [];
    /** @type {import("../shared/image.js").Image|null} */
    this.image = null;
    /** @type {import("../shared/image.js").Image|null} */
    this.ownImage = null;
    /** Which step the controls were drawn for: an edit must not redraw the field being typed into. */
    this.drawnControls = "";
    this.slider = new ComparisonSlider(find("#compare"), {
      onPick: (at, keep) => this.inspectPixel(at, keep),
      onSplit: (split) => this.apply(() => { this.setting.split = split; }, "view"),
    });
    this.inspector = new PixelInspector(this.slider);
    this.live = attachLivePreview(find(".sources", root), find("#live-status", root), {
      readSetting: () => this.setting,
      readImage: () => this.image,
      isVisible: () => !root.hidden,
      showBefore: (pixels) => this.slider.showBefore(pixels),
      showAfter: (pixels, placement) => this.slider.showAfter(pixels, placement),
      openFrame: (file, name) => this.openOwnImage(file, name),
      onStart: () => this.inspector.setResult(null),
      onStop: () => this.image && this.useImage(this.image),
    });
    this.refreshSoon = debounce(() => this.refresh(), REFRESH_DELAY_MS);
    this.writeAddressSoon = debounce(() => this.writeAddress(), ADDRESS_DELAY_MS);
    this.updateResult = keepLatest((signal) => this.showResult(signal));
    this.updateSize = keepLatest((signal, plan, axes) => drawOutputSize(find("#size"), plan, axes, signal));
    this.requestGallery = keepLatest((signal) => drawGallery(find("#gallery"), this.image, signal, (kernel) => this.openFromGallery(kernel)));
    this.composeKernel = keepLatest((signal) => drawComposedKernel(find("#composed-kernel"), this.image, this.setting, signal));
    this.filterFullSize = keepLatest((signal) => filterFullSize(this.image, this.setting, signal));
  }

  async start() {
    drawImageSources({
      isVisible: () => !this.root.hidden,
      onSample: (name) => this.apply(() => { this.setting.image = name; }, "image"),
      onFile: (file, name) => this.openOwnImage(file, name),
    });
    find("#zoom").addEventListener("change", (event) => this.apply(() => { this.setting.zoom = event.target.value; }, "view"));
    find("#full").addEventListener("click", () => this.filterFullSize());
    find("#compose").addEventListener("click", () => this.composeKernel().catch((problem) => this.showProblem(problem)));
    find("#add-step").addEventListener("click", () => this.apply(() => {
      this.setting.steps.push({ kernel: "blur" });
      this.setting.active = this.setting.steps.length - 1;
    }, "chain"));
    new IntersectionObserver(([entry]) => {
      this.galleryVisible = entry.isIntersecting;
      if (this.galleryVisible) this.updateGallery();
    }, { rootMargin: "200px" }).observe(find("#gallery"));
    try {
      this.catalogue = (await requestJsonOnce("/kernels")).kernels;
    } catch (problem) {
      this.showProblem(problem);
    }
    performance.mark("interactive");
  }

  setBusy(busy) {
    this.root.setAttribute("aria-busy", String(busy));
  }

  /** Shows the setting of an address. Called when the view opens and when the address changes. */
  follow(hash) {
    this.address = hash;
    if (this.image && hash === formatSetting(this.setting)) return;
    const { image } = this.setting;
    this.setting = parseSetting(hash);
    this.centered = false;
    this.drawnControls = "";
    this.slider.setSplit(this.setting.split);
    this.drawChain();
    return this.image && image === this.setting.image ? this.refresh() : this.openSample();
  }

  /** Does nothing if the user has followed a link in the meantime. */
  writeAddress() {
    if (location.hash !== this.address) return;
    history.replaceState(null, "", formatSetting(this.setting));
    this.address = location.hash;
  }

  /** Changes the setting and redraws what depends on it. @param {() => void} change @param {"view"|"step"|"chain"|"image"} what */
  apply(change, what) {
    change();
    this.writeAddressSoon();
    if (what === "view") return this.drawView();
    this.setBusy(true);
    if (what === "image") return this.openSample();
    if (what === "chain") this.drawChain();
    this.live.update();
    this.refreshSoon();
  }

  /** Opens the image that the setting names. */
  async openSample() {
    const { image: name } = this.setting;
    if (name === OWN_IMAGE && this.ownImage) return this.useImage(this.ownImage);
    const sample = name in SAMPLES ? name : "house";
    try {
      const reply = await request(`/samples/${sample}.png`, { accept: "image/png" });
      this.useImage(await openImage(await reply.blob(), `${sample}.png`));
      if (name === OWN_IMAGE) setText(find("#image-note"), "This link was made with an image that it does not include. Choose your own; until then, a sample is shown.");
    } catch (problem) {
      this.setBusy(false);
      setText(find("#image-error"), problem.message);
    }
  }

  async openOwnImage(file, name) {
    this.setBusy(true);
    setText(find("#image-error"), "");
    setText(find("#image-note"), "Opening …");
    try {
      this.ownImage = await openImage(file, name);
      this.setting.image = OWN_IMAGE;
      this.setting.at = null;
      this.writeAddressSoon();
      this.useImage(this.ownImage);
    } catch (problem) {
      this.setBusy(false);
      setText(find("#image-note"), describeImage(this.image));
      setText(find("#image-error"), `${name}: ${problem.message}`);
    }
  }

  useImage(image) {
    this.image = image;
    if (this.live.isLive) return this.live.stop(); // shows the image
    this.inspector.setResult(null);
    this.galleryStale = true;
    setText(find("#image-error"), "");
    setText(find("#image-note"), describeImage(image));
    markSample(this.setting.image);
    this.slider.showBefore(image.pixels);
    this.drawView();
    this.refresh();
    if (this.galleryVisible) this.updateGallery();
  }

  drawChain() {
    drawChain(find("#chain"), this.setting, (change, what) => this.apply(change, what));
    find("#add-step").disabled = this.setting.steps.length >= MAX_STEPS;
  }

  drawView() {
    find("#zoom").value = this.setting.zoom;
    this.slider.setZoom(this.setting.zoom);
    this.slider.setSplit(this.setting.split);
  }

  /** Requests the result of the current setting and aborts the request before it. */
  async refresh() {
    if (!this.image) return;
    clearTimeout(this.retryTimer);
    this.setBusy(true);
    find("#compose").hidden = this.setting.steps.length < 2;
    find("#composed-kernel").replaceChildren();
    try {
      await this.updateResult();
    } catch (problem) {
      this.showProblem(problem);
    }
  }

  async showResult(signal) {
    const { setting, image } = this;
    const { steps, active, linear } = setting;
    const { version } = this.live;
    const resultRequest = this.live.isLive ? Promise.resolve(null) : requestResult(image, setting, signal);
    resultRequest.catch(() => {}); // handled where it is awaited
    const kernelRequests = Promise.all(steps.map((step) => requestKernel(step, this.catalogue)));
    const kernels = await kernelRequests.catch(() => resultRequest.then(() => kernelRequests)); // only the result's error names the step
    if (signal.aborted) return;
    this.drawControls(kernels[active]);
    const chain = planChain(steps, kernels, image.pixels.width, image.pixels.height);
    drawCopyAs(find("#copy-as"), { setting, kernels, image });
    const showSizeError = (message) => setText(find("#size-error"), message);
    this.updateSize(chain.plans[active], chain.axes[active]).then(() => showSizeError(""), (problem) => showSizeError(problem.message));
    const result = await resultRequest;
    if (signal.aborted || version !== this.live.version) return; // the next request has the newer setting
    if (!result) return this.showProblem(null); // the frames of a live source show the setting
    this.inspector.setResult({ ...result, ...chain, image, steps: structuredClone(steps), linear });
    this.showProblem(null);
    this.slider.showAfter(result.pixels, chain.placements.at(-1));
    this.live.settle(result.pixels);
    this.setBusy(false);
    drawResultStatus(result, chain.plans.at(-1).response, image.pixels, (response) => this.apply(() => {
      setting.steps.at(-1).response = response;
      this.drawnControls = "";
    }, "step"));
    await this.inspector.inspect(setting.at);
    if (setting.at && !this.centered) this.slider.center(this.slider.marks?.anchor ?? [0, 0]);
    this.centered = true;
  }

  drawControls(kernel) {
    const { steps, active } = this.setting;
    const step = steps[active];
    const form = find("#step");
    const listeners = editStep(this.setting, kernel, (change, what) => this.apply(change, what), () => this.drawChain());
    const controls = JSON.stringify([active, step.kernel, step.kernel === "custom" && [kernel?.rows, kernel?.columns]]);
    this.drawnStep = `${active} ${step.kernel}`;
    if (controls === this.drawnControls) return updateStepControls(form, step, kernel, listeners);
    this.drawnControls = controls;
    redrawKeepingFocus(form, () => drawStepControls(form, step, kernel, this.catalogue, listeners));
  }

  inspectPixel(at, keep) {
    if (keep) {
      this.setting.at = at;
      this.writeAddressSoon();
    }
    this.inspector.inspect(at ?? this.setting.at);
  }

  async updateGallery() {
    if (!this.galleryStale || !this.image) return;
    this.galleryStale = false;
    try {
      await this.requestGallery();
      setText(find("#gallery-error"), "");
    } catch (problem) {
      this.galleryStale = true;
      setText(find("#gallery-error"), problem.message);
    }
  }

  openFromGallery(kernel) {
    this.apply(() => { this.setting.steps[this.setting.active] = { kernel }; }, "chain");
    find("#compare").scrollIntoView({ block: "start", behavior: "smooth" });
    find("#compare .viewer").focus({ preventScroll: true });
  }

  /** Shows an error, also at the control that caused it. The setting stays. @param {Problem|null} problem null clears the error */
  showProblem(problem) {
    this.setBusy(false);
    if (problem && !(problem instanceof Problem)) throw problem;
    const { setting } = this;
    const faultyStep = problem && findFaultyStep(problem);
    if (faultyStep) setting.active = Math.min(faultyStep, setting.steps.length) - 1;
    const step = setting.steps[setting.active];
    if (problem && this.drawnStep !== `${setting.active} ${step.kernel}`) {
      this.drawChain();
      this.drawControls(this.catalogue.find(({ name }) => name === step.kernel) ?? null);
    }
    showFieldErrors(find("#step"), listErrors(problem));
    this.retryTimer = drawProblem(find("#filter-error"), problem, () => this.refresh());
  }
}
