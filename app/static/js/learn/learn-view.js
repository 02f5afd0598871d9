import { find } from "../shared/dom.js";
import { drawProblemOf } from "../shared/problem-message.js";
import { Attempt } from "./attempt.js";
import { receivePair, showPair } from "./image-pair.js";
import { makePuzzle, pickSeed, readAddress, requestBoard, requestPuzzle, writeAddress } from "./kernel-puzzle.js";
import { layOutView, showMode } from "./learn-layout.js";
import { Learning } from "./learning.js";
import { LossCurves } from "./loss-curves.js";
import { drawGuesses, praiseWeights } from "./puzzle-guess.js";

/** @param {HTMLElement} root */
export async function openLearnView(root) {
  root.append(...layOutView());
  return new LearnView(root);
}

class LearnView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** The user's images. @type {import("./image-pair.js").PairInProgress} */
    this.own = { before: null, after: null };
    /** What is shown. @type {import("./image-pair.js").PairInProgress} */
    this.pair = this.own;
    /** @type {(import("./kernel-puzzle.js").Puzzle & {isSolved: boolean})|null} */
    this.puzzle = null;
    this.loading = new AbortController();
    this.curves = new LossCurves(find("#loss", root));
    this.attempt = new Attempt(root, this.curves, () => this.solve(true));
    this.learning = new Learning(root, this.curves, () => this.puzzle);
    receivePair(root, () => (this.own.before ? "after" : "before"), (slot, image) => this.openOwn(slot, image));
    find("#new-puzzle", root).addEventListener("click", () => this.goToPuzzle(pickSeed()));
    find("#free-weights", root).addEventListener("change", () => this.goToPuzzle(this.puzzle?.seed ?? pickSeed()));
    find("#start-learning", root).addEventListener("click", () => this.learning.start(/** @type {import("./learn-request.js").Pair} */ (this.pair)));
    find("#stop", root).addEventListener("click", () => this.learning.stop());
    find("#learn-size", root).addEventListener("change", () => this.learning.reset());
  }

  goToPuzzle(seed) {
    location.hash = writeAddress({ seed, isEasy: find("#free-weights", this.root).value === "one" });
  }

  /** A puzzle, or the user's images: as long as there are none, an easy puzzle. @param {string} hash */
  follow(hash) {
    const address = readAddress(hash);
    if (address) return this.puzzle && writeAddress(this.puzzle) === writeAddress(address) ? undefined : this.startPuzzle(address);
    if (this.own.before || this.own.after) return this.puzzle && this.showOwn();
    history.replaceState(null, "", writeAddress({ seed: pickSeed(), isEasy: true }));
    return this.follow(location.hash);
  }

  /** @param {"before"|"after"} slot @param {import("../shared/image.js").Image} image */
  openOwn(slot, image) {
    this.own = { ...this.own, [slot]: image };
    if (this.puzzle) history.pushState(null, "", "#learn"); // so that Back returns to the puzzle
    this.showOwn();
  }

  showOwn() {
    this.clear(null);
    showPair(this.root, (this.pair = this.own));
  }

  /** @param {LearnView["puzzle"]} puzzle that will be shown @returns {AbortSignal} of what is loaded for it */
  clear(puzzle) {
    this.loading.abort();
    this.loading = new AbortController();
    this.attempt.end();
    this.puzzle = puzzle;
    this.learning.reset();
    this.curves.clear(puzzle !== null);
    showMode(this.root, puzzle);
    return this.loading.signal;
  }

  /** @param {{seed: string, isEasy: boolean}} address */
  async startPuzzle(address) {
    const puzzle = { ...makePuzzle(address), isSolved: false };
    const signal = this.clear(puzzle);
    try {
      const [pair, board] = await Promise.all([requestPuzzle(puzzle, signal), requestBoard(puzzle)]);
      if (signal.aborted) return;
      showPair(this.root, (this.pair = pair));
      drawGuesses(find("#guess", this.root), puzzle, () => this.solve(false));
      this.attempt.start(pair, puzzle.bias, board);
    } catch (problem) {
      drawProblemOf(signal, find("#pair-error", this.root), problem, () => this.startPuzzle(address));
    }
  }

  /** The user found the kernel, or asked for it. @param {boolean} byWeights */
  solve(byWeights) {
    const { puzzle } = this;
    if (byWeights && puzzle.isSolved) return;
    if (byWeights) praiseWeights(find("#guess", this.root), puzzle);
    puzzle.isSolved = true;
    this.learning.reveal(puzzle);
  }
}
