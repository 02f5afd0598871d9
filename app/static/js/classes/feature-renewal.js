/** Features of the service's present model for examples that were kept with those of another one. */

import { requestFeatures } from "./drawing-features.js";

/**
 * What the network saw is sent again. It is prepared already, so the service takes it as it is.
 * @param {import("./class-collection.js").ClassCollection} collection @param {import("./class-file.js").ModelReference} model
 * @param {(sentence: string) => void} say
 */
export async function renewFeatures(collection, model, say) {
  const outdated = collection.examples.filter(({ weights }) => weights !== model.weights_sha256);
  for (const [index, { id, seen }] of outdated.entries()) {
    say(`The service has another digit model (version ${model.version}): features of example ${index + 1} of ${outdated.length} …`);
    const reading = await requestFeatures({ blob: decodeDataUri(seen), name: "seen.png" }, model);
    if (reading) collection.updateExample(id, reading, model.weights_sha256);
    else collection.removeExample(id);
  }
  say("");
}

/** @param {string} address `data:image/png;base64,...` */
const decodeDataUri = (address) =>
  new Blob([Uint8Array.from(atob(address.split(",")[1]), (character) => character.charCodeAt(0))], { type: "image/png" });
