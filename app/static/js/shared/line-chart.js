import { makeSvg } from "./dom.js";

const [WIDTH, LEFT, RIGHT, TOP, BOTTOM] = [520, 56, 12, 12, 30];

/**
 * A line chart. Coordinates are fractions of the plot area: 0 is left and bottom, 1 is right and top.
 * @param {{label: string, height: number, ticks: {y: number, text: string}[], xLabels: [string, string],
 *   series: [number, number][][], reference?: number}} chart `label` describes the chart to screen readers;
 *   `reference` is the height of a dashed line
 */
export function drawLineChart({ label, height, ticks, xLabels: [first, last], series, reference }) {
  const toX = (x) => LEFT + x * (WIDTH - LEFT - RIGHT);
  const toY = (y) => height - BOTTOM - y * (height - TOP - BOTTOM);
  const drawLevel = (y, className) => makeSvg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: toY(y), y2: toY(y), class: className });
  return makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label },
    ...ticks.flatMap(({ y, text }) => [
      drawLevel(y, "rule"), makeSvg("text", { x: LEFT - 6, y: toY(y) + 4, class: "tick end" }, text)]),
    ...(reference === undefined ? [] : [drawLevel(reference, "reference")]),
    ...series.map((points, number) => makeSvg("polyline", {
      points: points.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(" "), class: `curve curve-${number}`,
    })),
    makeSvg("text", { x: LEFT, y: height - 8, class: "tick" }, first),
    makeSvg("text", { x: WIDTH - RIGHT, y: height - 8, class: "tick end" }, last));
}
