import { Problem, requestJsonOnce } from "../shared/api.js";
import { find, make, setText } from "../shared/dom.js";
import { drawProblem } from "../shared/problem-message.js";
import { formatText } from "./lesson-text.js";
import { attachPixelPen } from "./pixel-pen.js";
import { Presentation } from "./presentation.js";
import { markDone, readDone } from "./progress.js";
import { drawTasks } from "./task-list.js";
import { readWork } from "./work.js";

/**
 * @typedef {{readView: () => {view: string, opened: any}, open: (address: string, replaces?: boolean) => Promise<any>}} Page
 *   `open` goes to an address, or puts it in the place of the present one, and returns what the module of its view returned
 */

/** @param {HTMLElement} root @param {Page} page */
export const makeLessonPanel = (root, page) => new LessonPanel(root, page);

/** The lesson beside the tools. */
class LessonPanel {
  /** @param {HTMLElement} root @param {Page} page */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.name = "";
    this.presentation = new Presentation(root, (by) => this.openNext(by), () => this.updateHead());
    this.detachPen = () => {};
  }

  /** @param {string} name empty: no lesson @param {boolean} keepsTool false: the lesson opens the tool that it starts with */
  async show(name, keepsTool) {
    this.root.hidden = !name;
    if (name === this.name) return;
    const isFirst = !this.lesson && document.activeElement === document.body; // the page was loaded with a lesson
    this.name = name;
    this.detachPen();
    if (!name) return this.presentation.end();
    try {
      const [{ lessons }, lesson] = await Promise.all([requestJsonOnce("/lessons"), requestJsonOnce(`/lessons/${encodeURIComponent(name)}`)]);
      if (name !== this.name) return;
      Object.assign(this, { lesson, names: lessons.map((one) => one.name) });
      this.draw();
      if (!isFirst) find("#lesson-title", this.root).focus({ preventScroll: true });
      if (!keepsTool) await this.page.open(lesson.start, true);
      await this.takeDrawing();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.name = "";
      const message = make("p", { class: "error", role: "alert" });
      this.root.replaceChildren(message, make("button", { type: "button", onclick: () => this.close() }, "Close"));
      drawProblem(message, problem, () => this.show(name, keepsTool));
    }
  }

  draw() {
    const { lesson, root, name } = this;
    const done = readDone(name, lesson.tasks.length);
    this.next = make("button", { type: "button", onclick: () => this.openNext(1) }, "Next");
    const isFirst = this.names.indexOf(name) === 0;
    root.replaceChildren(this.drawHead(), make("div", { class: "lesson-body" },
      make("div", { class: "lesson-text", "data-slide": 0 },
        make("h2", { id: "lesson-title", tabindex: -1 }, lesson.title), make("p", { class: "question" }, lesson.question), ...formatText(lesson.text)),
      make("ol", { class: "tasks" }, ...drawTasks(lesson, done, {
        readWork: () => this.readWork(),
        onDone: (task) => {
          markDone(name, task);
          this.drawProgress();
        },
      })),
      make("div", { class: "row lesson-foot" },
        make("button", { type: "button", id: "lesson-start", onclick: () => this.startOver() }, "Start over"),
        make("button", { type: "button", disabled: isFirst, onclick: () => this.openNext(-1) }, "Previous"), this.next)));
    this.next.disabled = name === this.names.at(-1);
    this.drawProgress();
    this.presentation.showSlide(0);
  }

  drawHead() {
    const { presentation, root } = this;
    const place = `Lesson ${this.names.indexOf(this.name) + 1} of ${this.names.length}`;
    const drawButton = (attributes, text) => make("button", { type: "button", ...attributes, class: `small ${attributes.class ?? ""}` }, text);
    const turn = (by, text) => drawButton({ onclick: () => presentation.turn(by) }, text);
    this.turns = make("span", { class: "turns" }, turn(-1, "Previous"), turn(1, "Next"));
    this.present = drawButton({ id: "present", onclick: () => (presentation.isOn ? presentation.end() : presentation.begin()) }, "Present");
    const fold = drawButton({ class: "fold", "aria-pressed": root.classList.contains("folded"), onclick: () =>
      fold.setAttribute("aria-pressed", String(root.classList.toggle("folded"))) }, "Fold");
    return make("div", { class: "lesson-head" }, make("a", { href: "#lessons", class: "quiet" }, place), fold, this.turns, this.present,
      drawButton({ class: "icon", id: "lesson-close", "aria-label": "Close the lesson", title: "Close the lesson", onclick: () => this.close() }, "×"));
  }

  /** Shows whether the lesson is presented, and where. */
  updateHead() {
    if (!this.turns) return;
    const { isOn } = this.presentation;
    setText(this.present, isOn ? "End presentation" : "Present");
    if (!isOn && this.turns.contains(document.activeElement)) this.present.focus();
    this.turns.hidden = !isOn;
    const at = this.names.indexOf(this.name);
    [-1, 1].forEach((by, index) => {
      const isEnd = this.presentation.isAtEnd(by) && !this.names[at + by];
      this.turns.children[index].setAttribute("aria-disabled", String(isEnd));
    });
  }

  drawProgress() {
    const { tasks } = this.lesson;
    this.next.classList.toggle("primary", readDone(this.name, tasks.length).size === tasks.length);
  }

  /** Goes back to the state that the lesson begins with. */
  async startOver() {
    await this.page.open(this.lesson.start);
    await this.takeDrawing(true);
  }

  /** Puts the lesson's drawing on the pad, with the learner's changes unless `anew`. */
  async takeDrawing(anew = false) {
    const { lesson } = this;
    if (!lesson.drawing || !location.hash.startsWith("#digits")) return;
    const view = await this.page.open(location.hash);
    if (!view || lesson !== this.lesson) return;
    this.detachPen();
    this.detachPen = attachPixelPen(view.pad, this.name, lesson.drawing, anew);
  }

  async readWork() {
    const { view, opened } = this.page.readView();
    return readWork(view, opened);
  }

  /** @param {1|-1} by */
  openNext(by) {
    const next = this.names[this.names.indexOf(this.name) + by];
    if (next) openLesson(next);
  }

  close() {
    openLesson("");
  }
}

/** Changes the address; the page follows it. @param {string} name empty: closes the lesson, and keeps the tool as it is */
export function openLesson(name) {
  history.pushState(history.state, "", name ? `?lesson=${encodeURIComponent(name)}#lessons` : `${location.pathname}${location.hash}`);
  dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
}
