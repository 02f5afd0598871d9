import { find, setText } from "../shared/dom.js";
import { drawProblemOf } from "../shared/problem-message.js";
import { clearKernels, drawKernels, showDescent } from "./kernel-descent.js";
import { learnByDescent, learnByLeastSquares } from "./learn-request.js";
import { drawLearned } from "./learned-kernel.js";
import { drawResidualMap } from "./residual-map.js";

/** Learns the kernel of a pair of images and shows it. The result names the kernel: in a puzzle, it waits for the right guess. */
export class Learning {
  /** @param {HTMLElement} root @param {() => {hidden: string, isSolved: boolean}|null} findPuzzle the puzzle that is shown, if any */
  constructor(root, findPuzzle) {
    this.root = root;
    this.findPuzzle = findPuzzle;
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
    clearKernels(this.root);
  }

  showBusy(busy) {
    find("#stop", this.root).disabled = !busy;
    this.root.setAttribute("aria-busy", String(busy));
  }

  /** @param {import("./learn-request.js").Pair} pair */
  async start(pair) {
    this.reset();
    const { root, running } = this;
    const { signal } = running;
    const size = find("#learn-size", root).value;
    const status = find("#learn-status", root);
    this.showBusy(true);
    try {
      const learned = await (find("[name=method]:checked", root).value === "descent"
        ? learnByDescent(pair, size, showDescent(root, signal), signal) : learnByLeastSquares(pair, size, signal));
      if (signal.aborted) return;
      drawKernels(root, learned.kernels.map(({ weights }) => weights));
      this.showResult = () => this.drawResult(learned, pair, signal);
      if (this.findPuzzle()?.isSolved ?? true) await this.showResult();
      else setText(status, "Done. Which kernel is it?");
    } catch (problem) {
      drawProblemOf(signal, find("#learn-error", root), problem, () => this.start(pair));
      if (signal.aborted && this.running === running) setText(status, "Stopped.");
    } finally {
      if (this.running === running) this.showBusy(false);
    }
  }

  async drawResult(learned, pair, signal) {
    const { root } = this;
    const place = find("#learned", root);
    drawLearned(place, learned);
    const puzzle = this.findPuzzle();
    setText(find("#learn-status", root), puzzle ? `Done. The kernel was ${puzzle.hidden}.` : "Done.");
    try {
      if (learned.request) await drawResidualMap(place, learned.request, pair, signal);
    } catch (problem) {
      drawProblemOf(signal, find("#learn-error", root), problem, () => this.drawResult(learned, pair, signal));
    }
  }
}
