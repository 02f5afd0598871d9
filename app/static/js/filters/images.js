/** The images of the filters view: samples, and those that the user has opened, which stay until the page is closed. */

import { request } from "../shared/api.js";
import { openImage } from "../shared/image.js";
import { DEFAULT_IMAGE } from "./setting.js";

/** The name of an image that the user opened; later ones have a number. */
const OWN_IMAGE = "own";
const MAX_OWN_IMAGES = 8;

/**
 * `focus` is a place with detail, in parts of width and height.
 * @type {Record<string, {title: string, path: string, focus?: [number, number]}>}
 */
export const SAMPLES = {
  cat: { title: "Cat", path: "/static/samples/cat.jpg", focus: [0.47, 0.407] },
  coffee: { title: "Coffee", path: "/static/samples/coffee.jpg", focus: [0.65, 0.156] },
  rocket: { title: "Rocket", path: "/static/samples/rocket.jpg", focus: [0.504, 0.8] },
  house: { title: "House (drawing)", path: "/samples/house.png" },
  chart: { title: "Test chart", path: "/samples/chart.png" },
  digits: { title: "Handwriting", path: "/samples/digits.png" },
};

export const isOwn = (name) => name === OWN_IMAGE || name.startsWith(`${OWN_IMAGE}-`);

export class Images {
  constructor() {
    /** @type {Map<string, Promise<import("../shared/image.js").Image>>} */
    this.opened = new Map();
  }

  /** Whether `name` is an image of the user's that is not there: a link waits for it. */
  lacks(name) {
    return isOwn(name) && !this.opened.has(name);
  }

  /** A sample, or an image that was opened before; the default sample if there is none of that name. @param {string} name */
  async open(name) {
    const known = this.opened.get(name);
    if (known) return known;
    const sample = name in SAMPLES ? name : DEFAULT_IMAGE;
    const opening = requestSample(sample);
    this.opened.set(sample, opening);
    opening.catch(() => this.opened.delete(sample)); // the next call tries again
    return opening;
  }

  /** Opens a file of the user's. @param {Blob} file @param {string} fileName @returns {Promise<string>} its name here */
  async add(file, fileName) {
    const image = await openImage(file, fileName);
    this.count = (this.count ?? 0) + 1;
    const name = this.count === 1 ? OWN_IMAGE : `${OWN_IMAGE}-${this.count}`;
    this.opened.set(name, Promise.resolve(image));
    const own = [...this.opened.keys()].filter(isOwn);
    for (const old of own.slice(0, -MAX_OWN_IMAGES)) this.opened.delete(old);
    return name;
  }

  /** The pixel that is inspected until the user chooses one. @param {string} name @param {ImageData} result @returns {[number, number]} */
  findFocus(name, { width, height }) {
    const [x, y] = SAMPLES[name]?.focus ?? [0.5, 0.5];
    return [Math.floor(x * width), Math.floor(y * height)];
  }
}

async function requestSample(name) {
  const { path } = SAMPLES[name];
  const reply = await request(path, { accept: "image/*" });
  return openImage(await reply.blob(), path.split("/").at(-1));
}
