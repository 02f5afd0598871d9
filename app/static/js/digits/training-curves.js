import { make } from "../shared/dom.js";
import { drawSvg } from "./digit-result.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [520, 240, 56, 12, 12, 30];

/** The record of a training, a row an epoch, as two charts. @param {Record<string, number>[]} epochs */
export const drawCurves = (epochs) => ["loss", "accuracy"].flatMap((kind) => {
  const names = Object.keys(epochs[0]).filter((name) => name.endsWith(kind));
  return names.length ? [drawChart(kind, names, epochs)] : [];
});

function drawChart(kind, names, epochs) {
  const values = epochs.flatMap((row) => names.map((name) => row[name])).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (index) => LEFT + (index / Math.max(epochs.length - 1, 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const svg = drawSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": describe(kind, names, epochs) });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const value = low + share * (high - low);
    svg.append(drawSvg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "rule" }),
      drawSvg("text", { x: LEFT - 6, y: y(value) + 4, class: "tick end" }, value.toPrecision(3)));
  }
  svg.append(drawSvg("text", { x: LEFT, y: HEIGHT - 8, class: "tick" }, "epoch 1"), drawSvg("text", { x: WIDTH - RIGHT, y: HEIGHT - 8, class: "tick end" }, String(epochs.length)));
  names.forEach((name, number) => svg.append(drawSvg("polyline", {
    points: epochs.map((row, index) => `${x(index).toFixed(1)},${y(row[name]).toFixed(1)}`).join(" "), class: `curve curve-${number}`,
  })));
  const legend = names.map((name, number) => make("span", { class: `legend legend-${number}` }, name.replaceAll("_", " ")));
  return make("figure", { class: "chart" }, make("figcaption", {}, `${kind} `, ...legend), svg);
}

const describe = (kind, names, epochs) =>
  `${kind} over ${epochs.length} epochs: ${names.map((name) => `${name.replaceAll("_", " ")} from ${epochs[0][name].toPrecision(3)} to ${epochs.at(-1)[name].toPrecision(3)}`).join("; ")}`;
