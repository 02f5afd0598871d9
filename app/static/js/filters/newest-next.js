/**
 * Returns a function that runs `task`, one run at a time. While one runs, only the newest call waits, so results keep coming
 * while a slider is dragged. A run that others wait for is aborted after `patienceMs`, or at once by an urgent call.
 * @param {(signal: AbortSignal, isNewest: () => boolean) => Promise<void>} task
 * @param {(error: Error) => void} onError of a run that nothing waits for
 * @param {number} patienceMs
 * @returns {(urgent?: boolean) => void}
 */
export function runNewestNext(task, onError, patienceMs) {
  /** @type {AbortController|null} */
  let running = null;
  let waiting = false;
  let timer = 0;
  const run = async () => {
    const controller = (running = new AbortController());
    waiting = false;
    try {
      await task(controller.signal, () => !waiting);
    } catch (error) {
      if (!waiting && !controller.signal.aborted) onError(error);
    } finally {
      clearTimeout(timer);
      running = null;
      if (waiting) run();
    }
  };
  return (urgent = false) => {
    if (!running) return void run();
    const overtaken = running;
    if (urgent) overtaken.abort();
    else if (!waiting) timer = setTimeout(() => overtaken.abort(), patienceMs);
    waiting = true;
  };
}
