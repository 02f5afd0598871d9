import { find, setText } from "../shared/dom.js";
import { keepLatest, runNewestNext } from "../shared/scheduling.js";
import { requestMaps, requestResult } from "./filter-results.js";
import { describeKernel, isComputable, requestKnownKernel } from "./kernel-description.js";
import { isLayer } from "./layer-plan.js";
import { isTooLarge, planChain } from "./plan.js";
import { drawResultStatus } from "./result-status.js";
import { showMode } from "./view-mode.js";

/** While the browser computes results itself, the service is asked when no change has followed for so long. */
const SETTLED_MS = 120;
/** A result that is overtaken by newer settings is waited for as long as this, so that the image follows a dragged slider. */
const PATIENCE_MS = 700;
/** Numbers of maps that the page shows as an image. */
const SHOWN_AS_IMAGE = [1, 3];

/** Plans the steps of a session, asks the service for their result, and shows both. */
export class ResultDisplay {
  /** @param {import("./filter-session.js").FilterSession} session */
  constructor(session) {
    this.session = session;
    /** Whether the whole image has been scrolled to the inspected pixel. */
    this.centered = false;
    this.updateResult = runNewestNext((signal, isNewest) => this.showResult(signal, isNewest), (problem) => session.showProblem(problem), PATIENCE_MS);
    this.updatePlan = keepLatest((signal) => this.showPlan(signal));
  }

  /** Computes the magnified pixels, and requests the result. @param {boolean} urgent the result on its way is of no use */
  refresh(urgent) {
    this.planFrame ??= requestAnimationFrame(() => {
      this.planFrame = undefined;
      this.updatePlan().catch(() => {}); // the result's error says what is wrong
    });
    clearTimeout(this.requestTimer);
    if (this.session.computesResults && !urgent) this.requestTimer = setTimeout(() => this.updateResult(), SETTLED_MS);
    else this.updateResult(urgent);
  }

  /** Shows on the bench what the page computes, before the service has responded. */
  async showPlan(signal) {
    const { image, catalogue, setting: { active, linear } } = this.session;
    const steps = structuredClone(this.session.setting.steps.slice(0, active + 1));
    const kernels = await Promise.all(steps.map((step) => describeKernel(step, catalogue)));
    if (signal.aborted) return;
    const hasPlan = kernels.every(isComputable);
    if (!this.session.root.dataset.mode) showMode(this.session.root, hasPlan ? this.session.setting.mode : "image");
    if (!hasPlan || this.shownSteps === JSON.stringify([steps, image.name])) return;
    const chain = planChain(steps, kernels, image.pixels, linear);
    this.shownSteps = "";
    await this.showOnBench({ ...chain, image, steps, linear, pixels: null, values: null });
  }

