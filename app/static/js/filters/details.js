/** What is below the first screen, drawn from a result: one pixel worked out, the sizes, and the setting as code. */

import { find, setText } from "../shared/dom.js";
import { keepLatest } from "../shared/scheduling.js";
import { drawCopyAs } from "./copy-as.js";
import { drawOutputSize } from "./output-size.js";
import { PixelTable } from "./pixel-table.js";

/**
 * @typedef {{pixel?: string|Parameters<PixelTable["show"]>, snippet?: import("./snippets.js").SnippetInput,
 *   size?: {plan: import("./plan.js").Plan, axes: any}|null}} Parts `pixel` is a message if there is nothing to show
 */

export class Details {
  constructor() {
    this.table = new PixelTable(find("#inspector"));
    this.updateSize = keepLatest((signal, { plan, axes }) => drawOutputSize(find("#size"), plan, axes, signal));
  }

  /** @param {Parts} parts those that have changed */
  draw({ pixel, snippet, size }) {
    if (typeof pixel === "string") this.table.showMessage(pixel);
    else if (pixel) this.table.show(...pixel);
    if (snippet) drawCopyAs(find("#copy-as"), snippet);
    if (size === null) find("#size").replaceChildren();
    if (!size) return;
    const showError = (message) => setText(find("#size-error"), message);
    this.updateSize(size).then(() => showError(""), (problem) => showError(problem.message));
  }
}
