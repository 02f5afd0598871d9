/** Draws the network on a canvas: maps, kernels, bars, the lines between them, and what the pointer is at. */

import { findLargestIndex, formatProbability } from "../shared/numbers.js";
import { findLargest } from "../shared/signed-colour.js";
import { LANES, PIXELS, findCentre } from "./diagram-layout.js";
import { DIGITS, MAPS, SIDES } from "./inference.js";
import { SignedColours, paintField, paintMaps } from "./map-images.js";

/**
 * @typedef {import("./diagram-layout.js").Box} Box
 * @typedef {import("./diagram-layout.js").Unit} Unit
 * @typedef {import("./dependencies.js").Link} Link
 * @typedef {{links: Link[], strengths: import("./dependencies.js").Strengths, windows: import("./dependencies.js").PixelWindow[]}} Highlight
 *   `strengths` dim the maps of a stage
 */

const FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";
const FAINTEST = 0.18;
const MESH_OPACITY = 0.45;
/** Of the largest value of a stage, which has the full colour. Few values are larger. */
const FULL_COLOUR = 0.6;
/** @type {[import("./diagram-layout.js").StageName, import("./diagram-layout.js").StageName][]} */
const MESHES = [["pool1", "conv2"], ["pool2", "dense"], ["dense", "output"]];

export class DiagramDrawing {
  /** @param {HTMLCanvasElement} canvas @param {import("./inference.js").Layer} firstLayer */
  constructor(canvas, firstLayer) {
    this.canvas = canvas;
    this.firstLayer = firstLayer;
    /** @type {Record<string, HTMLCanvasElement>} */
    this.images = Object.fromEntries(["kernels", "input", "conv1", "pool1", "conv2", "pool2", "dense"].map((name) => [name, document.createElement("canvas")]));
    this.readTheme();
  }

