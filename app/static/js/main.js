import { attachLesson } from "./attach-lesson.js";
import { parseAddress, resolveLink } from "./shared/address.js";
import { find, make } from "./shared/dom.js";
import { views } from "./views.js";

const DEFAULT_VIEW = "filter";
const opened = {};
/** Views that are ready. @type {Record<string, {follow: (hash: string) => void, settle?: () => void}>} */
const ready = {};
/** The last address of each view that was left. @type {Record<string, string>} */
const left = {};

const nameView = (hash) => {
  const { view } = parseAddress(hash);
  return view in views ? view : DEFAULT_VIEW;
};

/** Opens the view that the address names. */
async function showView() {
  const name = nameView(location.hash);
  if (find(`#${name}-view`).hidden) scrollTo(0, 0); // another view: the position belongs to the one before
  for (const other of Object.keys(views)) find(`#${other}-view`).hidden = other !== name;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link instanceof HTMLElement && link.dataset.view === (views[name].within ?? name)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = views[name].title;
  await loadView(name);
  if (nameView(location.hash) === name) ready[name]?.follow(location.hash); // else the user has left in the meantime
}

async function loadView(name) {
  opened[name] ??= openView(name);
  return (ready[name] = await opened[name]);
}

/** @returns {Promise<{follow: (hash: string) => void}|null>} null if its modules could not be loaded */
async function openView(name) {
  const section = find(`#${name}-view`);
  try {
    const { load, open } = views[name];
    return await open(await load(), section);
  } catch (error) {
    console.warn(error);
    const retry = () => {
      message.remove();
      delete opened[name];
      showView();
    };
    const message = make("p", { class: "error", role: "alert" },
      "This section could not be loaded: the service is not responding, or it has been updated. ",
      make("button", { type: "button", class: "small", onclick: retry }, "Try again"), " ",
      make("button", { type: "button", class: "small", onclick: () => location.reload() }, "Load the page again"));
    section.prepend(message);
    return null;
  }
}

/** Links keep the user's work: see `resolveLink`. */
addEventListener("click", (event) => {
  const link = event.target instanceof Element && event.target.closest("a[href^='#']");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const hash = link.getAttribute("href");
  const current = nameView(location.hash);
  ready[current]?.settle?.(); // writes the address, if that waits for a pause
  const target = resolveLink(hash, { ...left, [current]: location.hash });
  if (hash !== "#main" && target === hash) return;
  event.preventDefault();
  if (hash === "#main") find("#main").focus(); // the skip link: the address keeps the setting
  else location.hash = target;
});

addEventListener("hashchange", (event) => {
  const before = new URL(event.oldURL).hash;
  if (before) left[nameView(before)] = before;
  showView();
});

attachLesson({
  readView: () => ({ view: nameView(location.hash), opened: ready[nameView(location.hash)] }),
  open(address, replaces = false) {
    if (replaces) location.replace(address);
    else if (location.hash !== address) location.hash = address;
    return loadView(nameView(address));
  },
});
showView();
