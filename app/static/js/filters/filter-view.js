import { Problem, ask, askJson, askOnce, keepLatest } from "../shared/api.js";
import { formatAddress, makeSetting, parseAddress } from "./setting.js";
import { MAX_STEPS, drawChain } from "./chain-list.js";
import { Compare } from "./comparison-slider.js";
import { drawCopyAs } from "./copy-as.js";
import { find, keepFocus, say, settle } from "../shared/dom.js";
import { makeFullSize } from "./full-size.js";
import { drawGallery } from "./gallery.js";
import { Inspection } from "./pixel-inspector.js";
import { drawOneKernel } from "./composed-kernel.js";
import { openImage } from "../shared/image.js";
import { describeStepKernel, filterLive, planChain } from "./filter-results.js";
import { drawSize } from "./output-size.js";
import { SAMPLES, describeImage, drawSources, markSample } from "./image-sources.js";
import { drawProblem, drawStatus, findFaultyStep, listErrors } from "./result-status.js";
import { drawStep, showFieldErrors, updateStep } from "./step-controls.js";
import { editStep } from "./step-editing.js";

const OWN = "own";

/** @param {HTMLElement} root */
export async function openFilterRoom(root) {
  const room = new FilterRoom(root);
  await room.start();
  return room;
}

class FilterRoom {
  constructor(root) {
    this.root = root;
    this.setting = makeSetting();
    this.kernels = [];
    this.image = null;
    this.drawn = "";
    this.compare = new Compare(find("#compare"), {
      pick: (at, keep) => this.pick(at, keep),
      slide: (split) => this.apply(() => { this.setting.split = split; }, "view"),
    });
    this.inspection = new Inspection(this.compare);
    this.refreshSoon = settle(() => this.refresh(), 60);
    this.writeSoon = settle(() => this.writeAddress(), 250);
    this.requestResult = keepLatest((signal) => this.work(signal));
    this.requestSize = keepLatest((signal) => drawSize(find("#size"), this.chain.plans[this.setting.active], this.chain.axes[this.setting.active], signal));
    this.requestGallery = keepLatest((signal) => drawGallery(find("#gallery"), this.image, signal, (kernel) => this.openFromGallery(kernel)));
    this.requestOneKernel = keepLatest((signal) => drawOneKernel(find("#one-kernel-answer"), this.image, this.setting, signal));
    this.requestFull = keepLatest((signal) => makeFullSize(this.image, this.setting, signal));
  }

  async start() {
    drawSources({
      isHere: () => !this.root.hidden,
      choose: (name) => this.apply(() => { this.setting.image = name; }, "image"),
      open: (file, name) => this.openOwn(file, name),
    });
    find("#zoom").addEventListener("change", (event) => this.apply(() => { this.setting.zoom = event.target.value; }, "view"));
    find("#full").addEventListener("click", () => this.requestFull());
    find("#one-kernel").addEventListener("click", () => this.requestOneKernel().catch((problem) => this.showProblem(problem)));
    find("#add-step").addEventListener("click", () => this.apply(() => {
      this.setting.steps.push({ kernel: "blur" });
      this.setting.active = this.setting.steps.length - 1;
    }, "chain"));
    new IntersectionObserver(([entry]) => {
      this.galleryInView = entry.isIntersecting;
      if (this.galleryInView) this.updateGallery();
    }, { rootMargin: "200px" }).observe(find("#gallery"));
    try {
      this.kernels = (await askOnce("/kernels")).kernels;
    } catch (problem) {
      this.showProblem(problem);
    }
    performance.mark("interactive");
  }

  setBusy(busy) {
    this.root.setAttribute("aria-busy", String(busy));
  }

  /** Takes over what an address says. Called on entering and whenever the address changes. */
  follow(hash) {
    this.address = hash;
    if (this.image && hash === formatAddress(this.setting)) return;
    const before = this.setting.image;
    this.setting = parseAddress(hash).setting;
    this.centered = false;
    this.drawn = "";
    this.compare.setSplit(this.setting.split);
    this.drawChain();
    return this.image && before === this.setting.image ? this.refresh() : this.openSample();
  }

  /** Unless somebody has gone elsewhere meanwhile: their address is not overwritten. */
  writeAddress() {
    if (location.hash !== this.address) return;
    history.replaceState(null, "", formatAddress(this.setting));
    this.address = location.hash;
  }

  /** Changes the setting, and with it the address and what is to be seen. @param {"view"|"step"|"chain"|"image"} what */
  apply(change, what) {
    change();
    this.writeSoon();
    if (what === "view") return this.drawView();
    this.setBusy(true);
    if (what === "image") return this.openSample();
    if (what === "chain") this.drawChain();
    this.refreshSoon();
  }

  async openSample() {
    const { image: name } = this.setting;
    const lost = name === OWN && !this.own;
    const known = name in SAMPLES ? name : "house";
    if (name === OWN && this.own) return this.useImage(this.own);
    try {
      const reply = await ask(`/samples/${known}.png`, { accept: "image/png" });
      this.useImage(await openImage(await reply.blob(), `${known}.png`));
      if (lost) say(find("#image-note"), "This link was made with an image of its sender's. Choose yours; until then, the sample.");
    } catch (problem) {
      this.setBusy(false);
      say(find("#image-error"), problem.message);
    }
  }

