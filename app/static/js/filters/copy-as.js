import { TOOLS } from "./snippets.js";
import { find, make, say } from "../shared/dom.js";

let chosen = "curl";
let last = null;

/** Tabs of tools, and the setting as each has it. @param {import("./snippets.js").Subject} subject */
export function drawCopyAs(root, subject) {
  last = subject;
  if (!root.childElementCount) build(root);
  show(root);
}

function build(root) {
  const tabs = Object.keys(TOOLS).map((tool) => make("button", {
    type: "button", role: "tab", id: `tab-${tool.split(" ")[0]}`, "aria-controls": "snippet-panel",
    onclick: () => choose(root, tool),
  }, tool));
  const list = make("div", { class: "tabs", role: "tablist", "aria-label": "Tool", onkeydown: (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const tools = Object.keys(TOOLS);
    choose(root, tools[(tools.indexOf(chosen) + by + tools.length) % tools.length]);
    find("[role=tab][aria-selected=true]", root).focus();
  } }, ...tabs);
  const copy = make("button", { type: "button", id: "copy", onclick: async () => {
    try {
      await navigator.clipboard.writeText(find("#snippet", root).textContent);
      say(find("#copied", root), "Copied.");
    } catch {
      getSelection().selectAllChildren(find("#snippet", root)); // no clipboard without https: then by hand
      say(find("#copied", root), "Selected: copy it with the keyboard.");
    }
    setTimeout(() => say(find("#copied", root), ""), 2500);
  } }, "Copy");
  root.append(list, make("div", { role: "tabpanel", id: "snippet-panel" },
    make("p", { class: "quiet", id: "snippet-note" }),
    make("pre", { tabindex: 0, "aria-label": "Code" }, make("code", { id: "snippet" })),
    make("p", { class: "row" }, copy, make("span", { id: "copied", "aria-live": "polite" }))));
}

function choose(root, tool) {
  chosen = tool;
  show(root);
}

function show(root) {
  for (const tab of root.querySelectorAll("[role=tab]")) {
    const active = tab.textContent === chosen;
    tab.setAttribute("aria-selected", String(active));
    tab.tabIndex = active ? 0 : -1;
    if (active) find("#snippet-panel", root).setAttribute("aria-labelledby", tab.id);
  }
  const { code = "", note = "" } = TOOLS[chosen](last);
  find("#snippet", root).textContent = code;
  find("pre", root).hidden = !code;
  find("#copy", root).hidden = !code;
  say(find("#snippet-note", root), note);
}
