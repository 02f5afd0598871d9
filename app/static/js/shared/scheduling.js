/** When tasks run: after a pause, or only the latest of several. */

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
