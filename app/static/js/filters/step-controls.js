import { find, make, setText } from "../shared/dom.js";
import { isLayer } from "./layer-plan.js";
import { CHOICES, DEFAULTS, HINTS, LABELS, LAYER_CHOICES, MEANINGS } from "./step-parameters.js";
import { MAX_EDITABLE_SIDE } from "./weights.js";

/**
 * @typedef {{onSet: (name: string, value: string) => void, onChooseKernel: (name: string) => void,
 *   onEditWeights: (weights: string, kernel: any) => void,
 *   onEditFilters: (filters: import("./layer-description.js").Filters) => void}} StepListeners an empty value resets a parameter to its default
 */

/** Where sliders end. Beyond, a kernel has sides above 63; the number beside the slider goes as far as the service. */
const SLIDER_ENDS = { sigma: 10.3, size: 63, length: 63 };
const HINT_INVITATION = "Drag a weight, or type one.";

/**
 * The controls of one step: its kernel and that kernel's parameters above the weights, the common ones below.
 * @param {HTMLFormElement} form @param {import("./setting.js").Step} step
 * @param {any} kernel its description, or that of its layer, or null if it is unknown
 * @param {any[]} catalogue the kernels and layers to choose from
 * @param {StepListeners} listeners
 */
export function drawStepControls(form, step, kernel, catalogue, listeners) {
  const ownParameters = Object.entries(kernel?.parameters.properties ?? {});
  const onInput = (name) => (event) => {
    const value = event.target.value.trim();
    listeners.onSet(name, value === (DEFAULTS[name] ?? "") ? "" : value);
  };
  const layer = isLayer(kernel) ? kernel : null;
  const own = layer?.step ?? kernel ?? {};
  const drawSelect = (name) => {
    const value = step[name] ?? (layer && name !== "response" ? formatPair(own[name]) : DEFAULTS[name] ?? "");
    const offered = (layer && LAYER_CHOICES[layer.kind]?.[name]) ?? (layer && LAYER_CHOICES.all[name]) ?? CHOICES[name];
    const choices = offered.includes(value) ? offered : [...offered, value];
    const automatic = own.response ? `auto (${own.response})` : "auto";
    return drawField(name, make("select", { id: `set-${name}`, onchange: onInput(name) },
      ...choices.map((choice) => make("option", { value: choice, selected: choice === value }, choice ? MEANINGS[name]?.[choice] ?? choice : automatic))));
  };
  const drawText = (name, placeholder) => drawField(name, make("input", {
    id: `set-${name}`, value: step[name] ?? "", placeholder, oninput: onInput(name), autocomplete: "off", spellcheck: "false",
  }));
  const has = (name) => !layer || layer.settings.includes(name);
  const amount = layer || ownParameters.some(([name]) => name === "amount") ? [] : [drawSlider("amount", { minimum: 0, maximum: 1, default: 1 }, step.amount, onInput("amount"))];
  find("#step-kernel", form).replaceChildren(
    drawField("kernel", drawKernelChoice(step, catalogue, listeners)),
    ...ownParameters.map(([name, schema]) => drawSlider(name, schema, step[name], onInput(name))));
  if (layer) {
    return find("#step-settings", form).replaceChildren(make("div", { class: "triples" },
      ...(has("size") ? [drawText("size", formatPair(own.size))] : []),
      ...(has("stride") ? [drawText("stride", formatPair(own.stride ?? 1))] : []),
      ...["dilation", "border", "channels", "response"].filter(has).map(drawSelect),
      ...(has("bias") ? [drawText("bias", "0")] : [])),
    ...(has("weights") ? [make("details", {}, make("summary", {}, "All weights as a list"), drawText("weights", "[[0.299,0.587,0.114]]"))] : []),
    drawHint(Boolean(own.weights) && !own.rectified));
  }
  find("#step-settings", form).replaceChildren(
    make("p", { class: "quiet sum" }, describeSum(kernel)),
    make("div", { class: "triples" }, ...["border", "stride", "dilation", "response", "channels", "behaviour", "exact"].map(drawSelect)),
    make("details", { open: ["divisor", "bias", "anchor", "alpha", "amount"].some((name) => step[name]) },
      make("summary", {}, "More settings"), ...amount,
      make("div", { class: "triples" }, drawText("divisor", kernel ? `${round(kernel.divisor)} (kernel)` : ""),
        drawText("bias", "0"), drawText("anchor", "centre"), drawSelect("alpha"))),
    drawHint(kernel?.combine === "single" && Math.max(kernel.rows, kernel.columns) <= MAX_EDITABLE_SIDE));
}

/** The line that explains the control under the pointer. @param {boolean} isEditable whether there are weights to drag */
const drawHint = (isEditable) => make("p", { class: "quiet step-hint", "aria-hidden": "true", "data-invitation": isEditable ? HINT_INVITATION : "" }, isEditable ? HINT_INVITATION : "");

/** Shows what the control under the pointer or with focus means, in one line. */
export function explainControls(form) {
  form.addEventListener("submit", (event) => event.preventDefault());
  const explain = (event) => {
    const field = /** @type {HTMLElement} */ (event.target).closest("[data-parameter]");
    const line = find(".step-hint", form);
    if (line) setText(line, field?.querySelector(".field-hint")?.textContent || line.dataset.invitation);
  };
  form.addEventListener("pointerover", explain);
  form.addEventListener("focusin", explain);
  form.addEventListener("pointerleave", () => explain({ target: document.activeElement ?? form }));
}

