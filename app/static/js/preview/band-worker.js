/** A worker that computes bands of results. Each request and each reply carries a number. */

import { applyChain } from "./chain.js";
import { Correlator } from "./correlation.js";

const correlator = Correlator.load();

addEventListener("message", async ({ data: { number, image, transparent, plans, part, parts } }) => {
  try {
    const started = performance.now();
    const band = applyChain(await correlator, image, transparent, plans, part, parts);
    const reply = { number, band, milliseconds: performance.now() - started };
    /** @type {any} */ (self).postMessage(reply, [band.pixels.buffer]);
  } catch (error) {
    postMessage({ number, message: error.message });
  }
});