  /** @param {AbortSignal} signal @param {() => boolean} isNewest false if newer settings wait */
  async showResult(signal, isNewest) {
    const { session, session: { image, catalogue, live, setting: { active, linear } } } = this;
    const area = session.area.describe();
    const steps = structuredClone(session.setting.steps);
    this.shownSteps = "";
    const kernelRequests = Promise.all(steps.map((step) => requestKnownKernel(step, catalogue)));
    kernelRequests.catch(() => {}); // handled where it is awaited
    // The number of maps decides what is asked for. Kernels need not be waited for: their result is always an image.
    const layers = steps.some(({ kernel }) => isLayer(catalogue.find(({ name }) => name === kernel))) ? await kernelRequests.catch(() => []) : [];
    const isSheet = layers.length > 0 && layers.every(isComputable) && !isShownAsImage(planChain(steps, layers, image.pixels, linear).plans.at(-1));
    const resultRequest = live?.isLive ? Promise.resolve(null) : requestResult(image, { steps, linear, area }, signal, isSheet);
    resultRequest.catch(() => {}); // handled where it is awaited
    const kernels = await kernelRequests.catch(() => resultRequest.then(() => kernelRequests)); // only the result's error names the step
    if (signal.aborted) return;
    if (!kernels.every(isComputable)) return this.showUnplanned(await resultRequest, { steps, linear, area: session.area.describeOriginal() }, kernels, signal);
    showMode(session.root, session.setting.mode);
    if (isNewest()) session.steps.draw(kernels[active]);
    const chain = planChain(steps, kernels, image.pixels, linear);
    const result = await resultRequest;
    if (signal.aborted) return;
    if (!result) return session.showProblem(null); // the frames of a live source show the setting
    if (isNewest() || !session.computesResults) session.slider.showAfter(result.pixels, isSheet ? this.fitOnImage(result) : chain.placements.at(-1));
    if (!isNewest()) return;
    live?.settle(result.pixels);
    session.showProblem(null);
    session.details.show({ snippet: { setting: { ...session.setting, steps, linear, area: session.area.describeOriginal() }, kernels, image }, size: { plan: chain.plans[active], axes: chain.axes[active] } });
    drawResultStatus(result, { plan: chain.plans.at(-1), axes: chain.axes.at(-1) }, session);
    const shown = { plans: chain.plans.slice(0, active + 1), axes: chain.axes.slice(0, active + 1), placements: chain.placements.slice(0, active + 2) };
    const part = { ...shown, image, steps: steps.slice(0, active + 1), linear };
    const returned = await this.requestPart(part, active === steps.length - 1 && !isSheet && !area ? result : null, signal); // of the whole image
    if (signal.aborted) return;
    this.shownSteps = JSON.stringify([part.steps, image.name]);
    await this.showOnBench({ ...part, ...returned });
    if (session.setting.at && !this.centered) session.slider.center(session.slider.marks?.anchor ?? [0, 0]);
    this.centered = true;
    session.onResult();
  }

  /** What the service returns for the steps that the bench shows: pixels, or the numbers of maps that the page shows one by one. */
  async requestPart(part, result, signal) {
    const [plan, axes] = [part.plans.at(-1), part.axes.at(-1)];
    if (isTooLarge(plan, axes)) return { pixels: null, values: null };
    if (!isShownAsImage(plan)) return { pixels: null, values: await requestMaps(part.image, part, signal) };
    const { pixels } = result ?? await requestResult(part.image, part, signal);
    return { pixels, values: null };
  }

  /** Shows the result of a chain with a step that the page cannot compute. */
  showUnplanned(result, filtering, kernels, signal) {
    const { session, session: { image, setting } } = this;
    if (signal.aborted || !result) return;
    session.slider.showAfter(result.pixels, this.fitOnImage(result));
    session.steps.draw(kernels[setting.active]);
    session.inspector.clear(kernels.includes(null));
    showMode(session.root, "image");
    session.details.show({ snippet: { setting: { ...setting, ...filtering }, kernels, image }, size: null });
    find("#clipped").hidden = true;
    session.showProblem(null);
    setText(find("#status"), `${image.pixels.width} × ${image.pixels.height} → ${result.pixels.width} × ${result.pixels.height}`);
  }

  /** The placement of a result whose pixels have no place on the image. @returns {import("./plan.js").Placement} */
  fitOnImage({ pixels }) {
    const { width, height } = this.session.image.pixels;
    return { x: 0, y: 0, scaleX: width / pixels.width, scaleY: height / pixels.height };
  }

  /** @param {import("./bench/kernel-bench.js").Subject} subject */
  showOnBench(subject) {
    const { setting, images, inspector } = this.session;
    const { rows, columns } = subject.axes.at(-1);
    const at = setting.at ?? images.findFocus(setting.image, { width: columns.output, height: rows.output });
    return inspector.setSubject(subject, at);
  }
}

/** @param {import("./plan.js").Plan} plan of a chain */
const isShownAsImage = ({ outputs }) => SHOWN_AS_IMAGE.includes(outputs);
