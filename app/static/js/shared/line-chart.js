import { makeSvg } from "./dom.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 12, 30];

/**
 * A line chart. Coordinates are fractions of the plot area: 0 is left and bottom, 1 is right and top.
 * @param {{label: string, height: number, width?: number, ticks: {y: number, text: string}[], xLabels: [string, string],
 *   series: [number, number][][], marks?: ([number, number]|null)[], reference?: number}} chart `label` describes the chart to
 *   screen readers; `marks` has a dot for each series, or null; `reference` is the height of a dashed line
 */
export function drawLineChart({ label, height, width = 520, ticks, xLabels: [first, last], series, marks = [], reference }) {
  const toX = (x) => LEFT + x * (width - LEFT - RIGHT);
  const toY = (y) => height - BOTTOM - y * (height - TOP - BOTTOM);
  const drawLevel = (y, className) => makeSvg("line", { x1: LEFT, x2: width - RIGHT, y1: toY(y), y2: toY(y), class: className });
  return makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...ticks.flatMap(({ y, text }) => [
      drawLevel(y, "rule"), makeSvg("text", { x: LEFT - 6, y: toY(y) + 4, class: "tick end" }, text)]),
    ...(reference === undefined ? [] : [drawLevel(reference, "reference")]),
    ...series.map((points, number) => makeSvg("polyline", {
      points: points.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(" "), class: `curve curve-${number}`,
    })),
    ...marks.flatMap((mark, number) => (mark ? [makeSvg("circle", { cx: toX(mark[0]), cy: toY(mark[1]), r: 5, class: `mark mark-${number}` })] : [])),
    makeSvg("text", { x: LEFT, y: height - 8, class: "tick" }, first),
    makeSvg("text", { x: width - RIGHT, y: height - 8, class: "tick end" }, last));
}
