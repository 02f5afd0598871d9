import { make } from "../shared/dom.js";
import { drawKernelEditor } from "./kernel-editor.js";
import { CHOICES, DEFAULTS, HINTS } from "./step-parameters.js";

/**
 * @typedef {{onSet: (name: string, value: string) => void, onChooseKernel: (name: string) => void,
 *   onEditWeights: (weights: string, kernel: any) => void}} StepListeners an empty value resets a parameter to its default
 */

/**
 * The controls of one step.
 * @param {HTMLFormElement} form @param {import("./setting.js").Step} step
 * @param {any} kernel its description, or null if it is unknown
 * @param {any[]} catalogue the kernels to choose from
 * @param {StepListeners} listeners
 */
export function drawStepControls(form, step, kernel, catalogue, listeners) {
  const ownParameters = Object.entries(kernel?.parameters.properties ?? {});
  const onInput = (name) => (event) => {
    const value = event.target.value.trim();
    listeners.onSet(name, value === (DEFAULTS[name] ?? "") ? "" : value);
  };
  const drawSelect = (name) => {
    const value = step[name] ?? DEFAULTS[name] ?? "";
    const choices = CHOICES[name].includes(value) ? CHOICES[name] : [...CHOICES[name], value];
    const automatic = kernel ? `auto (${kernel.response})` : "auto";
    return drawField(name, make("select", { id: `set-${name}`, onchange: onInput(name) },
      ...choices.map((choice) => make("option", { value: choice, selected: choice === value }, choice || automatic))), HINTS[name]);
  };
  const drawText = (name, placeholder) => drawField(name, make("input", {
    id: `set-${name}`, value: step[name] ?? "", placeholder, oninput: onInput(name), autocomplete: "off", spellcheck: "false",
  }), HINTS[name]);
  const amount = ownParameters.some(([name]) => name === "amount") ? [] : [
    drawSlider("amount", { minimum: 0, maximum: 1, default: 1 }, step.amount, onInput("amount"), HINTS.amount)];
  const editor = make("div", { class: "editor field", "data-parameter": "weights" });
  form.replaceChildren(
    make("h2", { id: "step-title" }, "Selected step"),
    drawField("kernel", drawKernelChoice(step, catalogue, listeners), kernel?.title),
    ...ownParameters.map(([name, schema]) => drawSlider(name, schema, step[name], onInput(name), schema.description)),
    editor,
    make("p", { class: "quiet sum" }, describeSum(kernel)),
    make("div", { class: "pairs" }, ...["border", "response", "channels", "stride", "dilation", "behaviour"].map(drawSelect)),
    ...amount,
    make("details", { open: ["divisor", "bias", "anchor", "alpha"].some((name) => step[name]) },
      make("summary", {}, "More settings"),
      make("div", { class: "pairs" }, drawText("divisor", kernel ? `${round(kernel.divisor)} (kernel)` : ""),
        drawText("bias", "0"), drawText("anchor", "centre"), drawSelect("alpha"))),
  );
  form.onsubmit = (event) => event.preventDefault();
  if (kernel) {
    const typed = step.kernel === "custom" ? step.weights : undefined;
    drawKernelEditor(editor, kernel, typed, (weights) => listeners.onEditWeights(weights, kernel));
  }
}

/** Updates weights and their sum, but no field that may have focus. */
export function updateStepControls(form, step, kernel, listeners) {
  form.querySelector(".sum").textContent = describeSum(kernel);
  if (step.kernel === "custom") return;
  drawKernelEditor(form.querySelector(".editor"), kernel, undefined, (weights) => listeners.onEditWeights(weights, kernel));
}

const describeSum = (kernel) =>
  kernel ? `sum ${round(kernel.sum)}, divided by ${round(kernel.divisor)} · rank ${kernel.rank}${kernel.separable ? ", separable" : ""}` : "";

const round = (number) => String(Number(number.toPrecision(6)));

function drawKernelChoice(step, catalogue, listeners) {
  const names = catalogue.map(({ name }) => name);
  const isLearned = (name) => name.startsWith("mnist-conv1");
  const groups = [
    ["Catalogue", names.filter((name) => !isLearned(name))],
    ["Learned by the digit network", names.filter(isLearned)],
    ["Your own", ["custom", ...(names.includes(step.kernel) || step.kernel === "custom" ? [] : [step.kernel])]],
  ];
  return make("select", { id: "set-kernel", onchange: (event) => listeners.onChooseKernel(event.target.value) },
    ...groups.filter(([, group]) => group.length).map(([label, group]) => make("optgroup", { label },
      ...group.map((name) => make("option", { value: name, selected: name === step.kernel }, name)))));
}

function drawField(name, control, hint) {
  control.setAttribute("aria-describedby", `error-${name}`);
  return make("div", { class: "field", "data-parameter": name },
    make("label", { for: control.id, title: hint ?? "" }, name), control,
    make("p", { class: "field-error", id: `error-${name}` }));
}

/**
 * A slider and a number. A parameter without a default is `auto` until it is moved: the service chooses the value.
 * @param {string} name
 * @param {{minimum: number, maximum: number, default?: number, type?: string, description?: string}} schema
 * @param {string|undefined} value @param {(event: Event) => void} onInput @param {string} [hint]
 */
function drawSlider(name, { minimum, maximum, default: standard, type }, value, onInput, hint) {
  const increment = name === "amount" ? 0.05 : type === "integer" ? 2 : maximum - minimum > 100 ? 1 : 0.1;
  const shown = value ?? (standard === undefined ? "" : String(standard));
  const slider = make("input", { type: "range", id: `set-${name}`, min: minimum, max: maximum, step: increment, value: shown || minimum });
  const number = make("input", { type: "text", inputmode: "decimal", class: "number", value: shown, placeholder: "auto", "aria-label": `${name}, as a number` });
  slider.addEventListener("input", (event) => {
    number.value = slider.value;
    onInput(event);
  });
  number.addEventListener("input", (event) => {
    if (number.value.trim()) slider.value = number.value;
    onInput(event);
  });
  const field = drawField(name, slider, hint);
  field.classList.add("slider");
  slider.after(number);
  return field;
}

/** Shows each error at the control of its parameter. @param {{loc: (string|number)[], msg: string}[]} errors */
export function showFieldErrors(form, errors) {
  for (const field of form.querySelectorAll("[data-parameter]")) {
    const error = errors.find(({ loc }) => loc.includes(field.dataset.parameter));
    const message = field.querySelector(".field-error");
    const hasEditorError = field.dataset.parameter === "weights" && message?.textContent;
    if (!message || (hasEditorError && !error)) continue;
    message.textContent = error ? error.msg : "";
    const control = field.querySelector("select, input");
    if (error) control?.setAttribute("aria-invalid", "true");
    else if (!field.classList.contains("editor")) control?.removeAttribute("aria-invalid");
    if (error) field.closest("details")?.setAttribute("open", "");
  }
}
