import { find, make, setText } from "../shared/dom.js";
import { TOOLS } from "./snippets.js";

const MESSAGE_MS = 2500;

let chosen = "curl";
/** @type {import("./snippets.js").SnippetInput|null} */
let shown = null;

/** The setting as code, with a tab for each tool. @param {HTMLElement} root @param {import("./snippets.js").SnippetInput} input */
export function drawCopyAs(root, input) {
  shown = input;
  if (!root.childElementCount) drawTabs(root);
  drawSnippet(root);
}

function drawTabs(root) {
  const tabs = Object.keys(TOOLS).map((tool) => make("button", {
    type: "button", role: "tab", id: `tab-${tool.split(" ")[0]}`, "aria-controls": "snippet-panel",
    onclick: () => chooseTool(root, tool),
  }, tool));
  const list = make("div", { class: "tabs", role: "tablist", "aria-label": "Tool", onkeydown: (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const tools = Object.keys(TOOLS);
    chooseTool(root, tools[(tools.indexOf(chosen) + by + tools.length) % tools.length]);
    find("[role=tab][aria-selected=true]", root).focus();
  } }, ...tabs);
  root.append(list, make("div", { role: "tabpanel", id: "snippet-panel" },
    make("p", { class: "quiet", id: "snippet-note" }),
    make("pre", { tabindex: 0, "aria-label": "Code" }, make("code", { id: "snippet" })),
    make("p", { class: "row" },
      make("button", { type: "button", id: "copy", onclick: () => copySnippet(root) }, "Copy"),
      make("span", { id: "copied", "aria-live": "polite" }))));
}

/** Browsers allow access to the clipboard only over HTTPS and on localhost. Otherwise the code is selected. */
async function copySnippet(root) {
  const [snippet, message] = [find("#snippet", root), find("#copied", root)];
  try {
    await navigator.clipboard.writeText(snippet.textContent);
    setText(message, "Copied.");
  } catch {
    getSelection().selectAllChildren(snippet);
    setText(message, "Selected. Press Ctrl+C or ⌘C to copy.");
  }
  setTimeout(() => setText(message, ""), MESSAGE_MS);
}

function chooseTool(root, tool) {
  chosen = tool;
  drawSnippet(root);
}

function drawSnippet(root) {
  for (const tab of root.querySelectorAll("[role=tab]")) {
    const active = tab.textContent === chosen;
    tab.setAttribute("aria-selected", String(active));
    tab.tabIndex = active ? 0 : -1;
    if (active) find("#snippet-panel", root).setAttribute("aria-labelledby", tab.id);
  }
  const { code = "", note = "" } = TOOLS[chosen](shown);
  find("#snippet", root).textContent = code;
  find("pre", root).hidden = !code;
  find("#copy", root).hidden = !code;
  setText(find("#snippet-note", root), note);
}
