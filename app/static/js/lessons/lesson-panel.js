import { Problem, requestJsonOnce } from "../shared/api.js";
import { make, setText } from "../shared/dom.js";
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
    this.presentation = new Presentation(root, (by) => this.openNext(by), () => this.drawHead());
    this.detachPen = () => {};
  }

  /** @param {string} name empty: no lesson @param {boolean} keepsTool false: the lesson opens the tool that it starts with */
  async show(name, keepsTool) {
    this.root.hidden = !name;
    if (name === this.name) return;
    this.name = name;
    this.detachPen();
    if (!name) return this.presentation.end();
    try {
      const [{ lessons }, lesson] = await Promise.all([requestJsonOnce("/lessons"), requestJsonOnce(`/lessons/${encodeURIComponent(name)}`)]);
      if (name !== this.name) return;
      Object.assign(this, { lesson, names: lessons.map((one) => one.name) });
      this.draw();
      await (keepsTool ? this.takeDrawing() : this.start(true));
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
    this.head = make("div", { class: "lesson-head" });
    this.next = make("button", { type: "button", onclick: () => this.openNext(1) }, "Next");
    const isFirst = this.names.indexOf(name) === 0;
    root.replaceChildren(this.head, make("div", { class: "lesson-body" },
      make("div", { class: "lesson-text", "data-slide": 0 },
        make("h2", { id: "lesson-title" }, lesson.title), make("p", { class: "question" }, lesson.question), ...formatText(lesson.text)),
      make("ol", { class: "tasks" }, ...drawTasks(lesson, done, {
        readWork: () => this.readWork(),
        onDone: (task) => {
          markDone(name, task);
          this.drawProgress();
        },
      })),
      make("div", { class: "row lesson-foot" },
        make("button", { type: "button", id: "lesson-start", onclick: () => this.start() }, "Start over"),
        make("button", { type: "button", disabled: isFirst, onclick: () => this.openNext(-1) }, "Previous"), this.next)));
    this.next.disabled = name === this.names.at(-1);
    this.drawHead();
    this.drawProgress();
    this.presentation.showSlide(0);
  }

  drawHead() {
    const place = `Lesson ${this.names.indexOf(this.name) + 1} of ${this.names.length}`;
    const present = this.presentation.isOn
      ? make("button", { type: "button", class: "small", onclick: () => this.presentation.end() }, "End presentation")
      : make("button", { type: "button", class: "small", id: "present", onclick: () => this.presentation.begin() }, "Present");
    const fold = make("button", { type: "button", class: "small fold", "aria-expanded": String(!this.root.classList.contains("folded")), onclick: () => {
      const folded = this.root.classList.toggle("folded");
      fold.setAttribute("aria-expanded", String(!folded));
      setText(fold, folded ? "Unfold" : "Fold");
    } }, this.root.classList.contains("folded") ? "Unfold" : "Fold");
    this.head.replaceChildren(make("a", { href: "#lessons", class: "quiet" }, place), fold, present,
      make("button", { type: "button", class: "small icon", id: "lesson-close", "aria-label": "Close the lesson", title: "Close the lesson", onclick: () => this.close() }, "×"));
  }

  drawProgress() {
    const { tasks } = this.lesson;
    this.next.classList.toggle("primary", readDone(this.name, tasks.length).size === tasks.length);
  }

  /** Goes to the state that the lesson begins with. */
  async start(replaces = false) {
    await this.page.open(this.lesson.start, replaces);
    await this.takeDrawing(true);
  }

  /** Puts the lesson's drawing on the pad, unless a changed one is there. */
  async takeDrawing(anew = false) {
    const { lesson } = this;
    if (!lesson.drawing || !location.hash.startsWith("#digits")) return;
    const view = await this.page.open(location.hash);
    if (!view || lesson !== this.lesson) return;
    this.detachPen();
    this.detachPen = attachPixelPen(view.pad, lesson.drawing, anew);
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