  async openOwn(file, name) {
    this.setBusy(true);
    say(find("#image-error"), "");
    say(find("#image-note"), "Opening …");
    try {
      this.own = await openImage(file, name);
      this.setting.image = OWN;
      this.setting.at = null;
      this.writeSoon();
      this.useImage(this.own);
    } catch (problem) {
      this.setBusy(false);
      say(find("#image-note"), describeImage(this.image));
      say(find("#image-error"), `${name}: ${problem.message}`);
    }
  }

  useImage(image) {
    this.image = image;
    this.inspection.setResult(null);
    this.galleryStale = true;
    say(find("#image-error"), "");
    say(find("#image-note"), describeImage(this.image));
    markSample(this.setting.image);
    this.compare.showBefore(image.pixels);
    this.drawView();
    this.refresh();
    if (this.galleryInView) this.updateGallery();
  }

  drawChain() {
    drawChain(find("#chain"), this.setting, (change, what) => this.apply(change, what));
    find("#add-step").disabled = this.setting.steps.length >= MAX_STEPS;
  }

  drawView() {
    find("#zoom").value = this.setting.zoom;
    this.compare.setZoom(this.setting.zoom);
    this.compare.setSplit(this.setting.split);
  }

  /** Asks for the result of the setting as it is now; what was asked before is dropped. */
  async refresh() {
    if (!this.image) return;
    clearTimeout(this.retry);
    this.setBusy(true);
    find("#one-kernel").hidden = this.setting.steps.length < 2;
    find("#one-kernel-answer").replaceChildren();
    try {
      await this.requestResult();
    } catch (problem) {
      this.showProblem(problem);
    }
  }

  async work(signal) {
    const { setting, image } = this;
    const { steps, active } = setting;
    const answer = filterLive(image, setting, signal);
    answer.catch(() => {}); // met below
    const described = Promise.all(steps.map((step) => describeStepKernel(step, this.kernels)));
    const descriptions = await described.catch(() => answer.then(() => described)); // the answer's error names the step
    if (signal.aborted) return;
    this.drawStep(descriptions[active]);
    const chain = planChain(steps, descriptions, image.pixels.width, image.pixels.height);
    this.drawCopyAs(descriptions);
    this.chain = chain;
    this.requestSize().then(() => say(find("#size-error"), ""), (problem) => say(find("#size-error"), problem.message));
    const result = await answer;
    if (signal.aborted) return;
    this.inspection.setResult({ ...result, ...chain, image, steps: structuredClone(steps), linear: setting.linear });
    this.showProblem(null);
    this.compare.showAfter(result.pixels, chain.placements.at(-1));
    this.setBusy(false);
    drawStatus({ ...result, ...chain }, image.pixels, (response) => this.apply(() => {
      setting.steps.at(-1).response = response;
      this.drawn = "";
    }, "step"));
    await this.inspection.inspect(setting.at);
    if (setting.at && !this.centered) this.compare.center(this.compare.marked?.spot ?? [0, 0]);
    this.centered = true;
  }

  drawStep(kernel) {
    const { steps, active } = this.setting;
    const step = steps[active];
    const form = find("#step");
    const on = editStep(this.setting, kernel, (change, what) => this.apply(change, what), () => this.drawChain());
    const wanted = JSON.stringify([active, step.kernel, step.kernel === "custom" && [kernel?.rows, kernel?.columns]]);
    this.drawnStep = `${active} ${step.kernel}`;
    if (wanted === this.drawn) return updateStep(form, step, kernel, on);
    this.drawn = wanted;
    keepFocus(form, () => drawStep(form, step, kernel, this.kernels, on));
  }

  drawCopyAs(descriptions) {
    drawCopyAs(find("#copy-as"), { setting: this.setting, descriptions, image: this.image });
  }

  pick(at, keep) {
    if (keep) {
      this.setting.at = at;
      this.writeSoon();
    }
    this.inspection.inspect(at ?? this.setting.at);
  }

  async updateGallery() {
    if (!this.galleryStale || !this.image) return;
    this.galleryStale = false;
    try {
      await this.requestGallery();
      say(find("#gallery-error"), "");
    } catch (problem) {
      this.galleryStale = true;
      say(find("#gallery-error"), problem.message);
    }
  }

  openFromGallery(kernel) {
    this.apply(() => { this.setting.steps[this.setting.active] = { kernel }; }, "chain");
    find("#compare").scrollIntoView({ block: "start", behavior: "smooth" });
    find("#compare .viewer").focus({ preventScroll: true });
  }

  /** Says what went wrong, at the control that caused it where one did. What was set stays set. */
  showProblem(problem) {
    this.setBusy(false);
    if (problem && !(problem instanceof Problem)) throw problem;
    const { setting } = this;
    const faulty = problem && findFaultyStep(problem);
    if (faulty) setting.active = Math.min(faulty, setting.steps.length) - 1;
    const step = setting.steps[setting.active];
    if (problem && this.drawnStep !== `${setting.active} ${step.kernel}`) {
      this.drawChain();
      this.drawStep(this.kernels.find(({ name }) => name === step.kernel) ?? null);
    }
    showFieldErrors(find("#step"), listErrors(problem));
    this.retry = drawProblem(find("#filter-error"), problem, () => this.refresh());
  }
}