  /** Reads the colours of the current theme. */
  readTheme() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    this.theme = { ink: read("--ink"), quiet: read("--quiet"), line: read("--line"), strongLine: read("--strong-line"), accent: read("--accent"), card: read("--card"), shade: read("--shade"), positive: read("--positive"), negative: read("--negative") };
    this.colours = new SignedColours();
    const { kernel } = this.firstLayer;
    paintMaps(this.images.kernels, kernel, 5, 5, MAPS.conv1, this.colours, findLargest(kernel));
  }

  /** @param {import("./workings.js").Computed} computed @param {boolean} isTall */
  paint({ field, answer: { maps, features } }, isTall) {
    paintField(this.images.input, field, PIXELS.input);
    for (const [name, values] of Object.entries(maps)) {
      paintMaps(this.images[name], values, SIDES[name], SIDES[name], MAPS[name], this.colours, FULL_COLOUR * findLargest(values));
    }
    const [columns, rows] = isTall ? [64, 16] : [16, 64];
    const turned = isTall ? features.map((_, at) => features[(at % columns) * rows + Math.floor(at / columns)]) : features;
    paintMaps(this.images.dense, turned, columns, rows, 1, this.colours, FULL_COLOUR * findLargest(features));
  }

  /**
   * @param {import("./diagram-layout.js").Layout} layout @param {import("./workings.js").Computed|null} computed
   * @param {{highlight: Highlight|null, pinned: Unit|null, cursor: Unit|null, importance: HTMLCanvasElement|null, isFocused: boolean}} state
   */
  draw(layout, computed, { highlight, pinned, cursor, importance, isFocused }) {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(layout.width * ratio), Math.round(layout.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, layout.width, layout.height);
    context.imageSmoothingEnabled = false;
    this.drawFans(context, layout);
    this.drawTiles(context, layout, computed, highlight);
    if (highlight) for (const link of highlight.links) this.drawLink(context, layout, link);
    if (importance) {
      const { x, y, width: side } = layout.stages.input.tiles[0];
      context.drawImage(importance, x, y, side, side);
    }
    this.drawBars(context, layout, computed);
    for (const unit of [pinned, cursor]) if (unit) this.frameUnit(context, layout, unit, unit === cursor && isFocused);
    if (highlight) for (const window of highlight.windows) this.frameWindow(context, layout, window, highlight.strengths[window[0]]);
    this.drawLabels(context, layout);
  }

  /** Faint lines: one from the input to each kernel, and a mesh where everything is connected with everything. */
  drawFans(context, { stages, isTall, cell }) {
    context.strokeStyle = this.theme.line;
    context.lineWidth = 1;
    context.beginPath();
    const { tiles: [input] } = stages.input;
    for (const kernel of stages.conv1.kernels) this.curve(context, input, kernel, isTall);
    stages.conv1.tiles.forEach((tile, index) => this.curve(context, tile, stages.pool1.tiles[index], isTall));
    stages.conv2.tiles.forEach((tile, index) => this.curve(context, tile, stages.pool2.tiles[index], isTall));
    context.stroke();
    context.globalAlpha = MESH_OPACITY;
    context.beginPath();
    for (const [from, to] of MESHES) {
      const [left, right] = [stages[from].box, stages[to].box];
      for (let fromLane = 0.5; fromLane < LANES; fromLane++) for (let toLane = 0.5; toLane < LANES; toLane++) {
        if (isTall) {
          context.moveTo(left.x + fromLane * cell, left.y + left.height);
          context.lineTo(right.x + toLane * cell, right.y);
        } else {
          context.moveTo(left.x + left.width, left.y + fromLane * cell);
          context.lineTo(right.x, right.y + toLane * cell);
        }
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** A curve from the end of a box to the start of another. @param {Box} from @param {Box} to */
  curve(context, from, to, isTall) {
    const [fromX, fromY] = findCentre(from);
    const [toX, toY] = findCentre(to);
    if (isTall) {
      const [top, bottom] = [from.y + from.height, to.y];
      context.moveTo(fromX, top);
      context.bezierCurveTo(fromX, (top + bottom) / 2, toX, (top + bottom) / 2, toX, bottom);
    } else {
      const [left, right] = [from.x + from.width, to.x];
      context.moveTo(left, fromY);
      context.bezierCurveTo((left + right) / 2, fromY, (left + right) / 2, toY, right, toY);
    }
  }

  /** @param {Link} link */
  drawLink(context, { isTall }, { from, to, strength }) {
    context.globalAlpha = FAINTEST + (1 - FAINTEST) * Math.abs(strength) ** 2;
    context.strokeStyle = strength < 0 ? this.theme.negative : this.theme.positive;
    context.lineWidth = 0.5 + 2.5 * Math.abs(strength);
    context.beginPath();
    this.curve(context, from, to, isTall);
    context.stroke();
    context.globalAlpha = 1;
  }

  drawTiles(context, { stages }, computed, highlight) {
    const conv1 = highlight?.strengths.conv1;
    stages.conv1.kernels.forEach((box, index) => {
      context.globalAlpha = conv1 ? dim(conv1[index]) : 1;
      context.drawImage(this.images.kernels, 0, 5 * index, 5, 5, box.x, box.y, box.width, box.height);
    });
    for (const { name, tiles, box } of Object.values(stages)) {
      if (name === "output") continue;
      if (name === "dense") {
        context.globalAlpha = 1;
        if (computed) context.drawImage(this.images.dense, box.x, box.y, box.width, box.height);
        else this.drawEmpty(context, box);
        continue;
      }
      const strengths = highlight?.strengths[name];
      tiles.forEach((tile, index) => {
        context.globalAlpha = strengths ? dim(strengths[index]) : 1;
        const side = PIXELS[name];
        if (computed) context.drawImage(this.images[name], 0, side * index, side, side, tile.x, tile.y, tile.width, tile.height);
        else this.drawEmpty(context, tile);
      });
    }
    context.globalAlpha = 1;
    context.strokeStyle = this.theme.strongLine;
    context.lineWidth = 1;
    const { x, y, width, height } = stages.input.tiles[0];
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  }

  /** @param {Box} box */
  drawEmpty(context, box) {
    fillBox(context, box, this.theme.shade);
  }

  drawBars(context, { stages: { output: { tiles } }, isTall, cell }, computed) {
    const shares = computed && [...computed.answer.probabilities, computed.answer.notADigit];
    const best = shares ? findLargestIndex(shares) : -1;
    const label = Math.min(0.8 * cell, 20);
    const drawBar = isTall ? drawUprightBar : drawLevelBar;
    context.textBaseline = "middle";
    tiles.forEach((tile, index) => {
      const isBest = index === best;
      drawBar(context, this.theme, tile, label, {
        name: index === DIGITS ? "✕" : String(index), share: shares?.[index] ?? null, colour: isBest ? this.theme.accent : this.theme.strongLine,
        font: `${isBest ? "700 " : ""}${Math.min(label, 14)}px ${FONT}`,
      });
    });
  }

  /** @param {Unit} unit */
  frameUnit(context, { stages }, { stage, index, x, y }, isFocused) {
    const tile = stages[stage].tiles[index];
    context.strokeStyle = this.theme.accent;
    context.lineWidth = isFocused ? 3 : 2;
    context.strokeRect(tile.x - 1, tile.y - 1, tile.width + 2, tile.height + 2);
    if (PIXELS[stage] > 1) this.frameWindow(context, { stages }, [stage, index, x, y, 1]);
  }

  /** A square of pixels, at the map's scale, at least 4 pixels wide. `strengths` dim it in maps that count little. */
  frameWindow(context, { stages }, [stage, map, left, top, side], strengths) {
    const tiles = map === null ? stages[stage].tiles : [stages[stage].tiles[map]];
    context.strokeStyle = this.theme.accent;
    context.lineWidth = map === null ? 1 : 1.5;
    for (const [index, { x, y, width }] of tiles.entries()) {
      context.globalAlpha = map === null && strengths ? dim(strengths[index]) : 1;
      const pixel = width / PIXELS[stage];
      const length = Math.max(side * pixel, 4);
      const offset = (length - side * pixel) / 2;
      context.save();
      context.beginPath();
      context.rect(x - 1, y - 1, width + 2, width + 2);
      context.clip();
      context.strokeRect(x + left * pixel - offset, y + top * pixel - offset, length, length);
      context.restore();
    }
    context.globalAlpha = 1;
  }

  drawLabels(context, { stages, isTall }) {
    context.textBaseline = "alphabetic";
    for (const { title, shape, box, name } of Object.values(stages)) {
      context.textAlign = isTall ? "left" : "center";
      const kernels = { conv1: "32 kernels 5×5", conv2: "64 kernels 5×5×32" }[name];
      if (isTall) {
        const text = `${kernels ?? title}: ${shape}`;
        context.font = `600 11px ${FONT}`;
        context.strokeStyle = this.theme.card;
        context.lineWidth = 4;
        context.lineJoin = "round";
        const y = name === "input" ? 12 : box.y - 5;
        context.strokeText(text, box.x, y);
        context.fillStyle = this.theme.ink;
        context.fillText(text, box.x, y);
        continue;
      }
      const x = box.x + box.width / 2;
      context.font = `600 12px ${FONT}`;
      context.fillStyle = this.theme.ink;
      context.fillText(title, x, 12);
      context.font = `11px ${FONT}`;
      context.fillStyle = this.theme.quiet;
      context.fillText(shape, x, 26);
    }
  }
}

/** The opacity of a map that counts with this strength. */
const dim = (strength) => FAINTEST + (1 - FAINTEST) * Math.abs(strength);

/**
 * The probability of an output, `null` if it is unknown.
 * @typedef {{name: string, share: number|null, colour: string, font: string}} Bar
 */

/** Name, bar and per cent below each other. @param {Box} tile @param {number} label its height @param {Bar} bar */
function drawUprightBar(context, theme, tile, label, { name, share, colour, font }) {
  const middle = tile.x + tile.width / 2;
  const ground = { x: tile.x + 3, y: tile.y + label, width: tile.width - 6, height: tile.height - 2 * label };
  fillBox(context, ground, theme.shade);
  fillBox(context, { ...ground, height: ground.height * (share ?? 0) }, colour);
  context.fillStyle = theme.ink;
  context.textAlign = "center";
  context.font = font;
  context.fillText(name, middle, tile.y + label / 2);
  context.font = `10px ${FONT}`;
  if (share > 0.005) context.fillText(String(Math.round(100 * share)), middle, tile.y + tile.height - label / 2);
}

/** Name, bar and probability beside each other. @param {Box} tile @param {number} label its width @param {Bar} bar */
function drawLevelBar(context, theme, tile, label, { name, share, colour, font }) {
  const middle = tile.y + tile.height / 2;
  const ground = { x: tile.x + label, y: tile.y + 0.2 * tile.height, width: tile.width - label - 56, height: 0.6 * tile.height };
  fillBox(context, ground, theme.shade);
  fillBox(context, { ...ground, width: ground.width * (share ?? 0) }, colour);
  context.fillStyle = theme.ink;
  context.textAlign = "center";
  context.font = font;
  context.fillText(name, tile.x + label / 2, middle);
  context.textAlign = "right";
  context.font = `11px ${FONT}`;
  if (share !== null) context.fillText(formatProbability(share), tile.x + tile.width, middle);
}

/** @param {Box} box */
function fillBox(context, { x, y, width, height }, colour) {
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
}
