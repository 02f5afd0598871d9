/** The list of lessons. */

import { requestJsonOnce } from "../shared/api.js";
import { find, make } from "../shared/dom.js";
import { drawProblem } from "../shared/problem-message.js";
import { openLesson } from "./lesson-panel.js";
import { forgetProgress, readDone, restoreProgress } from "./progress.js";

/** @param {HTMLElement} root */
export async function openLessonsView(root) {
  let forgotten = {};
  const undo = make("button", { type: "button", class: "small", id: "undo-forgetting", hidden: true, onclick: () => {
    restoreProgress(forgotten);
    forgotten = {};
    find("#forget-progress", root).focus();
    undo.hidden = true;
    showLessons(root);
  } }, "Undo");
  root.append(
    make("div", { class: "head" },
      make("h1", { id: "lessons-title" }, "Lessons"),
      make("p", { class: "lead" }, "Each lesson has a question, a tool, and tasks that are checked. Your progress stays in this browser.")),
    make("p", { class: "error", id: "lessons-error", role: "alert" }),
    make("ol", { id: "lesson-list", class: "lesson-list" }),
    make("div", { id: "lesson-faults" }),
    make("div", { class: "row" },
      make("button", { type: "button", class: "small", id: "forget-progress", onclick: () => {
        restoreProgress(forgotten);
        forgotten = forgetProgress();
        undo.hidden = !Object.keys(forgotten).length;
        showLessons(root);
      } }, "Forget my progress"), undo));
  return { follow: () => showLessons(root) };
}

async function showLessons(root) {
  const error = find("#lessons-error", root);
  try {
    const { lessons, faults } = await requestJsonOnce("/lessons");
    find("#lesson-list", root).replaceChildren(...lessons.map(drawLesson));
    find("#lesson-faults", root).replaceChildren(...drawFaults(faults));
    drawProblem(error, null);
  } catch (problem) {
    drawProblem(error, problem, () => showLessons(root));
  }
}

function drawLesson({ name, title, question, tasks }) {
  const done = readDone(name, tasks).size;
  const open = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
    event.preventDefault();
    openLesson(name);
  };
  const state = done === tasks ? "✓ done" : done ? `${done} of ${tasks} tasks done` : `${tasks} ${tasks === 1 ? "task" : "tasks"}`;
  return make("li", { class: done === tasks ? "done" : "" }, make("a", { class: "panel", href: `/?lesson=${encodeURIComponent(name)}`, onclick: open },
    make("b", {}, title), make("span", {}, question), make("span", { class: "quiet" }, state)));
}

function drawFaults(faults) {
  if (!faults.length) return [];
  return [make("section", { class: "hint", "aria-labelledby": "faults-title" },
    make("h2", { id: "faults-title" }, faults.length === 1 ? "One lesson was left out" : `${faults.length} lessons were left out`),
    make("ul", {}, ...faults.map(({ file, line, message }) => make("li", {}, make("code", {}, `${file}:${line}`), ` ${message}`))))];
}
