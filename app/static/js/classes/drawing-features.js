/** What the service computes for a drawing. It stores nothing. */

import { Problem, requestJson, requestJsonOnce } from "../shared/api.js";

/** The digit model of the service. @returns {Promise<import("./class-file.js").ModelReference>} */
export async function requestModel() {
  const { version, weights_sha256: weights } = await requestJsonOnce("/model");
  return { version, weights_sha256: weights };
}

/**
 * The features of a drawing, and the network's input.
 * @param {{blob: Blob, name: string}} drawing @param {import("./class-file.js").ModelReference} model that is expected
 * @returns {Promise<import("./class-collection.js").Reading|null>} null if it has no ink; throws Problem
 */
export async function requestFeatures({ blob, name }, model) {
  const reply = await requestJson("/classify", { form: { file: [blob, name] }, query: { features: "true", preview: "true" } });
  if (reply.model !== model.version) {
    throw new Problem(409, { detail: `The service has another digit model now: version ${reply.model}, before ${model.version}. Load the page again; your examples are kept.` });
  }
  if (!reply.features) return null;
  const { seen, field } = reply.preview;
  return { seen, field: Float32Array.from(field.flat()), features: Float32Array.from(reply.features) };
}
