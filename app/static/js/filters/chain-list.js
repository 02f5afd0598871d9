import { make } from "../shared/dom.js";

export const MAX_STEPS = 10;

/**
 * The list of steps: each opened by its name, moved by arrows, removed by a cross.
 * @param {HTMLElement} list @param {import("./setting.js").Setting} setting @param {(change: () => void) => void} apply
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
  const tool = (label, sign, onclick, disabled) => make("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick, disabled }, sign);
  list.replaceChildren(...steps.map((step, index) => make("li", {},
    make("button", {
      type: "button", class: "step-name", "aria-current": index === setting.active ? "step" : null,
      onclick: () => apply(() => { setting.active = index; }, "chain"),
    }, step.kernel),
    ...(steps.length < 2 ? [] : [
      tool(`Move ${step.kernel} up`, "↑", move(index, -1), index === 0),
      tool(`Move ${step.kernel} down`, "↓", move(index, 1), index === steps.length - 1),
      tool(`Remove ${step.kernel}`, "×", remove(index), false),
    ]))));
}
