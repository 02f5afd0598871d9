import { find } from "./shared/dom.js";
import { openFilterRoom } from "./filters/filter-view.js";
import { parseAddress } from "./filters/setting.js";

const TITLES = { filter: "convserve: see a kernel work", digits: "convserve: read digits", learn: "convserve: learn a kernel" };
const rooms = { filter: find("#filter-room"), digits: find("#digits-room"), learn: find("#learn-room") };
const opened = {};

/** The code of the other rooms is fetched when somebody enters them. */
const open = {
  filter: () => openFilterRoom(rooms.filter),
  digits: async () => (await import("./digits/digit-view.js")).openDigitRoom(rooms.digits),
  learn: async () => (await import("./learn/learn-view.js")).openLearnRoom(rooms.learn),
};

async function enter() {
  if (location.hash === "#main") return;
  const name = parseAddress(location.hash).room in rooms ? parseAddress(location.hash).room : "filter";
  for (const [other, room] of Object.entries(rooms)) room.hidden = other !== name;
  for (const link of document.querySelectorAll("[data-room]")) {
    if (link.dataset.room === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = TITLES[name];
  opened[name] ??= open[name]();
  (await opened[name])?.follow(location.hash);
}

addEventListener("hashchange", enter);
enter();
