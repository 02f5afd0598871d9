import { find, redrawKeepingFocus } from "../shared/dom.js";
import { KernelBoard } from "./bench/kernel-board.js";
import { MAX_STEPS, drawChain } from "./chain-list.js";
import { drawStepControls, showFieldErrors, updateStepControls } from "./step-controls.js";
import { editStep } from "./step-editing.js";
import { findFaultyStep, listErrors } from "./step-errors.js";

/** The steps of the setting, and the weights and controls of the chosen one. */
export class StepPanel {
  /** @param {import("./filter-session.js").FilterSession} session */
  constructor(session) {
    this.session = session;
    this.board = new KernelBoard(find("#board"));
    /** Which step the controls were drawn for: an edit must not redraw the field being typed into. */
    this.drawnControls = "";
  }

  /** Makes the next drawing replace all controls, because their values have changed from outside. */
  forget() {
    this.drawnControls = "";
  }

  drawChain() {
    const { session } = this;
    drawChain(find("#chain"), session.setting, (change, what) => session.apply(change, what));
    find("#add-step").disabled = session.setting.steps.length >= MAX_STEPS;
  }

  /** Removes the kernel that equals an earlier chain. */
  clearComposed() {
    find("#compose").hidden = this.session.setting.steps.length < 2;
    find("#composed-kernel").replaceChildren();
  }

  /** @param {any} kernel of the chosen step, as `GET /kernels/{name}` describes it; null if it is unknown */
  draw(kernel) {
    const { session } = this;
    const { steps, active } = session.setting;
    const step = steps[active];
    const form = find("#step");
    const listeners = editStep(session.setting, kernel, session.catalogue, (change, what) => session.apply(change, what), () => this.drawChain());
    const controls = JSON.stringify([active, step.kernel]);
    this.drawnStep = `${active} ${step.kernel}`;
    if (kernel) {
      this.board.show(kernel, step.kernel === "custom" ? step.weights : undefined, { ...listeners, onEditWeights: (weights) => listeners.onEditWeights(weights, kernel) });
    } else this.board.clear();
    if (controls !== this.drawnControls) redrawKeepingFocus(form, () => drawStepControls(form, step, kernel, session.catalogue, listeners));
    this.drawnControls = controls;
    updateStepControls(form, kernel);
  }

  /**
   * Shows an error at the control that caused it.
   * @param {import("../shared/api.js").Problem|null} problem null clears the errors
   * @returns {string[]} the names of the controls that have an error
   */
  showErrors(problem) {
    const { setting, catalogue } = this.session;
    const faultyStep = problem && findFaultyStep(problem);
    if (faultyStep) setting.active = Math.min(faultyStep, setting.steps.length) - 1;
    const step = setting.steps[setting.active];
    if (problem && this.drawnStep !== `${setting.active} ${step.kernel}`) {
      this.drawChain();
      this.draw(catalogue.find(({ name }) => name === step.kernel) ?? null);
    }
    return showFieldErrors(find("#step"), listErrors(problem));
  }
}
