/** The tasks of a lesson: text, answers to choose from, a button that checks, and what the check says. */

import { Problem } from "../shared/api.js";
import { make, setText } from "../shared/dom.js";
import { drawProblem } from "../shared/problem-message.js";
import { checkTask } from "./checks/check.js";
import { renderTarget } from "./checks/target-check.js";
import { formatInline, formatText } from "./lesson-text.js";

/** With a sign for the eye; a screen reader reads the words. */
const VERDICTS = { right: ["✓ ", "Right. "], wrong: ["✗ ", "Not yet. "] };
const HIDE_TARGET = "Hide the target";
const SHOW_TARGET = "Show the target";

/**
 * @param {any} lesson of `GET /lessons/{name}` @param {Set<number>} done
 * @param {{readWork: () => Promise<import("./work.js").Work>, onDone: (task: number) => void}} listeners
 * @returns {HTMLElement[]} one for each task
 */
export function drawTasks(lesson, done, { readWork, onDone }) {
  return lesson.tasks.map((task, number) => {
    const feedback = make("p", { class: "feedback", role: "status" });
    const choices = task.check === "choice" ? drawChoices(task, number) : null;
    const target = task.check === "near-target" ? drawTarget(task, readWork, feedback) : null;
    const readAnswer = async () => (choices ? { view: "", choice: readChoice(choices) } : readWork());
    const check = make("button", { type: "button", class: "primary check-task", onclick: () => run() }, "Check");
    const item = make("li", { class: done.has(number) ? "task done" : "task", "data-slide": number + 1 },
      ...formatText(task.text), ...(choices ? [choices] : []),
      make("div", { class: "row" }, check, ...(target ? [target.button] : [])), feedback, ...(target ? [target.canvas] : []));

    const run = async () => {
      if (check.getAttribute("aria-disabled")) return; // not `disabled`: the button keeps the focus
      check.setAttribute("aria-disabled", "true");
      try {
        const { isRight, message } = await checkTask(task, await readAnswer(), lesson.drawing);
        const verdict = isRight ? "right" : "wrong";
        const [sign, words] = VERDICTS[verdict];
        feedback.dataset.verdict = verdict;
        feedback.replaceChildren(make("b", {}, make("span", { "aria-hidden": "true" }, sign), words), ...formatInline(message));
        if (!isRight) return;
        item.classList.add("done");
        onDone(number);
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        delete feedback.dataset.verdict;
        drawProblem(feedback, problem, run);
      } finally {
        check.removeAttribute("aria-disabled");
      }
    };
    return item;
  });
}

function drawChoices({ choices }, number) {
  return make("fieldset", { class: "answers" }, make("legend", { class: "visually-hidden" }, "Answers"),
    ...choices.map(({ text }, index) => make("label", { class: "choice" },
      make("input", { type: "radio", name: `answer-${number}`, value: index }), make("span", {}, ...formatInline(text)))));
}

/** The index of the chosen answer; null if there is none. */
function readChoice(choices) {
  const chosen = choices.querySelector(":checked");
  return chosen ? Number(chosen.value) : null;
}

/** A button that shows the result to reach, from the image in use. */
function drawTarget(task, readWork, feedback) {
  const canvas = make("canvas", { class: "target", hidden: true, role: "img", "aria-label": "The target" });
  const button = make("button", { type: "button", onclick: async () => {
    if (!canvas.hidden) {
      canvas.hidden = true;
      return setText(button, SHOW_TARGET);
    }
    try {
      const { filter } = await readWork();
      if (!filter) return setText(feedback, "The target is shown for the image of the filters. “Start over” opens them.");
      const pixels = await renderTarget(task, filter.image);
      Object.assign(canvas, { width: pixels.width, height: pixels.height, hidden: false });
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      setText(button, HIDE_TARGET);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      drawProblem(feedback, problem, () => button.click());
    }
  } }, SHOW_TARGET);
  return { button, canvas };
}
