/** @template {Element} T @param {string} selector @returns {T} */
export const find = (selector, root = document) => root.querySelector(selector);

/**
 * An element with attributes (functions become listeners, `true` an empty attribute, false and null nothing) and children.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node|string|number|null)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null).map((child) => (typeof child === "number" ? String(child) : child)));
  return element;
}

/** Tells screen readers and eyes the same, once: repeating a text does not repeat the announcement. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Calls `task` once things have been quiet for `milliseconds`. */
export function settle(task, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => task(...values), milliseconds);
  };
}

/** At most four significant digits after the point, without trailing zeros, with a real minus sign. */
export function show(number, digits = 4) {
  if (!Number.isFinite(number)) return String(number);
  const text = Number.isInteger(number) ? String(number) : String(Number(number.toFixed(digits)));
  return (text === "-0" || (text === "0" && number !== 0) ? number.toPrecision(2) : text).replace("-", "−");
}

/** Draws anew what is in `root`; who typed there types on. */
export function keepFocus(root, draw) {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const label = focused && (focused.id ? `#${focused.id}` : `[aria-label="${focused.getAttribute("aria-label")}"]`);
  const caret = focused?.selectionStart;
  draw();
  const again = label && root.querySelector(label);
  if (!again) return;
  again.focus();
  if (caret != null && again.type === "text") again.setSelectionRange(caret, caret);
}
