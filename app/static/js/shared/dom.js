/** Finds, creates and updates elements. */

/** @param {string} selector @param {ParentNode} [root] @returns {any} */
export const find = (selector, root = document) => root.querySelector(selector);

/**
 * Creates an element. A function becomes a listener, `true` an empty attribute; false and null are skipped.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node|string|number|null)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), /** @type {any} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null).map((child) => (typeof child === "number" ? String(child) : child)));
  return element;
}

/** @param {string} tag @param {Record<string, unknown>} attributes @param {...(Node|string)} children */
export function makeSvg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A radio button with its text. @param {string} name @param {string} value @param {string} label @param {boolean} checked */
export const makeRadio = (name, value, label, checked) =>
  make("label", { class: "choice" }, make("input", { type: "radio", name, value, checked }), label);

/** Sets the text only if it differs, so that screen readers do not announce it twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Redraws `root` and restores focus and caret, by id or label: labels can contain any text of the user. */
export function redrawKeepingFocus(root, draw) {
  const focused = /** @type {HTMLInputElement|null} */ (root.contains(document.activeElement) ? document.activeElement : null);
  const selector = focused && (focused.id ? `#${CSS.escape(focused.id)}` : `[aria-label="${CSS.escape(focused.getAttribute("aria-label") ?? "")}"]`);
  const caret = focused?.selectionStart;
  draw();
  const replacement = selector && root.querySelector(selector);
  if (!replacement) return;
  replacement.focus();
  if (caret != null && replacement.type === "text") replacement.setSelectionRange(caret, caret);
}
