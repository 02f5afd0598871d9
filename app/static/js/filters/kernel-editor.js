import { make } from "../shared/dom.js";
import { drawWeightMap } from "../shared/weight-map.js";
import { MAX_EDITABLE_SIDE, formatRows, mirror, normalise, parseNumber, parseRows, resize, rotate, toRows, transpose } from "./weights.js";

const SIDES = Array.from({ length: MAX_EDITABLE_SIDE }, (_, index) => index + 1);

/**
 * The weights as a table of inputs. Large kernels and combined ones cannot be edited and are only shown.
 * @param {HTMLElement} root
 * @param {any} kernel as `GET /kernels/{name}` describes it
 * @param {string|undefined} typed the weights of a custom kernel as text, which keeps fractions
 * @param {(weights: string) => void} onChange called when all weights are valid numbers
 */
export function drawKernelEditor(root, kernel, typed, onChange) {
  if (kernel.combine !== "single") return root.replaceChildren(...drawParts(kernel, onChange));
  if (Math.max(kernel.rows, kernel.columns) > MAX_EDITABLE_SIDE) return root.replaceChildren(...drawLargeKernel(kernel));
  let cells = typed ? parseRows(typed) : toRows(kernel.weights);
  const error = make("p", { class: "field-error", id: "weights-error", role: "alert" });
  const grid = make("div", { class: "grid-scroll" });

  const replace = (next, message) => {
    error.textContent = next ? "" : message;
    if (!next) return;
    cells = next;
    drawGrid();
    validate();
  };
  const validate = () => {
    const messages = [];
    for (const input of grid.querySelectorAll("input")) {
      const valid = parseNumber(input.value) !== null;
      input.removeAttribute("aria-invalid");
      if (valid) continue;
      input.setAttribute("aria-invalid", "true");
      messages.push(`${input.getAttribute("aria-label")}: '${input.value}' is not a number. Allowed: 5, -1.5, 1e-3, 1/16.`);
    }
    error.textContent = messages[0] ?? "";
    if (!messages.length) onChange(formatRows(cells));
  };
  const drawCell = (text, y, x) => make("input", {
    value: text, title: text.length > 5 ? text : null, "aria-label": `row ${y + 1}, column ${x + 1}`,
    "aria-describedby": "weights-error", spellcheck: "false", autocomplete: "off", size: Math.min(Math.max(text.length, 3), 7),
    oninput: (event) => {
      cells[y][x] = event.target.value.trim();
      validate();
    },
    onkeydown: moveByKey,
  });
  const drawGrid = () => grid.replaceChildren(make("table", { class: "weights" }, make("tbody", {},
    ...cells.map((row, y) => make("tr", {}, ...row.map((text, x) => make("td", {}, drawCell(text, y, x))))))));

  const drawSide = (label, value, apply) => make("label", {}, `${label} `, make("select", { onchange: (event) => replace(apply(Number(event.target.value))) },
    ...SIDES.map((side) => make("option", { value: side, selected: side === value }, side))));
  const drawTool = (label, apply, message) => make("button", { type: "button", class: "small", onclick: () => replace(apply(cells), message) }, label);
  drawGrid();
  root.replaceChildren(
    make("div", { class: "row" },
      drawSide("Rows", kernel.rows, (rows) => resize(cells, rows, cells[0].length)),
      drawSide("Columns", kernel.columns, (columns) => resize(cells, cells.length, columns))),
    grid, error,
    make("div", { class: "row tools" },
      drawTool("Transpose", transpose), drawTool("Rotate 90°", rotate), drawTool("Mirror", mirror),
      drawTool("Normalise", normalise, "Cannot normalise: the sum is 0 and no weight is positive.")));
}

/** Moves between rows with the arrow keys and Enter, as in a spreadsheet. */
function moveByKey(event) {
  const rows = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
  if (!rows) return;
  event.preventDefault();
  const cell = event.target.closest("td");
  const row = cell.parentElement.parentElement.rows[cell.parentElement.rowIndex + rows];
  row?.cells[cell.cellIndex].firstChild.focus();
}

function drawLargeKernel({ rows, columns, weights }) {
  const limit = `${MAX_EDITABLE_SIDE} × ${MAX_EDITABLE_SIDE}`;
  return [
    make("p", { class: "quiet" }, `${rows} × ${columns} weights, too many to edit (at most ${limit}). Bright weights are positive.`),
    drawWeightMap(weights, { class: "weight-map", role: "img", "aria-label": "The weights as an image" }),
  ];
}

/** The kernels that are combined. Each can be edited as a kernel of its own. */
function drawParts({ weights, combine }, onChange) {
  const parts = weights.map((part, index) => make("figure", {}, make("table", { class: "weights" }, make("tbody", {},
    ...part.map((row) => make("tr", {}, ...row.map((weight) => make("td", {}, String(weight))))))),
    make("button", { type: "button", class: "small", onclick: () => onChange(formatRows(toRows(part))) }, `Edit kernel ${index + 1}`)));
  const method = combine === "magnitude" ? "the square root of the sum of their squares" : "the maximum of their results";
  return [make("p", { class: "quiet" }, `${parts.length} kernels; the result is ${method}.`), make("div", { class: "parts" }, ...parts)];
}
