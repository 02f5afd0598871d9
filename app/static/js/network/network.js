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

/**
 * Loads the network once. After a failure, or if the worker has failed since, the next call loads it again.
 * @returns {Promise<Network>} throws Problem, or Error if the network does not run in this browser
 */
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
  const network = new Network(() => { loading = null; });
  try {
    await network.load(weights);
    return network;
  } catch (error) {
    network.end(error.message);
    throw error;
  }
}

/** The network in a worker. */
export class Network {
  /** @param {() => void} onEnd called when the worker has failed */
  constructor(onEnd) {
    this.onEnd = onEnd;
    /** Why the worker has ended; empty while it runs. */
    this.failure = "";
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
    this.worker.addEventListener("error", ({ message }) => this.end(message || "The network cannot run in this browser."));
  }

  /** @param {ArrayBuffer} weights */
  async load(weights) {
    const { metadata, layers } = await this.ask({ weights }, [weights]);
    /** Of the model. */
    this.version = metadata.version;
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

  /** Ends the worker: requests that wait fail, and later ones. @param {string} message */
  end(message) {
    if (this.failure) return;
    this.failure = message;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
    this.onEnd();
  }

  /** @returns {Promise<any>} throws Error */
  ask(message, transferred = []) {
    if (this.failure) return Promise.reject(new Error(this.failure));
    const number = (this.last += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ ...message, number }, transferred);
    });
  }
}
