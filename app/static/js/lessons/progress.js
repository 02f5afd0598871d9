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
  restoreProgress({ [lesson]: [task] });
}

/** @returns {Record<string, number[]>} what is forgotten, for `restoreProgress` */
export function forgetProgress() {
  const progress = load();
  save({});
  return progress;
}

/** Adds to the present progress. @param {Record<string, number[]>} progress */
export function restoreProgress(progress) {
  const present = load();
  for (const [lesson, tasks] of Object.entries(progress)) present[lesson] = [...new Set([...(present[lesson] ?? []), ...tasks])];
  save(present);
}

/** @param {Record<string, number[]>} progress */
function save(progress) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(progress));
  } catch {
    // the browser keeps nothing for this page
  }
}
