/** The classes with what the network sees of their examples. */

import { find, make, redrawKeepingFocus, setText } from "../shared/dom.js";
import { IMAGE_TYPES } from "../shared/image-input.js";
import { MAX_EXAMPLES, MAX_LABEL_LENGTH, MIN_EXAMPLES } from "./class-collection.js";

/**
 * @typedef {import("./class-collection.js").ClassCollection} ClassCollection
 * @typedef {import("./class-collection.js").Example} Example
 */

/**
 * Updates the cards. The field of a name is not replaced while somebody types in it.
 * @param {HTMLElement} root @param {ClassCollection} collection
 * @param {Map<number, string>} mistakes the label for which an example was taken, by the example's id
 * @param {(classId: number, files: FileList) => void} onFiles
 */
export function drawClassCards(root, collection, mistakes, onFiles) {
  const drawn = /** @type {HTMLElement[]} */ ([...root.children]);
  const cards = collection.classes.map(({ id, label }) =>
    drawn.find((card) => card.dataset.class === String(id)) ?? layOutCard(collection, id, label, onFiles));
  if (cards.length !== drawn.length || cards.some((card, index) => card !== drawn[index])) root.replaceChildren(...cards);
  cards.forEach((card, index) => updateCard(card, collection, index, mistakes));
}

/** @param {ClassCollection} collection @param {number} id @param {string} label @param {(classId: number, files: FileList) => void} onFiles */
function layOutCard(collection, id, label, onFiles) {
  const input = `add-images-${id}`;
  const addFiles = ({ target }) => {
    onFiles(id, target.files);
    target.value = ""; // so that choosing the same files again fires an event
  };
  return make("section", { class: "class-card", "data-class": id },
    make("div", { class: "row" },
      make("input", { type: "text", class: "class-label", value: label, maxlength: MAX_LABEL_LENGTH, placeholder: "name", autocomplete: "off", spellcheck: "false", oninput: ({ target }) => collection.renameClass(id, target.value) }),
      make("span", { class: "quiet count" }),
      make("label", { class: "button small", for: input }, "Add images",
        make("input", { class: "visually-hidden", type: "file", id: input, accept: IMAGE_TYPES, multiple: true, onchange: addFiles })),
      make("button", { type: "button", class: "small remove-class", onclick: () => collection.removeClass(id) }, "Remove")),
    make("ol", { class: "class-examples" }));
}

/** @param {HTMLElement} card @param {ClassCollection} collection @param {number} index of the class @param {Map<number, string>} mistakes */
function updateCard(card, collection, index, mistakes) {
  const { id } = collection.classes[index];
  const name = collection.nameClass(id);
  const examples = collection.listExamples(id);
  card.setAttribute("aria-label", name);
  find(".class-label", card).setAttribute("aria-label", `Name of class ${index + 1}`);
  find("[type=file]", card).setAttribute("aria-label", `Add images to ${name}`);
  find(".remove-class", card).setAttribute("aria-label", `Remove ${name}`);
  setText(find(".count", card), describeCount(examples.length));
  const list = find(".class-examples", card);
  redrawKeepingFocus(list, () => list.replaceChildren(...examples.map((example, number) =>
    drawExample(example, `example ${number + 1} of ${name}`, mistakes.get(example.id), () => collection.removeExample(example.id)))));
}

/** @param {number} count */
function describeCount(count) {
  if (count < MIN_EXAMPLES) return `${count} of at least ${MIN_EXAMPLES}`;
  return count < MAX_EXAMPLES ? `${count} examples` : `${count} examples, the limit`;
}

/** @param {Example} example @param {string} name @param {string|undefined} mistake @param {() => void} onRemove */
const drawExample = ({ seen }, name, mistake, onRemove) => make("li", { class: mistake === undefined ? "" : "wrong" },
  make("img", { src: seen, width: 28, height: 28, alt: name }),
  make("button", { type: "button", class: "remove", "aria-label": `Remove ${name}`, title: "Remove", onclick: onRemove }, "×"),
  mistake === undefined ? null : make("span", { class: "mistake", title: `Left out of the training, it is taken for ${mistake}.` }, `${mistake}?`));

/**
 * The buttons that add the drawing to a class.
 * @param {HTMLElement} root @param {ClassCollection} collection @param {(classId: number) => void} onChoice
 */
export function drawChoices(root, collection, onChoice) {
  redrawKeepingFocus(root, () => root.replaceChildren(make("span", { class: "quiet" }, "This is:"), ...collection.classes.map(({ id }) =>
    make("button", { type: "button", class: "choose-class", id: `add-to-${id}`, onclick: () => onChoice(id) },
      collection.nameClass(id), make("span", { class: "tally" }, String(collection.listExamples(id).length))))));
}

/** The class on whose card something was dropped. @param {Element|null} target @returns {number|null} */
export function findDropClass(target) {
  const card = /** @type {HTMLElement|null} */ (target?.closest?.(".class-card") ?? null);
  return card && Number(card.dataset.class);
}
