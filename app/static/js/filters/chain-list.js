import { make } from "../shared/dom.js";

export const MAX_STEPS = 10;

/**
 * The steps of a chain: click a name to edit the step and to see it on the bench. The chosen step has buttons that move and
 * remove it.
 * @param {HTMLElement} list @param {import("./setting.js").Setting} setting @param {(change: () => void, what: "chain") => void} apply
 */
export function drawChain(list, setting, apply) {
  const { steps, active } = setting;
  const move = (by) => () => apply(() => {
    [steps[active], steps[active + by]] = [steps[active + by], steps[active]];
    setting.active = active + by;
  }, "chain");
  const remove = () => apply(() => {
    steps.splice(active, 1);
    setting.active = Math.min(active, steps.length - 1);
  }, "chain");
  const drawTool = (label, sign, onclick, disabled) =>
    make("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick, disabled }, sign);
  const drawTools = ({ kernel }) => [
    drawTool(`Move ${kernel} up`, "←", move(-1), active === 0),
    drawTool(`Move ${kernel} down`, "→", move(1), active === steps.length - 1),
    drawTool(`Remove ${kernel}`, "×", remove, false),
  ];
  list.replaceChildren(...steps.map((step, index) => make("li", {},
    make("button", {
      type: "button", class: "step-name", "aria-current": index === active ? "step" : null,
      onclick: () => apply(() => { setting.active = index; }, "chain"),
    }, step.kernel),
    ...(steps.length < 2 || index !== active ? [] : drawTools(step)))));
}
