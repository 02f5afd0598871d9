/** Class files: the JSON that `models/class_head.py`, `POST /classify` and `convserve classify --classes` read. */

import { requestJson } from "../shared/api.js";
import { encodePng } from "../shared/png.js";

const FORMAT = 1;
const DECIMALS = 1e6;
const MAX_FILE_BYTES = 2_000_000;

/**
 * @typedef {{version: string, weights_sha256: string}} ModelReference the digit model whose features a head was trained on
 * @typedef {import("./class-head.js").Head & {labels: string[], model: ModelReference}} NamedHead
 */

/** @param {NamedHead} head @returns {string} weights to six decimals, which change no probability by more than 1e-4 */
export function encodeClassFile({ labels, weights, bias, model }) {
  const round = (value) => Math.round(value * DECIMALS) / DECIMALS;
  return JSON.stringify({
    format: FORMAT,
    model,
    labels,
    weights: weights.map((row) => Array.from(row, round)),
    bias: Array.from(bias, round),
  });
}

/**
 * Reads a class file. The service checks it, as it does with each request: it names what is wrong with the file, or the
 * versions of both models.
 * @param {Blob} file @returns {Promise<NamedHead>} throws Problem or Error with a sentence for the user
 */
export async function openClassFile(file) {
  if (file.size > MAX_FILE_BYTES) throw new Error(`The file has ${file.size.toLocaleString("en")} bytes; a class file has at most ${MAX_FILE_BYTES.toLocaleString("en")}.`);
  const blank = await encodePng(new ImageData(1, 1), false);
  await requestJson("/classify", { form: { file: [blank, "blank.png"], classes: [file, "classes.json"] } });
  const { labels, weights, bias, model } = JSON.parse(await file.text());
  return { labels, model, weights: weights.map((row) => Float64Array.from(row)), bias: Float64Array.from(bias) };
}
