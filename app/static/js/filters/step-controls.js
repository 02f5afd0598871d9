import { drawEditor } from "./kernel-editor.js";
import { make } from "../shared/dom.js";

const RANGES = ["1", "2", "3", "4", "5", "6", "7", "8"];
const CHOICES = {
  border: ["edge", "zero", "reflect", "symmetric", "wrap", "valid"],
  response: ["", "clip", "abs", "offset", "rescale"],
  channels: ["rgb", "gray", "luma", "r", "g", "b", "rg", "rb", "gb"],
  alpha: ["auto", "keep", "filter"],
  behaviour: ["correlate", "convolve"],
  stride: RANGES,
  dilation: RANGES,
};
const HINTS = {
  border: "what stands beyond the edge",
  response: "what becomes of values below 0 and above 255",
  channels: "which colours are filtered",
  alpha: "what becomes of transparency",
  behaviour: "as written, or turned by 180°",
  stride: "keep every n-th result",
  dilation: "distance of the weights",
  divisor: "auto, none or a number",
  bias: "a number, or 50%",
  anchor: "x,y of the weight over the pixel",
  amount: "share of the filtered image",
};
const DEFAULTS = { border: "edge", channels: "rgb", alpha: "auto", behaviour: "correlate", stride: "1", dilation: "1", bias: "0", amount: "1" };
const COMMON = [...Object.keys(CHOICES), "divisor", "bias", "anchor"];

/** The settings that any kernel takes: they stay when another kernel is chosen. */
export const keepCommon = (step) => Object.fromEntries(Object.entries(step).filter(([name]) => COMMON.includes(name)));

/**
 * The controls of one step.
 * @param {HTMLFormElement} form @param {Record<string, string>} step
 * @param {any} kernel its description, or null where there is none
 * @param {any[]} kernels the catalogue
 * @param {{set: (name: string, value: string) => void, choose: (name: string) => void, write: (weights: string, from: any) => void}} on
 */
export function drawStep(form, step, kernel, kernels, on) {
  const own = Object.entries(kernel?.parameters.properties ?? {});
  const field = (name, control, hint = HINTS[name]) => drawField(name, control, hint);
  const set = (name) => (event) => on.set(name, event.target.value.trim() === (DEFAULTS[name] ?? "") ? "" : event.target.value.trim());
  const select = (name) => {
    const value = step[name] ?? DEFAULTS[name] ?? "";
    const choices = CHOICES[name].includes(value) ? CHOICES[name] : [...CHOICES[name], value];
    const automatic = kernel ? `auto (${kernel.response})` : "auto";
    return field(name, make("select", { id: `set-${name}`, onchange: set(name) },
      ...choices.map((choice) => make("option", { value: choice, selected: choice === value }, choice || automatic))));
  };
  const text = (name, placeholder) => field(name, make("input", {
    id: `set-${name}`, value: step[name] ?? "", placeholder, oninput: set(name), autocomplete: "off", spellcheck: "false",
  }));
  const amount = own.some(([name]) => name === "amount") ? [] : [
    drawSlider("amount", { minimum: 0, maximum: 1, default: 1 }, step.amount, set("amount"), HINTS.amount)];
  const editor = make("div", { class: "editor field", "data-parameter": "weights" });
  form.replaceChildren(
    make("h2", { id: "step-title" }, "This kernel"),
    field("kernel", drawKernelChoice(step, kernels, on), kernel?.title),
    ...own.map(([name, schema]) => drawSlider(name, schema, step[name], set(name), schema.description)),
    editor,
    make("p", { class: "quiet sum" }, describeSum(kernel)),
    make("div", { class: "pairs" }, select("border"), select("response"), select("channels"), select("stride"), select("dilation"), select("behaviour")),
    ...amount,
    make("details", { open: ["divisor", "bias", "anchor", "alpha"].some((name) => step[name]) },
      make("summary", {}, "More settings"),
      make("div", { class: "pairs" }, text("divisor", kernel ? `${round(kernel.divisor)}: the kernel's` : ""), text("bias", "0"), text("anchor", "the middle"), select("alpha"))),
  );
  form.onsubmit = (event) => event.preventDefault();
  if (kernel) drawEditor(editor, kernel, step.kernel === "custom" ? step.weights : undefined, (weights) => on.write(weights, kernel));
}

/** Brings weights and their sum up to date without touching what may be typed into. */
export function updateStep(form, step, kernel, on) {
  form.querySelector(".sum").textContent = describeSum(kernel);
  if (step.kernel !== "custom") drawEditor(form.querySelector(".editor"), kernel, undefined, (weights) => on.write(weights, kernel));
}

const describeSum = (kernel) =>
  kernel ? `sum ${round(kernel.sum)}, divided by ${round(kernel.divisor)} · rank ${kernel.rank}${kernel.separable ? ", separable" : ""}` : "";

const round = (number) => String(Number(number.toPrecision(6)));

function drawKernelChoice(step, kernels, on) {
  const names = kernels.map(({ name }) => name);
  const groups = [
    ["Catalogue", names.filter((name) => !name.startsWith("mnist-conv1"))],
    ["Learned by the digit network", names.filter((name) => name.startsWith("mnist-conv1"))],
    ["Your own", ["custom", ...(names.includes(step.kernel) || step.kernel === "custom" ? [] : [step.kernel])]],
  ];
  return make("select", { id: "set-kernel", onchange: (event) => on.choose(event.target.value) },
    ...groups.filter(([, list]) => list.length).map(([label, list]) => make("optgroup", { label },
      ...list.map((name) => make("option", { value: name, selected: name === step.kernel }, name)))));
}

function drawField(name, control, hint) {
  control.setAttribute("aria-describedby", `error-${name}`);
  return make("div", { class: "field", "data-parameter": name },
    make("label", { for: control.id, title: hint ?? "" }, name), control,
    make("p", { class: "field-error", id: `error-${name}` }));
}

/** A slider with its number beside it. A parameter without a default is chosen by the service until it is moved. */
function drawSlider(name, { minimum, maximum, default: standard, type }, value, set, hint) {
  const step = type === "integer" ? 2 : maximum - minimum > 100 ? 1 : 0.1;
  const shown = value ?? (standard === undefined ? "" : String(standard));
  const slider = make("input", { type: "range", id: `set-${name}`, min: minimum, max: maximum, step: name === "amount" ? 0.05 : step, value: shown || minimum });
  const number = make("input", { type: "text", inputmode: "decimal", class: "number", value: shown, placeholder: "auto", "aria-label": `${name}, as a number` });
  slider.addEventListener("input", (event) => {
    number.value = slider.value;
    set(event);
  });
  number.addEventListener("input", (event) => {
    if (number.value.trim()) slider.value = number.value;
    set(event);
  });
  const field = drawField(name, slider, hint);
  field.classList.add("slider");
  slider.after(number);
  return field;
}

/** Puts what is wrong next to the control that caused it. Returns whether there was one. */
export function showFieldErrors(form, errors) {
  for (const field of form.querySelectorAll("[data-parameter]")) {
    const error = errors.find(({ loc }) => loc.includes(field.dataset.parameter));
    const place = field.querySelector(".field-error");
    if (!place || (field.dataset.parameter === "weights" && !error && place.textContent)) continue;
    place.textContent = error ? error.msg : "";
    const control = field.querySelector("select, input");
    if (error) control?.setAttribute("aria-invalid", "true");
    else if (!field.classList.contains("editor")) control?.removeAttribute("aria-invalid");
    if (error) field.closest("details")?.setAttribute("open", "");
  }
}
