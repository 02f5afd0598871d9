import { make } from "../shared/dom.js";

export const MAX_STEPS = 10;

/**
 * The steps of a chain: click a name to edit the step, or move and remove it with the buttons beside it.
 * @param {HTMLElement} list @param {import("./setting.js").Setting} setting @param {(change: () => void, what: "chain") => void} apply
 */
export function drawChain(list, setting, apply) {
  const { steps } = setting;
  const move = (index, by) => () => apply(() => {
    [steps[index], steps[index + by]] = [steps[index + by], steps[index]];
    setting.active = index + by;
  }, "chain");
  const remove = (index) => () => apply(() => {
    steps.splice(index, 1);
    setting.active = Math.min(setting.active, steps.length - 1);
  }, "chain");
  const drawTool = (label, sign, onclick, disabled) =>
    make("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick, disabled }, sign);
  list.replaceChildren(...steps.map((step, index) => make("li", {},
    make("button", {
      type: "button", class: "step-name", "aria-current": index === setting.active ? "step" : null,
      onclick: () => apply(() => { setting.active = index; }, "chain"),
    }, step.kernel),
    ...(steps.length < 2 ? [] : [
      drawTool(`Move ${step.kernel} up`, "↑", move(index, -1), index === 0),
      drawTool(`Move ${step.kernel} down`, "↓", move(index, 1), index === steps.length - 1),
      drawTool(`Remove ${step.kernel}`, "×", remove(index), false),
    ]))));
}
