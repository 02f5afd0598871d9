import { make } from "../shared/dom.js";
import { drawLineChart } from "../shared/line-chart.js";

const HEIGHT = 240;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** Loss and accuracy of a training run, one chart each. @param {Record<string, number>[]} epochs */
export const drawTrainingCurves = (epochs) => ["loss", "accuracy"].flatMap((metric) => {
  const names = Object.keys(epochs[0]).filter((name) => name.endsWith(metric));
  return names.length ? [drawMetric(metric, names, epochs)] : [];
});

function drawMetric(metric, names, epochs) {
  const values = epochs.flatMap((epoch) => names.map((name) => epoch[name])).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const toX = (index) => index / Math.max(epochs.length - 1, 1);
  const toY = (value) => (value - low) / (high - low || 1);
  const chart = drawLineChart({
    label: describeCurves(metric, names, epochs),
    height: HEIGHT,
    ticks: TICKS.map((y) => ({ y, text: (low + y * (high - low)).toPrecision(3) })),
    xLabels: ["epoch 1", String(epochs.length)],
    series: names.map((name) => epochs.map((epoch, index) => [toX(index), toY(epoch[name])])),
  });
  const legend = names.map((name, number) => make("span", { class: `legend legend-${number}` }, name.replaceAll("_", " ")));
  return make("figure", { class: "chart" }, make("figcaption", {}, `${metric} `, ...legend), chart);
}

function describeCurves(metric, names, epochs) {
  const [first, last] = [epochs[0], epochs.at(-1)];
  const curves = names.map((name) => `${name.replaceAll("_", " ")} from ${first[name].toPrecision(3)} to ${last[name].toPrecision(3)}`);
  return `${metric} over ${epochs.length} epochs: ${curves.join("; ")}`;
}
