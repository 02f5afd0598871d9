import { openFilterView } from "./filters/filter-view.js";
import { parseAddress } from "./shared/address.js";
import { find } from "./shared/dom.js";

const DEFAULT_VIEW = "filter";
const TITLES = { filter: "convserve: see a kernel work", digits: "convserve: read digits", learn: "convserve: learn a kernel" };
const sections = { filter: find("#filter-view"), digits: find("#digits-view"), learn: find("#learn-view") };

/** The modules of the other views are loaded when they are first opened. */
const openers = {
  filter: () => openFilterView(sections.filter),
  digits: async () => (await import("./digits/digit-view.js")).openDigitView(sections.digits),
  learn: async () => (await import("./learn/learn-view.js")).openLearnView(sections.learn),
};
const opened = {};

/** Opens the view that the address names. */
async function showView() {
  if (location.hash === "#main") return; // the target of the skip link
  const { view } = parseAddress(location.hash);
  const name = view in sections ? view : DEFAULT_VIEW;
  for (const [other, section] of Object.entries(sections)) section.hidden = other !== name;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link instanceof HTMLElement && link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = TITLES[name];
  opened[name] ??= openers[name]();
  (await opened[name])?.follow(location.hash);
}

addEventListener("hashchange", showView);
showView();
