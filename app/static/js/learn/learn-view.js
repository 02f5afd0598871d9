import { parseAddress } from "../shared/address.js";
import { find, setText } from "../shared/dom.js";
import { drawProblemOf } from "../shared/problem-message.js";
import { MAX_IMAGE_SIDE, receivePair, showPair } from "./image-pair.js";
import { drawGuesses, makePuzzle, pickSeed, requestPuzzle } from "./kernel-puzzle.js";
import { layOutView } from "./learn-layout.js";
import { Learning } from "./learning.js";

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
    this.learning = new Learning(root, () => this.puzzle);
    receivePair(root, () => (this.own.before ? "after" : "before"), (slot, image) => this.openOwn(slot, image));
    find("#new-puzzle", root).addEventListener("click", () => { location.hash = `learn?puzzle=${pickSeed()}`; });
    find("#start-learning", root).addEventListener("click", () => this.learning.start(/** @type {import("./learn-request.js").Pair} */ (this.pair)));
    find("#stop", root).addEventListener("click", () => this.learning.stop());
    find("#learn-size", root).addEventListener("change", () => this.learning.reset());
  }

  /** `#learn?puzzle=SEED` is a puzzle, `#learn` the user's images or, as long as there are none, a new puzzle. */
  follow(hash) {
    const seed = parseAddress(hash).query.get("puzzle");
    if (/^\d{1,9}$/.test(seed ?? "")) return seed === this.puzzle?.seed ? undefined : this.startPuzzle(seed);
    if (this.own.before || this.own.after) return this.puzzle && this.showOwn();
    history.replaceState(null, "", `#learn?puzzle=${pickSeed()}`);
    return this.follow(location.hash);
  }

  /** @param {"before"|"after"} slot @param {import("../shared/image.js").Image} image */
  openOwn(slot, image) {
    this.own = { ...this.own, [slot]: image };
    if (this.puzzle) history.pushState(null, "", "#learn"); // so that Back returns to the puzzle
    this.showOwn();
  }

  showOwn() {
    this.loading.abort();
    this.learning.reset();
    this.puzzle = null;
    find("#guess", this.root).hidden = true;
    showPair(this.root, (this.pair = this.own));
  }

  async startPuzzle(seed) {
    this.loading.abort();
    this.learning.reset();
    const { signal } = (this.loading = new AbortController());
    const puzzle = (this.puzzle = { ...makePuzzle(seed), isSolved: false });
    const error = find("#pair-error", this.root);
    setText(error, "");
    for (const button of find("#guess", this.root).querySelectorAll("button")) button.disabled = true;
    find("#start-learning", this.root).disabled = true;
    try {
      const pair = await requestPuzzle(puzzle, MAX_IMAGE_SIDE, signal);
      if (signal.aborted) return;
      showPair(this.root, (this.pair = pair));
      drawGuesses(find("#guess", this.root), puzzle, () => {
        puzzle.isSolved = true;
        this.learning.showResult?.();
      });
    } catch (problem) {
      drawProblemOf(signal, error, problem, () => this.startPuzzle(seed));
    }
  }
}
