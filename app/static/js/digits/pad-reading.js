/** Reads a pad while somebody draws. */

import { Problem } from "../shared/api.js";
import { drawProblem } from "../shared/problem-message.js";
import { runOneAtATime } from "../shared/scheduling.js";

/** One request at a time, so that answers appear while somebody draws. The end of a stroke does not wait for its turn. */
export class PadReading {
  /**
   * @param {import("./draw-pad.js").DrawPad} pad
   * @param {{result: HTMLElement, error: HTMLElement}} places `result` is busy until the answer for the newest change is shown;
   *   `error` gets the problem of a request, with a button that repeats it
   * @param {() => Promise<() => void>} request asks about the pad and resolves to a function that shows the answer; throws Problem
   */
  constructor(pad, { result, error }, request) {
    this.result = result;
    this.error = error;
    this.request = request;
    /** Numbers of changes of the pad, of requests, and of the request whose answer is shown. */
    this.changes = this.asked = this.shown = 0;
    /** A call resolves when the newest answer is shown. */
    this.update = runOneAtATime(() => this.read());
    pad.canvas.addEventListener("pointerup", () => this.update.hurry());
  }

  /** Called at every change of the pad. */
  follow() {
    this.changes += 1;
    this.result.setAttribute("aria-busy", "true");
    return this.update();
  }

  async read() {
    clearTimeout(this.retryTimer);
    const { changes: change } = this;
    const number = (this.asked += 1);
    try {
      const show = await this.request();
      if (number < this.shown) return; // a newer answer was faster
      this.shown = number;
      show();
      if (number === this.asked) drawProblem(this.error, null);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (number < this.asked) return; // a newer request is under way
      this.retryTimer = drawProblem(this.error, problem, () => this.update());
    } finally {
      if (change === this.changes) this.result.setAttribute("aria-busy", "false");
    }
  }
}
