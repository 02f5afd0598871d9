import { parseNumber } from "../weights.js";

const PIXELS_PER_STEP = 14;
const MIN_DISTANCE = 4;

/**
 * Changes the number in an input, unless it is read-only, while it is dragged: up or right is more. With Shift a step is a tenth.
 * @param {HTMLElement} root of the inputs @param {(input: HTMLInputElement) => void} onDrag
 */
export function dragNumbers(root, onDrag) {
  let drag = null;
  root.addEventListener("pointerdown", (event) => {
    const input = /** @type {HTMLElement} */ (event.target).closest("td")?.querySelector("input");
    const start = input && parseNumber(input.dataset.weight);
    if (start == null || input.readOnly || event.button) return;
    const step = chooseStep([...root.querySelectorAll("td input")].map((one) => parseNumber(/** @type {HTMLInputElement} */ (one).dataset.weight) ?? 0));
    drag = { input, start, step, x: event.clientX, y: event.clientY, moved: false, id: event.pointerId };
  });
  root.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const vertical = event.pointerType === "touch" ? 0 : drag.y - event.clientY; // touch scrolls vertically
    const distance = event.clientX - drag.x + vertical;
    if (!drag.moved && Math.abs(distance) < MIN_DISTANCE) return;
    if (!drag.moved) {
      drag.moved = true;
      root.setPointerCapture(event.pointerId);
      root.classList.add("dragging");
      drag.input.blur();
    }
    const steps = Math.round(distance / PIXELS_PER_STEP);
    const value = drag.start + steps * drag.step * (event.shiftKey ? 0.1 : 1);
    const text = String(Number(value.toPrecision(6)));
    if (text === drag.input.value) return;
    drag.input.value = text;
    onDrag(drag.input);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    root.addEventListener(type, () => {
      root.classList.remove("dragging");
      drag = null;
    });
  }
}

/** 1 for whole numbers, else a tenth of the largest, rounded to a power of ten. @param {number[]} weights */
function chooseStep(weights) {
  if (weights.every(Number.isInteger)) return 1;
  const largest = Math.max(...weights.map(Math.abs), 1e-6);
  return 10 ** Math.floor(Math.log10(largest / 2));
}
