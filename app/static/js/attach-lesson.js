import { parseAddress } from "./shared/address.js";
import { find, make } from "./shared/dom.js";

/**
 * Follows the lesson in the address, `?lesson=NAME`. Without a tool in the address, the lesson opens its own.
 * @param {import("./lessons/lesson-panel.js").Page} page
 */
export function attachLesson(page) {
  const root = find("#lesson");
  let panel;
  const follow = async () => {
    const keepsTool = !["", "lessons"].includes(parseAddress(location.hash).view);
    const name = new URLSearchParams(location.search).get("lesson") ?? "";
    root.hidden = !name;
    try {
      if (name) panel ??= (await import("./lessons/lesson-panel.js")).makeLessonPanel(root, page);
    } catch (error) {
      console.warn(error);
      return root.replaceChildren(make("p", { class: "error", role: "alert" }, "The lesson could not be loaded: the service is not responding, or it has been updated. "),
        make("button", { type: "button", onclick: () => location.reload() }, "Load the page again"));
    }
    panel?.show(name, keepsTool);
  };
  addEventListener("popstate", follow);
  follow();
}
