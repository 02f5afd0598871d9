import { parseNumber } from "../filters/weights.js";
import { find, setText } from "../shared/dom.js";
import { drawProblemOf } from "../shared/problem-message.js";
import { FormingKernel } from "./kernel-descent.js";
import { PUZZLE_SIZE, requestAnswer } from "./kernel-puzzle.js";
import { KernelTrial } from "./kernel-trial.js";
import { learnByDescent, learnByLeastSquares } from "./learn-request.js";
import { drawLearned } from "./learned-kernel.js";
import { formatLoss } from "./loss-curves.js";
import { describeRace } from "./race.js";
import { drawResidualMap } from "./residual-map.js";

/** Learns the kernel of a pair of images and shows it. The result names the kernel: in a puzzle, it waits for the right guess. */
export class Learning {
  /**
   * @param {HTMLElement} root @param {import("./loss-curves.js").LossCurves} curves
   * @param {() => (import("./kernel-puzzle.js").Puzzle & {isSolved: boolean})|null} findPuzzle the puzzle that is shown, if any
   */
  constructor(root, curves, findPuzzle) {
    Object.assign(this, { root, curves, findPuzzle });
    this.forming = new FormingKernel(root, curves);
    this.running = new AbortController();
    /** Shows a result that waits. @type {(() => Promise<void>)|null} */
    this.showResult = null;
  }

  stop() {
    this.running.abort();
  }

  /** Stops what runs and removes what it showed. */
  reset() {
    this.running.abort();
    this.running = new AbortController();
    this.showResult = null;
    for (const id of ["#learn-error", "#learn-status"]) setText(find(id, this.root), "");
    find("#learned", this.root).hidden = true;
    this.showBusy(false);
    this.forming.clear();
  }

  showBusy(busy) {
    find("#stop", this.root).disabled = !busy;
    this.root.setAttribute("aria-busy", String(busy));
  }

  /** @param {import("./learn-request.js").Pair} pair */
  async start(pair) {
    this.reset();
    const { root, running, forming } = this;
    const puzzle = this.findPuzzle();
    const trial = puzzle && new KernelTrial(pair, puzzle.bias);
    const query = /** @type {import("./learn-request.js").Query} */ (puzzle ? { size: String(PUZZLE_SIZE), shared: "true" } : { size: find("#learn-size", root).value, shared: "auto" });
    this.showBusy(true);
    const status = find("#learn-status", root);
    setText(status, puzzle ? "Racing …" : "Learning …");
    if (puzzle) find("#loss", root).scrollIntoView({ block: "nearest" }); // on a phone, the curve and the kernel are above
    try {
      const learned = find("[name=method]:checked", root).value === "descent"
        ? await this.descend(pair, query, trial, running.signal) : await learnByLeastSquares(pair, query, running.signal);
      if (running.signal.aborted) return;
      if (!forming.steps.length) await this.drawLeastSquares(learned, trial);
      this.showResult = () => this.drawResult(learned, pair, running.signal);
      if (puzzle?.isSolved ?? true) await this.showResult();
      else setText(status, `${this.describeEnd()} ${puzzle.isEasy ? "Which weight is missing?" : "Which kernel is it?"}`);
    } catch (problem) {
      drawProblemOf(running.signal, find("#learn-error", root), problem, () => this.start(pair));
      if (this.running === running) setText(status, running.signal.aborted ? "Stopped." : "");
    } finally {
      trial?.close();
      if (this.running === running) {
        forming.end();
        this.showBusy(false);
      }
    }
  }

  /** In a puzzle, the loss of each step is that of the picture which its kernel makes, as for the user's tries. */
  async descend(pair, query, trial, signal) {
    const learned = await learnByDescent(pair, query, async (step, floor) => {
      const measured = await measureIfPossible(trial, step.weights);
      await this.forming.show(measured ? { ...step, loss: measured.loss } : step, trial ? NaN : floor, signal);
    }, signal);
    if (!signal.aborted) this.forming.end();
    return learned;
  }

  async drawLeastSquares({ kernels }, trial) {
    const weights = kernels.map((kernel) => kernel.weights);
    const measured = await measureIfPossible(trial, weights);
    if (measured) this.curves.showSteps([], measured.loss);
    this.forming.drawKernels(weights, measured ? `least squares, loss ${formatLoss(measured.loss)}` : "least squares");
  }

  async drawResult(learned, pair, signal) {
    const { root } = this;
    const place = find("#learned", root);
    drawLearned(place, learned);
    const puzzle = this.findPuzzle();
    setText(find("#learn-status", root), puzzle ? `${this.describeEnd()} The kernel was ${puzzle.hidden}.` : "Done.");
    try {
      if (learned.request) await drawResidualMap(place, learned.request, pair, signal);
    } catch (problem) {
      drawProblemOf(signal, find("#learn-error", root), problem, () => this.drawResult(learned, pair, signal));
    }
  }

  /** The puzzle is solved: shows the result, or if nothing was learned the hidden kernel. @param {import("./kernel-puzzle.js").Puzzle} puzzle */
  async reveal(puzzle) {
    if (this.showResult) return this.showResult();
    const answer = await requestAnswer(puzzle).catch(() => null); // its name is there
    const hasOther = this.forming.steps.length || !find("#stop", this.root).disabled;
    if (answer && puzzle === this.findPuzzle() && !hasOther) this.forming.drawKernels([answer.map((row) => row.map(parseNumber))], "the hidden kernel");
  }

  describeEnd() {
    return `Done. ${describeRace(this.curves.tries, this.forming.steps)}`.trim();
  }
}

/** Null outside a puzzle, and in a browser that cannot compute it. @param {KernelTrial|null} trial @param {number[][][]} kernels */
const measureIfPossible = async (trial, [weights]) => (trial ? trial.measure(weights).catch(() => null) : null);
