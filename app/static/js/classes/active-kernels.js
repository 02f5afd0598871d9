/** Which kernels of the network's second layer are most active, for the drawing and for each class. */

import { loadNetwork } from "../network/network.js";
import { MAPS, SIDES } from "../network/inference.js";
import { listMap } from "../network/map-images.js";
import { find, make, setText } from "../shared/dom.js";
import { rankIndices } from "../shared/numbers.js";
import { drawProblem } from "../shared/problem-message.js";
import { runOneAtATime } from "../shared/scheduling.js";
import { drawWeightMap } from "../shared/weight-map.js";

const SHOWN = 6;
const [KERNELS, SIDE] = [MAPS.conv2, SIDES.conv2];

/**
 * @typedef {import("./class-collection.js").Reading} Reading
 * @typedef {Float32Array} ConvMaps (14, 14, 64): where each kernel is how active, 0 or more
 */

/** The mean of each map. @param {ConvMaps} maps @returns {Float64Array} */
function measureActivity(maps) {
  const activity = new Float64Array(KERNELS);
  maps.forEach((value, index) => { activity[index % KERNELS] += value / SIDE ** 2; });
  return activity;
}

/** The mean over examples. @param {ConvMaps[]} maps at least one @returns {ConvMaps} */
function averageMaps(maps) {
  const mean = new Float32Array(maps[0].length);
  for (const one of maps) one.forEach((value, index) => { mean[index] += value / maps.length; });
  return mean;
}

/**
 * By how much each kernel is more active in one class than in the others together.
 * @param {Float64Array[]} activities of all classes @param {number} index of the class @returns {Float64Array}
 */
function contrastActivity(activities, index) {
  const others = activities.length - 1;
  return activities[index].map((value, kernel) =>
    value - activities.reduce((sum, one, other) => (other === index ? sum : sum + one[kernel] / others), 0));
}

export class ActiveKernels {
  /** @param {HTMLElement} root @param {import("./class-collection.js").ClassCollection} collection */
  constructor(root, collection) {
    this.root = root;
    this.collection = collection;
    this.isLoaded = false;
    /** @type {Reading|null} */
    this.reading = null;
    /** The maps of examples, by their fields. @type {WeakMap<Float32Array, ConvMaps>} */
    this.known = new WeakMap();
    this.update = runOneAtATime(() => this.draw());
    root.append(
      make("h3", {}, "Most active kernels"),
      make("p", { class: "quiet" }, "The second layer has 64 kernels. Which of them respond to the drawing, and which to one class more than to the others?"),
      make("button", { type: "button", id: "show-active-kernels", onclick: () => this.load() }, "Show the kernels (loads the network, 6 MB)"),
      make("p", { class: "error", role: "alert" }),
      make("div", { class: "kernel-rows" }));
  }

  async load() {
    const [button, error] = [find("#show-active-kernels", this.root), find(".error", this.root)];
    button.disabled = true;
    try {
      await loadNetwork();
      this.isLoaded = true;
      drawProblem(error, null);
      button.hidden = true;
      await this.update();
    } catch (problem) {
      button.disabled = false;
      drawProblem(error, problem, () => this.load());
    }
  }

  /** @param {Reading|null} reading of the pad */
  show(reading) {
    this.reading = reading;
    if (this.isLoaded) this.update();
  }

  async draw() {
    const { reading, collection } = this;
    try {
      const classes = collection.classes.map(({ id }) => ({ label: collection.nameClass(id), examples: collection.listExamples(id) }))
        .filter(({ examples }) => examples.length);
      const means = [];
      for (const { examples } of classes) means.push(averageMaps(await this.computeMaps(examples)));
      const activities = means.map(measureActivity);
      const [drawing] = reading ? await this.computeMaps([reading]) : [];
      find(".kernel-rows", this.root).replaceChildren(
        ...(drawing ? [drawRow("this drawing", drawing, measureActivity(drawing))] : []),
        ...(classes.length > 1 ? classes.map(({ label }, index) => drawRow(`more in “${label}”`, means[index], contrastActivity(activities, index))) : []));
    } catch (error) {
      setText(find(".error", this.root), error.message);
    }
  }

  /** @param {Reading[]} readings @returns {Promise<ConvMaps[]>} */
  async computeMaps(readings) {
    const computed = [];
    for (const { field } of readings) {
      if (!this.known.has(field)) this.known.set(field, (await (await loadNetwork()).run(field)).maps.conv2);
      computed.push(this.known.get(field));
    }
    return computed;
  }
}

/** The kernels with the largest activities, each with its map. @param {string} title @param {ConvMaps} maps @param {Float64Array} activities */
const drawRow = (title, maps, activities) => make("div", { class: "kernel-row" },
  make("p", { class: "quiet" }, title),
  ...rankIndices(activities).slice(0, SHOWN).map((kernel) => make("figure", {},
    drawWeightMap(listMap(maps, SIDE, KERNELS, kernel), { role: "img", "aria-label": `Map of kernel ${kernel}`, title: `Kernel ${kernel}: ${activities[kernel].toFixed(2)}` }),
    make("figcaption", {}, String(kernel)))));
