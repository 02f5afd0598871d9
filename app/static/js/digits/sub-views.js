import { make } from "../shared/dom.js";

const SUB_VIEWS = { "#digits": "Digits 0 to 9", "#classes": "Your own classes" };

/** Links between the views of the digit network. @param {string} current the address of the view */
export const drawSubViews = (current) => make("nav", { class: "sub-views", "aria-label": "Digit network" }, ...Object.entries(SUB_VIEWS).map(([href, title]) =>
  make("a", { class: "button", href, "aria-current": href === current && "page" }, title)));
