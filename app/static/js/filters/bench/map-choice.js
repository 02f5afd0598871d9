import { make } from "../../shared/dom.js";
import { nameMap } from "../pixel.js";

/** More maps than this are chosen from a list. */
const MAX_BUTTONS = 4;

/**
 * The choice of the map whose numbers are shown; nothing if there is only one.
 * @param {HTMLElement} root @param {number} count of the maps @param {number} chosen @param {(map: number) => void} onChoose
 */
export function drawMapChoice(root, count, chosen, onChoose) {
  const shape = count === 1 ? "" : String(count);
  if (root.dataset.shape !== shape) {
    root.dataset.shape = shape;
    root.replaceChildren(...(count === 1 ? [] : count > MAX_BUTTONS ? [drawList(root, count)] : drawButtons(count)));
  }
  root.onclick = ({ target }) => {
    const index = [...root.children].indexOf(/** @type {HTMLElement} */ (target));
    if (index >= 0 && count <= MAX_BUTTONS) onChoose(index);
  };
  root.onchange = ({ target }) => onChoose(Number(/** @type {HTMLSelectElement} */ (target).value));
  if (count > MAX_BUTTONS) /** @type {HTMLSelectElement} */ (root.firstElementChild).value = String(chosen);
  else [...root.children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === chosen)));
}

const listNames = (count) => Array.from({ length: count }, (_, map) => nameMap(map, count));

const drawButtons = (count) => listNames(count).map((name) => make("button", { type: "button", class: `small channel ${name}` }, name));

const drawList = (root, count) => make("select", { class: "small-select", "aria-label": root.getAttribute("aria-label") },
  ...listNames(count).map((name, map) => make("option", { value: map }, name)));
