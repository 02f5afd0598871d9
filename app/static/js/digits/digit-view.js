import { parseAddress } from "../shared/address.js";
import { requestJson } from "../shared/api.js";
import { find } from "../shared/dom.js";
import { encodePng } from "../shared/png.js";
import { DIGIT_PAD, PAGE_PAD, layOutView } from "./digit-layout.js";
import { drawDigitBox, drawDigitResult } from "./digit-result.js";
import { DrawPad } from "./draw-pad.js";
import { connectDrawingSources, openPadImage } from "./drawing-sources.js";
import { attachLiveCamera } from "./live-digits.js";
import { NetworkPanel } from "./network-panel.js";
import { PadReading } from "./pad-reading.js";
import { drawPadTools, keepStrokes, loadStrokes } from "./pad-tools.js";
import { drawPageResult } from "./page-result.js";

/** @param {HTMLElement} root */
export async function openDigitView(root) {
  root.append(...layOutView());
  return new DigitView(root);
}

class DigitView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {"one"|"several"} */
    this.mode = "one";
    this.pad = new DrawPad(find("#pad", root), loadStrokes(), () => this.followPad());
    this.overlay = find("#overlay", root);
    this.network = new NetworkPanel(root);
    const error = find("#digit-error", root);
    this.reading = new PadReading(this.pad, { result: error.parentElement, error }, () => this.requestResult(this.mode));
    this.updateTools = drawPadTools(find("#pad-tools", root), this.pad, () => !root.hidden);
    keepStrokes(this.pad);
    connectDrawingSources(root, this.pad);
    attachLiveCamera(find("#digit-live", root), find("#pad-error", root), {
      isVisible: () => !root.hidden,
      read: (frame) => this.readFrame(frame),
    });
    find(".choices", root).addEventListener("change", ({ target }) => { location.hash = target.value === "one" ? "digits" : "digits?mode=several"; });
  }

  /** Shows the mode of an address: `#digits`, or `#digits?mode=several`. */
  follow(hash) {
    this.mode = parseAddress(hash).query.get("mode") === "several" ? "several" : "one";
    const several = this.mode === "several";
    find(`[name=mode][value=${this.mode}]`, this.root).checked = true;
    this.root.classList.toggle("several", several);
    find("#digit-result").hidden = find("#examples").hidden = several;
    find("#page-result").hidden = find("#page-sample").hidden = !several;
    find("#network").hidden = several;
    if (several) this.network.clear();
    const { width, height } = several ? PAGE_PAD : DIGIT_PAD;
    this.pad.setSize(width, height);
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.reading.update();
  }

  /** Called at every change of the pad. */
  followPad() {
    this.updateTools();
    /** Ends when the newest answer is shown. */
    this.answered = this.reading.follow();
  }

  /** @param {ImageData} frame of a camera */
  async readFrame(frame) {
    await this.pad.setFrame(await openPadImage(await encodePng(frame, false), "camera.png"));
    await this.answered;
  }

  /** @param {"one"|"several"} mode @returns {Promise<() => void>} shows the result; throws Problem */
  async requestResult(mode) {
    const drawing = await this.pad.export();
    const form = { file: /** @type {[Blob, string]} */ ([drawing.blob, drawing.name]) };
    const { isEmpty, image } = this.pad;
    const reply = await (mode === "several" ? requestJson("/read", { form }) : requestJson("/classify", { form, query: { preview: "true" } }));
    return () => {
      if (mode !== this.mode) return; // changed in the meantime
      if (mode === "several") return drawPageResult(find("#page-result"), this.overlay, reply, drawing);
      drawDigitResult(find("#digit-result"), reply, isEmpty);
      drawDigitBox(this.overlay, image && reply.box, drawing);
      this.network.show(reply, drawing);
    };
  }
}
