/** Undo, redo, clear and stroke thickness; and strokes that survive when the page is loaded again. */

import { make } from "../shared/dom.js";

/**
 * @typedef {import("./draw-pad.js").DrawPad} DrawPad
 * @typedef {import("./draw-pad.js").Stroke} Stroke
 */

const STORAGE_KEY = "convserve-strokes";

/**
 * @param {HTMLElement} root @param {DrawPad} pad @param {() => boolean} isVisible
 * @param {string} [prefix] of the ids, in a view that is not the first with a pad
 * @returns {() => void} updates the buttons
 */
export function drawPadTools(root, pad, isVisible, prefix = "") {
  const thickness = make("input", { type: "range", id: `${prefix}thickness`, min: 4, max: 48, value: pad.thickness, oninput: () => { pad.thickness = Number(thickness.value); } });
  const undo = make("button", { type: "button", id: `${prefix}pad-undo`, disabled: true, onclick: () => pad.undo() }, "Undo");
  const redo = make("button", { type: "button", id: `${prefix}pad-redo`, disabled: true, onclick: () => pad.redo() }, "Redo");
  root.append(undo, redo,
    make("button", { type: "button", id: `${prefix}clear`, onclick: () => pad.clear() }, "Clear"),
    make("label", { class: "thickness", for: thickness.id }, "Thickness ", thickness));
  addEventListener("keydown", (event) => {
    const focused = /** @type {HTMLInputElement|null} */ (document.activeElement);
    if (!(event.ctrlKey || event.metaKey) || focused?.type === "text" || !isVisible()) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) pad.redo();
    else pad.undo();
  });
  return () => {
    undo.disabled = !pad.past.length;
    redo.disabled = !pad.future.length;
  };
}

/** The strokes that this tab had when it was hidden or left. @param {string} [key] of the pad @returns {Stroke[]} */
export function loadStrokes(key = STORAGE_KEY) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "[]");
  } catch {
    return []; // the browser keeps nothing for this page
  }
}

/** @param {DrawPad} pad @param {string} [key] */
export function keepStrokes(pad, key = STORAGE_KEY) {
  const save = () => {
    try {
      sessionStorage.setItem(key, JSON.stringify(pad.strokes, (_, value) => (typeof value === "number" ? Math.round(10 * value) / 10 : value)));
    } catch {
      // the browser keeps nothing for this page, or has no room
    }
  };
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", () => document.hidden && save());
}
