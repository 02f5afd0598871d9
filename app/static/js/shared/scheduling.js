/** When tasks run: after a pause, only the latest of several, or one after the other. */

/** Returns a function that runs `task` after `milliseconds` without another call. */
export function debounce(task, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => task(...values), milliseconds);
  };
}

/**
 * Returns a function that runs `task` and aborts the run before it. An aborted run resolves to undefined.
 * @template T
 * @param {(signal: AbortSignal, ...values: any[]) => Promise<T>} task
 * @returns {(...values: any[]) => Promise<T|undefined>}
 */
export function keepLatest(task) {
  let running = new AbortController();
  return async (...values) => {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      const result = await task(signal, ...values);
      return signal.aborted ? undefined : result;
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) throw error;
    }
  };
}

/**
 * Returns a function that runs `task`, one run at a time. Calls during a run cause one more run after it: results appear
 * while calls keep coming, and the last call always has its run.
 * @param {() => Promise<void>} task handles its own errors
 * @returns {{(): Promise<void>, hurry: () => void}} a call resolves when no run is left; `hurry` starts the run that waits, if
 *   there is one, beside the current run
 */
export function runOneAtATime(task) {
  let isDue = false;
  /** @type {Promise<void>|null} */
  let running = null;
  const run = async () => {
    try {
      while (isDue) {
        isDue = false;
        await task();
      }
    } finally {
      running = null;
    }
  };
  const call = () => {
    isDue = true;
    return (running ??= run());
  };
  call.hurry = () => {
    if (!isDue) return;
    isDue = false;
    task();
  };
  return call;
}

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
