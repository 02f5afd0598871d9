import { loadOnDemand } from "../shared/load-on-demand.js";

const loadDetails = loadOnDemand((retry) => import(`./details.js${retry}`));

/**
 * Loads what is below the first screen when it is about to be seen, or after the first change: a first visit needs neither
 * its modules nor its requests.
 */
export class DetailsBelow {
  /** @param {HTMLElement} root */
  constructor(root) {
    /** @type {import("./details.js").Parts} what has changed and is not drawn yet */
    this.waiting = {};
    /** @type {import("./details.js").Details|null} */
    this.details = null;
    this.observer = new IntersectionObserver(([entry]) => entry.isIntersecting && this.load());
    this.observer.observe(root);
  }

  /** @param {import("./details.js").Parts} parts */
  show(parts) {
    if (this.details) return this.details.draw(parts);
    Object.assign(this.waiting, parts);
  }

  /** A failure is not remembered: the next call tries again. */
  load() {
    this.loading ??= loadDetails().then(({ Details }) => {
      this.observer.disconnect();
      this.details = new Details();
      this.details.draw(this.waiting);
    }).catch(() => { this.loading = null; });
  }
}
