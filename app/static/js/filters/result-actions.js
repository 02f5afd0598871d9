/** What can be done with a result beyond looking at it: full size, one kernel for a chain, the gallery. */

import { find, setText } from "../shared/dom.js";
import { loadOnDemand } from "../shared/load-on-demand.js";
import { keepLatest } from "../shared/scheduling.js";
import { filterFullSize } from "./full-size.js";

const loadComposedKernel = loadOnDemand((retry) => import(`./composed-kernel.js${retry}`));
const loadGallery = loadOnDemand((retry) => import(`./gallery.js${retry}`));

/** @param {import("./filter-session.js").FilterSession} session */
export function listenToResults(session) {
  const run = (task) => () => task().catch((problem) => session.showProblem(problem));
  const filterOriginal = keepLatest((signal) => filterFullSize(session.image, { ...session.setting, area: session.area.describeOriginal() }, signal));
  find("#full").addEventListener("click", run(filterOriginal));
  find("#compose").addEventListener("click", run(keepLatest(async (signal) => {
    const { drawComposedKernel } = await loadComposedKernel();
    await drawComposedKernel(find("#composed-kernel"), session.image, session.setting, signal);
  })));
  find("#to-download").addEventListener("click", run(async () => {
    find("#full").scrollIntoView({ block: "center" }); // its format can be changed there, and errors are shown
    await filterOriginal();
    document.getElementById("full-link")?.click();
  }));
  const gallery = { visible: false, image: null };
  const openKernel = (kernel) => {
    session.apply(() => { session.setting.steps[session.setting.active] = { kernel }; }, "chain");
    scrollTo({ top: 0 });
    find("#set-kernel").focus({ preventScroll: true });
  };
  const requestGallery = keepLatest(async (signal) => {
    const { drawGallery } = await loadGallery();
    await drawGallery(find("#gallery"), session.image, signal, openKernel);
  });
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
