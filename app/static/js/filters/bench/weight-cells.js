/** The cells of a kernel: each has a weight or, of a layer without weights, the pixel; then that pixel and their product. */

import { make, setText } from "../../shared/dom.js";
import { formatNumber } from "../../shared/numbers.js";
import { chooseInk, toCss } from "../../shared/signed-colour.js";
import { MAX_EDITABLE_SIDE, parseNumber } from "../weights.js";
import { clipToLevel, makeGrey } from "./cell-values.js";

const MAX_SHOWN_CHARACTERS = 5;

/** @param {HTMLElement[][]} contents */
export function drawTable(contents) {
  const side = Math.max(contents.length, contents[0].length);
  const drawCell = (content) => make("td", {}, content, make("span", { class: "factor" }), make("span", { class: "product" }));
  return make("table", { class: `weights side-${Math.min(side, MAX_EDITABLE_SIDE)}` },
    make("tbody", {}, ...contents.map((row) => make("tr", {}, ...row.map(drawCell)))));
}

export function drawInput(text, label, errorId, oninput) {
  const input = make("input", {
    "aria-label": label, "aria-describedby": errorId, spellcheck: "false", autocomplete: "off",
    oninput, onkeydown: moveByKey, onfocus: () => showAllDigits(input), onblur: () => writeWeight(input, input.dataset.weight),
  });
  writeWeight(input, text);
  return input;
}

/** All of them are selected, as by the Tab key. @param {HTMLInputElement} input */
function showAllDigits(input) {
  if (input.value === input.dataset.weight) return;
  input.value = input.dataset.weight;
  input.select();
}

/** A weight with many digits is shown rounded, until its cell has the focus. @param {HTMLInputElement} input @param {string} text */
export function writeWeight(input, text) {
  input.dataset.weight = text;
  const number = parseNumber(text);
  const long = text.length > MAX_SHOWN_CHARACTERS && !text.includes("/") && number !== null;
  input.value = long && document.activeElement !== input ? String(Number(number.toFixed(3))) : text;
  input.title = long ? text : "";
}

/** Moves between rows with the arrow keys and Enter, as in a spreadsheet. */
function moveByKey(event) {
  const rows = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
  if (!rows) return;
  event.preventDefault();
  const cell = event.target.closest("td");
  const row = cell.closest("table").rows[cell.parentElement.rowIndex + rows];
  row?.cells[cell.cellIndex].firstChild.focus();
}

/** @param {HTMLTableCellElement} cell @param {import("../pixel.js").Tap|null} tap @param {boolean} withFactor */
export function showProduct(cell, tap, withFactor) {
  const factor = tap && withFactor ? `× ${formatNumber(tap.value, 1)}` : "";
  setText(cell.children[1], factor);
  setText(cell.children[2], tap ? `${factor && "= "}${formatNumber(tap.product, 1)}` : "");
}

/** The pixel alone, on its grey. @param {HTMLTableCellElement} cell @param {import("../pixel.js").Tap|null} tap */
export function showBareValue(cell, tap) {
  const isEmpty = !tap || Number.isNaN(tap.value);
  setText(cell.children[0], isEmpty ? "" : formatNumber(tap.value, 1));
  const colour = isEmpty ? null : makeGrey(clipToLevel(tap.value));
  cell.style.backgroundColor = colour ? toCss(colour) : "";
  cell.style.color = colour ? chooseInk(colour) : "";
}
