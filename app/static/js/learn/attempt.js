import { KernelBoard } from "../filters/bench/kernel-board.js";
import { formatRows, parseNumber, parseRows } from "../filters/weights.js";
import { find, setText } from "../shared/dom.js";
import { debounce } from "../shared/scheduling.js";
import { KernelTrial } from "./kernel-trial.js";
import { formatLoss } from "./loss-curves.js";

/** The next change after such a pause is another try. */
const SETTLED_MS = 400;
/** In grey levels²: rounding of the weights changes some pixels by a level. */
const SOLVED_LOSS = 0.5;

/** The user's kernel in a puzzle: a board of weights, the picture that it makes, and the loss of each try. */
export class Attempt {
  /** @param {HTMLElement} root @param {import("./loss-curves.js").LossCurves} curves @param {() => void} onSolved */
  constructor(root, curves, onSolved) {
    Object.assign(this, { root, curves, onSolved });
    this.board = new KernelBoard(find("#own-board", root), "own-weights-error");
    /** @type {KernelTrial|null} null while there is no puzzle */
    this.trial = null;
    this.settle = debounce(() => { this.isNew = true; }, SETTLED_MS);
  }

  /** @param {import("./learn-request.js").Pair} pair @param {number} bias @param {import("./kernel-puzzle.js").Board} board */
  async start(pair, bias, { cells, free }) {
    this.end();
    this.trial = new KernelTrial(pair, bias);
    this.isNew = true;
    const weights = formatRows(cells);
    this.board.show({ combine: "single", rows: cells.length, columns: cells[0].length }, weights, { onEditWeights: (changed) => this.change(changed), onEditFilters: () => {} });
    this.board.inputs.forEach((input, index) => {
      input.readOnly = free !== null && index !== free;
      input.closest("td").classList.toggle("given", input.readOnly);
      input.closest("td").classList.toggle("missing", index === free);
    });
    find(".tools", this.board.root).hidden = free !== null;
    await this.change(weights);
    this.isNew = true; // also if the user is quick
  }

  end() {
    this.trial?.close();
    this.trial = null;
  }

  /** @param {string} weights rows of numbers */
  async change(weights) {
    const { trial, root } = this;
    const error = find("#attempt-error", root);
    this.settle();
    try {
      const measured = await trial.measure(parseRows(weights).map((row) => row.map(parseNumber)));
      if (!measured || trial !== this.trial) return;
      setText(error, "");
      this.show(measured);
    } catch (problem) {
      if (trial === this.trial) setText(error, problem.message);
    }
  }

  show({ pixels, loss }) {
    const canvas = find("#own-canvas", this.root);
    Object.assign(canvas, { width: pixels.width, height: pixels.height });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const output = find("#own-loss", this.root);
    output.dataset.loss = String(loss);
    setText(output, `loss ${formatLoss(loss)}`);
    this.curves.showTry(loss, this.isNew);
    this.isNew = false;
    if (loss < SOLVED_LOSS) this.onSolved();
  }
}
