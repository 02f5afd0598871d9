import { find, setText } from "../../shared/dom.js";
import { Player } from "./player.js";

const PLAYED_KEY = "convserve-played";
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/** Slides the kernel over the magnified pixels, by buttons, by keys and, for a first-time visitor, once by itself. */
export class Animation {
  /** @param {HTMLElement} root @param {import("./kernel-bench.js").KernelBench} bench */
  constructor(root, bench) {
    this.root = root;
    this.bench = bench;
    this.player = new Player({
      onPixel: (index) => this.showPixel(index),
      onProgress: (share) => this.player.playing && this.player.speed === "slow" && bench.drawKernel(Math.min(share * 1.5, 1)),
      onStateChange: () => this.drawState(),
    });
    bench.isPlaying = () => this.player.playing;
    bench.onReshape = () => this.stop();
    find("#play", root).addEventListener("click", () => this.toggle());
    find("#step-on", root).addEventListener("click", () => this.stepAlong(1));
    find("#step-back", root).addEventListener("click", () => this.stepAlong(-1));
    find("#speed", root).addEventListener("change", (event) => {
      this.player.speed = event.target.value;
      this.player.introduction = false;
    });
    addEventListener("keydown", (event) => this.handleKey(event));
    for (const loupe of root.querySelectorAll(".loupe, .overview")) loupe.addEventListener("pointerdown", () => this.stop());
  }

  get count() {
    const { columns, rows } = this.bench.results;
    return columns.count * rows.count;
  }

  /** The number of the inspected pixel among those of the window, row by row. */
  get index() {
    const { at, results: { columns, rows } } = this.bench;
    return (at[1] - rows.first) * columns.count + at[0] - columns.first;
  }

  toggle() {
    if (!this.bench.subject) return;
    if (this.player.playing) return this.player.pause();
    const { sweep } = this.bench;
    const resume = sweep !== null && sweep + 1 < this.count;
    this.player.play(resume ? sweep : 0, this.count);
  }

  /** Plays for a first-time visitor, unless they prefer reduced motion. */
  introduce() {
    if (REDUCED_MOTION.matches || readPlayed() || !this.bench.subject) return;
    writePlayed();
    this.player.play(0, this.count, { introduction: true });
  }

  /** Ends the animation; all pixels are painted. */
  stop() {
    this.player.pause();
    if (this.bench.sweep === null) return;
    this.bench.sweep = null;
    if (this.bench.subject) this.bench.draw();
  }

  showPixel(index) {
    const { bench } = this;
    const { columns, rows } = bench.results;
    const before = bench.sweep;
    bench.sweep = index;
    find(".panels", this.root).classList.toggle("fast", this.player.isFast);
    bench.at = [columns.first + (index % columns.count), rows.first + Math.floor(index / columns.count)];
    if (before === null || index <= before) return bench.draw();
    for (let painted = before + 1; painted <= index; painted++) {
      bench.outputLoupe.drawCell(painted % columns.count, Math.floor(painted / columns.count));
    }
    bench.drawKernel(this.player.speed === "slow" && this.player.playing ? 0 : 1);
  }

  /** The next or previous pixel of the sweep, row by row. */
  stepAlong(by) {
    if (!this.bench.subject) return;
    this.player.pause();
    const index = (this.bench.sweep ?? this.index) + by;
    if (index < 0 || index >= this.count) return;
    this.showPixel(index);
    this.bench.onPick(this.bench.at, false);
  }

  /**
   * Keys work on the magnified pixels and in the play bar. Without a focus the space bar and the speed keys do, too, and the
   * arrow keys while a sweep has begun: otherwise they scroll.
   * @param {KeyboardEvent & {target: HTMLElement}} event
   */
  handleKey(event) {
    const { target } = event;
    if (event.altKey || event.ctrlKey || event.metaKey || !this.bench.subject || !find("#play", this.root).offsetParent) return;
    const loupe = target === document.body || target.closest(".loupe");
    if (!loupe && !(target.closest(".play-bar") && this.root.contains(target))) return;
    if (target === document.body && event.key in DIRECTIONS && this.bench.sweep === null) return;
    const typing = target.matches("select");
    const speed = { "+": 1, "=": 1, "-": -1, "−": -1 }[event.key];
    if (speed) this.player.changeSpeed(speed);
    else if (event.key === " " && loupe) this.toggle();
    else if (event.key === "Home" && !typing) this.restart();
    else if (event.key in DIRECTIONS && !typing) this.stepTowards(DIRECTIONS[event.key], event.shiftKey ? 10 : 1);
    else return;
    event.preventDefault();
  }

  /** Goes to the first pixel of the window; the others are not painted yet. */
  restart() {
    this.player.pause();
    this.bench.sweep = null;
    this.showPixel(0);
  }

  stepTowards([dx, dy], distance) {
    const { bench } = this;
    const { columns, rows } = bench.axes;
    this.stop();
    bench.onPick([clamp(bench.at[0] + dx * distance, columns.output), clamp(bench.at[1] + dy * distance, rows.output)], true);
  }

  drawState() {
    const { playing, speed } = this.player;
    setText(find("#play", this.root), playing ? "❚❚ Pause" : "▶ Play");
    find("#speed", this.root).value = speed;
    find(".panels", this.root).classList.toggle("fast", this.player.isFast);
    if (playing || !this.bench.subject) return;
    if (this.bench.sweep !== null && this.bench.sweep + 1 >= this.count) this.bench.sweep = null;
    this.bench.onPick(this.bench.at, false);
  }
}

const clamp = (index, length) => Math.min(Math.max(index, 0), length - 1);

/** Whether this browser has played the animation; storage may be blocked. */
function readPlayed() {
  try {
    return localStorage.getItem(PLAYED_KEY) !== null;
  } catch {
    return true;
  }
}

function writePlayed() {
  try {
    localStorage.setItem(PLAYED_KEY, "1");
  } catch { /* storage is blocked */ }
}
