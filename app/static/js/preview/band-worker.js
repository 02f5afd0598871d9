/** A worker that computes bands of results. Each request and each reply carries a number. */

import { applyChain } from "./chain.js";
import { Correlator } from "./correlation.js";

const loading = Correlator.load();
loading.catch(() => {}); // each request reports it

addEventListener("message", async ({ data: { number, image, transparent, plans, part, parts } }) => {
  const correlator = await loading.catch((error) => postMessage({ number, obstacle: error.message }));
  if (!correlator) return;
  try {
    const started = performance.now();
    const band = applyChain(correlator, image, transparent, plans, part, parts);
    const reply = { number, band, milliseconds: performance.now() - started };
    /** @type {any} */ (self).postMessage(reply, [band.pixels.buffer]);
  } catch (error) {
    postMessage({ number, message: error.message });
  }
});
