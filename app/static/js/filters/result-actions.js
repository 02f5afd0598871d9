/** What can be done with a result beyond looking at it: full size, one kernel for a chain, the gallery. */

import { find, setText } from "../shared/dom.js";
import { keepLatest } from "../shared/scheduling.js";
import { drawComposedKernel } from "./composed-kernel.js";
import { filterFullSize } from "./full-size.js";
import { drawGallery } from "./gallery.js";

/** @param {import("./filter-session.js").FilterSession} session */
export function listenToResults(session) {
  const run = (task) => () => task().catch((problem) => session.showProblem(problem));
  find("#full").addEventListener("click", run(keepLatest((signal) => filterFullSize(session.image, session.setting, signal))));
  find("#compose").addEventListener("click", run(keepLatest((signal) => drawComposedKernel(find("#composed-kernel"), session.image, session.setting, signal))));
  const gallery = { visible: false, image: null };
  const openKernel = (kernel) => {
    session.apply(() => { session.setting.steps[session.setting.active] = { kernel }; }, "chain");
    scrollTo({ top: 0 });
    find("#set-kernel").focus({ preventScroll: true });
  };
  const requestGallery = keepLatest((signal) => drawGallery(find("#gallery"), session.image, signal, openKernel));
  const update = async () => {
    if (!gallery.visible || !session.image || gallery.image === session.image) return;
    gallery.image = session.image;
    try {
      await requestGallery();
      setText(find("#gallery-error"), "");
    } catch (problem) {
      gallery.image = null;
      setText(find("#gallery-error"), problem.message);
    }
  };
  session.onImage = update;
  new IntersectionObserver(([entry]) => {
    gallery.visible = entry.isIntersecting;
    update();
  }, { rootMargin: "200px" }).observe(find("#gallery"));
}
