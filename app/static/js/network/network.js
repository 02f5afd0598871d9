/**
 * The digit network in the browser, with the weights that the service uses.
 *
 *   const network = await loadNetwork();          // 6 MB at the first call of the first visit, then from the browser's cache
 *   const answer = await network.run(field);
 *   answer.maps.conv1, answer.features, answer.logits, answer.probabilities, answer.notADigit
 *   const importance = await network.explain(field, digit);   // null if a later call overtook this one
 *   importance.occlusion, importance.gradient, importance.logOdds
 *
 * `field` is a Float32Array of 28×28 numbers, 0 (paper) to 1 (ink), prepared as the network expects it: `preview.field` of
 * `/classify?preview=true`. See `Answer` and `Importance` in inference.js for the shapes.
 */

import { readBody, request, requestJson } from "../shared/api.js";

/** @type {Promise<Network>|null} */
let loading = null;

/** Loads the network once. A failure is a Problem, and the next call tries again. @returns {Promise<Network>} */
export function loadNetwork() {
  loading ??= load().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function load() {
  const { weights_sha256: sha256 } = await requestJson("/model");
  const response = await request("/model/weights", { query: { sha256 }, accept: "application/octet-stream" });
  const weights = await readBody(() => response.arrayBuffer());
  const network = new Network();
  await network.load(weights);
  return network;
}

/** The network in a worker. */
export class Network {
  constructor() {
    this.worker = new Worker(new URL("network-worker.js", import.meta.url), { type: "module" });
    /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.last = 0;
    this.worker.addEventListener("message", ({ data: { number, result, message } }) => {
      const { resolve, reject } = this.waiting.get(number);
      this.waiting.delete(number);
      if (message) reject(new Error(message));
      else resolve(result);
    });
    this.worker.addEventListener("error", (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "The network cannot run in this browser."));
      this.waiting.clear();
    });
  }

  /** @param {ArrayBuffer} weights */
  async load(weights) {
    const { metadata, layers } = await this.ask({ weights }, [weights]);
    /** Of the model. */
    this.version = metadata.version;
    this.sha256 = metadata.weights_sha256;
    this.temperature = Number(metadata.temperature);
    /** conv1, conv2, dense and output. @type {Record<string, import("./inference.js").Layer>} */
    this.layers = layers;
  }

  /** @param {Float32Array} field @returns {Promise<import("./inference.js").Answer>} */
  run(field) {
    return this.ask({ field });
  }

  /** @param {Float32Array} field @param {number} digit @returns {Promise<import("./inference.js").Importance|null>} */
  explain(field, digit) {
    return this.ask({ field, digit });
  }

  /** @returns {Promise<any>} */
  ask(message, transferred = []) {
    const number = (this.last += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ ...message, number }, transferred);
    });
  }
}
