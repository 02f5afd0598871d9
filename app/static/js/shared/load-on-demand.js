/**
 * Returns a function that imports a module when it is needed. Browsers remember that the module at an address failed to load,
 * so the next call after a failure asks for another address.
 * @template T
 * @param {(retry: string) => Promise<T>} load imports the module; `retry` is the query of its address
 * @returns {() => Promise<T>}
 */
export function loadOnDemand(load) {
  let failures = 0;
  return async () => {
    try {
      return await load(failures ? `?retry=${failures}` : "");
    } catch (error) {
      failures += 1;
      throw error;
    }
  };
}
