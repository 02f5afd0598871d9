/** Which tasks are done. It stays in this browser. */

const STORAGE_KEY = "convserve-lessons";

/** @returns {Record<string, number[]>} numbers of tasks, from 0, by the name of the lesson */
function load() {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
  } catch {
    return {}; // the browser keeps nothing for this page
  }
}

/** @param {string} lesson @param {number} tasks how many the lesson has @returns {Set<number>} */
export const readDone = (lesson, tasks) => new Set((load()[lesson] ?? []).filter((number) => number < tasks));

/** @param {string} lesson @param {number} task */
export function markDone(lesson, task) {
  const progress = load();
  progress[lesson] = [...new Set([...(progress[lesson] ?? []), task])];
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(progress));
  } catch {
    // as above
  }
}

export function forgetProgress() {
  try {
    localStorage.removeItem(STORAGE_KEY);
  } catch {
    // as above
  }
}
