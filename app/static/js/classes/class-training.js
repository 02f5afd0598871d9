/** Trains heads in a worker, one at a time. */

/** Ends the worker of the training before. */
let end = () => {};

/**
 * @param {Float32Array[]} features @param {number[]} classes @param {number} count of classes
 * @param {{onHead: (head: import("./class-head.js").Head) => void, onLeftOut: (found: number) => void,
 *   onFailure: (message: string) => void}} listeners `onLeftOut` is called for each example, in order. Nothing is called
 *   after the next training has started.
 */
export function startTraining(features, classes, count, { onHead, onLeftOut, onFailure }) {
  end();
  const worker = new Worker(new URL("./training-worker.js", import.meta.url), { type: "module" });
  end = () => worker.terminate();
  let remaining = classes.length;
  worker.onmessage = ({ data: { head, found } }) => {
    if (head) return onHead(head);
    onLeftOut(found);
    if (--remaining === 0) worker.terminate();
  };
  worker.onerror = () => onFailure("This browser cannot train: it has no workers with modules, or no memory left.");
  worker.postMessage({ features, classes, count });
}

export const stopTraining = () => end();
