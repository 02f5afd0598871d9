import { Problem, askJson, askOnce } from "../shared/api.js";
import { find, make } from "../shared/dom.js";
import { drawCurves } from "./training-curves.js";

const SHAPES = [
  ["input", "28×28×1"], ["conv1, 5×5", "28×28×32"], ["pool1", "14×14×32"], ["conv2, 5×5", "14×14×64"],
  ["pool2", "7×7×64"], ["dense", "1024"], ["output", "10"],
];

/** What is inside the network. Parts that this service does not offer stay hidden. */
export class Inside {
  constructor(root) {
    this.root = root;
    this.explains = true;
    find("#shapes", root).append(...SHAPES.map(([name, shape]) => make("li", {}, make("span", {}, name), make("b", {}, shape))));
  }

  async start() {
    const show = async (place, draw) => {
      try {
        await draw(find(place, this.root));
        find(place, this.root).closest("section").hidden = false;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem; // not offered, or not now: then this part is not shown
      }
    };
    await Promise.all([
      show("#learned", async (place) => {
        const learned = (await askOnce("/kernels")).kernels.filter(({ source, name }) => source === "learned" || name.startsWith("mnist-conv1"));
        if (!learned.length) throw new Problem(404, {});
        place.replaceChildren(...learned.map(drawKernel));
      }),
      show("#curves", async (place) => {
        const record = await askOnce("/model/curves");
        place.replaceChildren(...drawCurves(record.epochs ?? record));
      }),
    ]);
  }

  /** The maps of both layers for this digit, and what mattered. */
  async explain({ blob, name }, signal) {
    if (!this.explains) return;
    const section = find("#explained", this.root);
    try {
      const explanation = await askJson("/classify/explain", { query: { format: "json" }, form: { file: [blob, name] }, signal });
      if (signal.aborted) return;
      section.replaceChildren(...drawExplanation(explanation));
      section.hidden = false;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 404 || problem.status === 405) this.explains = false;
      section.hidden = true;
    }
  }
}

function drawKernel(kernel) {
  const canvas = make("canvas", { width: kernel.columns, height: kernel.rows, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(kernel.columns, kernel.rows);
  const largest = Math.max(...kernel.weights.flat().map(Math.abs), 1e-9);
  kernel.weights.flat().forEach((weight, index) => {
    const level = 127.5 + (127.5 * weight) / largest;
    image.data.set([level, level, level, 255], 4 * index);
  });
  context.putImageData(image, 0, 0);
  return make("a", { href: `#filter/${kernel.name}`, "aria-label": `Use ${kernel.name} in the filter room`, title: kernel.name }, canvas);
}

function drawExplanation({ layers, occlusion, input_gradient: gradient }) {
  const mattered = [["Occlusion", occlusion], ["Input gradient", gradient]].filter(([, map]) => map);
  return [
    make("h3", {}, "What mattered for this answer"),
    make("div", { class: "mattered" }, ...mattered.map(([title, map]) => make("figure", {},
      make("img", { src: map.image, alt: title }), make("figcaption", {}, map.explanation ?? title)))),
    ...layers.filter(({ maps }) => maps?.length).flatMap(({ name, shape, maps }) => [
      make("h3", {}, `${name}: ${shape.join(" × ")}`),
      make("div", { class: `maps ${name}` }, ...maps.map((source, index) => make("img", { src: source, alt: `${name}, map ${index}`, title: `map ${index}`, loading: "lazy" }))),
    ]),
  ];
}
