import { make } from "../shared/dom.js";
import { MAX_SIDE, formatRows, mirror, normalise, parseNumber, parseRows, resize, rotate, transpose, writeRows } from "./weights.js";

const SIDES = Array.from({ length: MAX_SIDE }, (_, index) => index + 1);

/**
 * The weights as a table to type into. `change` is told the weights as text once they all are numbers.
 * @param {any} kernel as GET /kernels/{name} describes it
 * @param {string|undefined} typed the weights as typed, of a custom kernel
 */
export function drawEditor(root, kernel, typed, change) {
  const several = kernel.combine !== "single";
  const [rows, columns] = [kernel.rows, kernel.columns];
  if (several || Math.max(rows, columns) > MAX_SIDE) {
    root.replaceChildren(...drawFixed(kernel, several, change));
    return;
  }
  let cells = typed ? parseRows(typed) : writeRows(kernel.weights);
  const error = make("p", { class: "field-error", id: "weights-error", role: "alert" });
  const grid = make("div", { class: "grid-scroll" });

  const replace = (next, message) => {
    error.textContent = next ? "" : message;
    if (!next) return;
    cells = next;
    drawGrid();
    check();
  };
  const check = () => {
    const wrong = [];
    for (const input of grid.querySelectorAll("input")) {
      const bad = parseNumber(input.value) === null;
      input.removeAttribute("aria-invalid");
      if (bad) input.setAttribute("aria-invalid", "true");
      if (bad) wrong.push(`${input.getAttribute("aria-label")}: '${input.value}' is not a number. Allowed: 5, -1.5, 1e-3, 1/16.`);
    }
    error.textContent = wrong[0] ?? "";
    if (!wrong.length) change(formatRows(cells));
  };
  const drawGrid = () => grid.replaceChildren(make("table", { class: "weights" }, make("tbody", {}, ...cells.map((row, y) =>
    make("tr", {}, ...row.map((text, x) => make("td", {}, make("input", {
      value: text, title: text.length > 5 ? text : null, "aria-label": `row ${y + 1}, column ${x + 1}`, "aria-describedby": "weights-error", spellcheck: "false", autocomplete: "off",
      size: Math.min(Math.max(text.length, 3), 7),
      oninput: (event) => {
        cells[y][x] = event.target.value.trim();
        check();
      },
      onkeydown: moveByKey,
    }))))))));

  const side = (label, value, apply) => make("label", {}, `${label} `, make("select", { onchange: (event) => replace(apply(Number(event.target.value))) },
    ...SIDES.map((n) => make("option", { value: n, selected: n === value }, n))));
  const tool = (label, apply, message) => make("button", { type: "button", class: "small", onclick: () => replace(apply(cells), message) }, label);
  const sides = make("div", { class: "row" },
    side("Rows", rows, (n) => resize(cells, n, cells[0].length)), side("Columns", columns, (n) => resize(cells, cells.length, n)));
  drawGrid();
  root.replaceChildren(sides, grid, error, make("div", { class: "row tools" },
    tool("Transpose", transpose), tool("Rotate 90°", rotate), tool("Mirror", mirror),
    tool("Normalise", normalise, "There is nothing to divide by: the sum is 0 and no weight is positive.")));
}

/** Up and down between the cells, as in a spreadsheet. */
function moveByKey(event) {
  const by = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const cell = event.target.closest("td");
  const row = cell.parentElement.parentElement.rows[cell.parentElement.rowIndex + by];
  row?.cells[cell.cellIndex].firstChild.focus();
}

/** What cannot be typed into: large kernels as an image, combined ones as tables. */
function drawFixed(kernel, several, change) {
  if (!several) return [
    make("p", { class: "quiet" }, `${kernel.rows} × ${kernel.columns} weights: too many to edit by hand (${MAX_SIDE} × ${MAX_SIDE} at most). Bright is positive.`),
    drawMap(kernel.weights),
  ];
  const shown = kernel.weights.map((part, index) => make("figure", {}, make("table", { class: "weights" }, make("tbody", {},
    ...part.map((row) => make("tr", {}, ...row.map((weight) => make("td", {}, String(weight))))))),
    make("button", { type: "button", class: "small", onclick: () => change(formatRows(writeRows(part))) }, `Edit kernel ${index + 1}`)));
  const how = kernel.combine === "magnitude" ? "the root of their squares" : "the largest answer";
  return [make("p", { class: "quiet" }, `${shown.length} kernels; the result is ${how}.`), make("div", { class: "parts" }, ...shown)];
}

function drawMap(weights) {
  const canvas = make("canvas", { class: "map", width: weights[0].length, height: weights.length, role: "img", "aria-label": "The weights as an image" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const largest = Math.max(...weights.flat().map(Math.abs));
  weights.flat().forEach((weight, index) => {
    const level = 127.5 + (127.5 * weight) / largest;
    image.data.set([level, level, level, 255], 4 * index);
  });
  context.putImageData(image, 0, 0);
  return canvas;
}
