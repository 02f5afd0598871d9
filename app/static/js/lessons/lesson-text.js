/** The text of a lesson as elements. Of Markdown it has paragraphs, `code`, *emphasis*, **strong** and links. */

import { make } from "../shared/dom.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\((#[^)\s]*|https:\/\/[^)\s]+)\)/g;

/** @param {string} text @returns {HTMLElement[]} paragraphs */
export const formatText = (text) =>
  text.trim().split(/\n\s*\n/).map((paragraph) => make("p", {}, ...formatInline(paragraph.replace(/\s+/g, " "))));

/** @param {string} text @returns {(Node|string)[]} */
export function formatInline(text) {
  const parts = [];
  let from = 0;
  for (const { 0: whole, 1: code, 2: strong, 3: emphasis, 4: label, 5: target, index } of text.matchAll(INLINE)) {
    parts.push(text.slice(from, index));
    if (code) parts.push(make("code", {}, code));
    else if (strong) parts.push(make("strong", {}, strong));
    else if (emphasis) parts.push(make("em", {}, emphasis));
    else parts.push(make("a", { href: target, ...(target.startsWith("#") ? {} : { target: "_blank", rel: "noopener" }) }, label));
    from = index + whole.length;
  }
  return [...parts, text.slice(from)];
}