/** Updates the sum, but no field that may have focus. */
export function updateStepControls(form, kernel) {
  const sum = find("p.sum", form);
  if (sum) setText(sum, describeSum(kernel));
  const accuracy = find("[data-parameter=exact]", form);
  if (accuracy) accuracy.hidden = !isLong(kernel);
}

/** Whether `exact=false` has an effect: on a blur with a side above 63, whose weights are a column and a row. */
const isLong = (kernel) => Boolean(kernel?.factors);

const describeSum = (kernel) => (kernel && kernel.combine !== "median" ? `Sum ${round(kernel.sum)}, divided by ${round(kernel.divisor)}${kernel.separable ? " · separable" : ""}` : "");

/** A setting of a layer as text: two equal numbers are one. */
const formatPair = (value = "") => (Array.isArray(value) && value[0] === value[1] ? String(value[0]) : String(value));

const round = (number) => String(Number(number.toPrecision(6)));

function drawKernelChoice(step, catalogue, listeners) {
  const titles = new Map(catalogue.map(({ name, title }) => [name, title]));
  const names = [...titles.keys()];
  const listed = (choose) => catalogue.filter(choose).map(({ name }) => name);
  const isLearned = ({ source }) => source === "learned";
  const groups = [
    ["Kernels", listed((one) => !isLayer(one) && !isLearned(one))],
    ["Layers: all channels together, pooling, ReLU", listed((one) => isLayer(one) && !isLearned(one))],
    ["Learned by the digit network", listed(isLearned)],
    ["Your own", ["custom", ...(names.includes(step.kernel) || step.kernel === "custom" ? [] : [step.kernel])]],
  ];
  const describe = (name) => (name === "custom" ? "Your own weights" : titles.has(name) && titles.get(name).toLowerCase() !== name ? `${titles.get(name)} · ${name}` : titles.get(name) ?? name);
  return make("select", { id: "set-kernel", onchange: (event) => listeners.onChooseKernel(event.target.value) },
    ...groups.filter(([, group]) => group.length).map(([label, group]) => make("optgroup", { label },
      ...group.map((name) => make("option", { value: name, selected: name === step.kernel }, describe(name))))));
}

/** @param {string} name @param {HTMLElement} control @param {string} [hint] */
function drawField(name, control, hint = HINTS[name] ?? "") {
  control.setAttribute("aria-describedby", `hint-${name} error-${name}`);
  return make("div", { class: "field", "data-parameter": name },
    make("label", { for: control.id }, LABELS[name] ?? name), control,
    make("span", { class: "field-hint visually-hidden", id: `hint-${name}` }, hint),
    make("p", { class: "field-error", id: `error-${name}` }));
}

/**
 * A slider and a number. A parameter without a default is `auto` until it is moved: the service chooses the value.
 * @param {string} name
 * @param {{minimum: number, maximum: number, default?: number, type?: string, description?: string}} schema
 * @param {string|undefined} value @param {(event: Event) => void} onInput
 */
function drawSlider(name, { minimum, maximum, default: standard, type, description }, value, onInput) {
  const increment = name === "amount" ? 0.05 : type === "integer" ? 2 : maximum - minimum > 100 ? 1 : 0.1;
  const shown = value ?? (standard === undefined ? "" : String(standard));
  const slider = make("input", { type: "range", id: `set-${name}`, min: minimum, max: Math.min(maximum, SLIDER_ENDS[name] ?? maximum), step: increment, value: shown || minimum });
  const number = make("input", { type: "text", inputmode: "decimal", class: "number", value: shown, placeholder: "auto", "aria-label": `${name}, as a number` });
  slider.addEventListener("input", (event) => {
    number.value = slider.value;
    onInput(event);
  });
  number.addEventListener("input", (event) => {
    if (number.value.trim()) slider.value = number.value;
    onInput(event);
  });
  const field = drawField(name, slider, description && `${name}: ${description}`);
  field.classList.add("slider");
  slider.after(number);
  return field;
}

/**
 * Shows each error at the control of its parameter.
 * @param {{loc: (string|number)[], msg: string}[]} errors
 * @returns {string[]} the names of these controls
 */
export function showFieldErrors(form, errors) {
  const names = [];
  for (const field of form.querySelectorAll("[data-parameter]")) {
    const error = errors.find(({ loc }) => loc.includes(field.dataset.parameter));
    const message = field.querySelector(".field-error");
    const hasEditorError = field.dataset.parameter === "weights" && message?.textContent;
    if (!message || (hasEditorError && !error)) continue;
    message.textContent = error ? error.msg : "";
    const control = field.querySelector("select, input");
    if (error) control?.setAttribute("aria-invalid", "true");
    else if (!field.classList.contains("editor")) control?.removeAttribute("aria-invalid");
    if (!error) continue;
    field.closest("details")?.setAttribute("open", "");
    names.push(LABELS[field.dataset.parameter] ?? field.dataset.parameter);
  }
  return names;
}
