import { find, setText } from "../shared/dom.js";
import { Animation } from "./bench/animation.js";
import { FilterSession } from "./filter-session.js";
import { drawImageSources } from "./image-sources.js";
import { attachLivePreview } from "./live-preview.js";
import { listenToResults } from "./result-actions.js";
import { makeSetting } from "./setting.js";
import { explainControls } from "./step-controls.js";

const MESSAGE_MS = 3000;

/** The filters view. @param {HTMLElement} root */
export async function openFilterView(root) {
  const session = new FilterSession(root);
  const animation = new Animation(root, session.bench);
  drawImageSources({
    isVisible: () => !root.hidden,
    onSample: (name) => session.chooseSample(name),
    onFile: (file, name) => session.openOwnImage(file, name),
  });
  listenToView(session);
  listenToChanges(session);
  listenToResults(session);
  attachLiveResults(session);
  session.onResult = () => session.setting.mode === "bench" && animation.introduce();
  await session.loadCatalogue();
  performance.mark("interactive");
  return session;
}

/** @param {FilterSession} session */
function listenToView(session) {
  explainControls(find("#step"));
  find("#zoom").addEventListener("change", (event) => session.apply(() => { session.setting.zoom = event.target.value; }, "view"));
  find("#show-bench").addEventListener("click", () => session.setMode("bench"));
  find("#show-image").addEventListener("click", () => session.setMode("image"));
  const tabs = [...session.root.querySelectorAll("[data-tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => {
      session.root.dataset.panel = /** @type {HTMLElement} */ (tab).dataset.tab;
      for (const other of tabs) other.setAttribute("aria-pressed", String(other === tab));
    });
  }
}

/** @param {FilterSession} session */
function listenToChanges(session) {
  session.history.onChange = () => {
    find("#undo").disabled = !session.history.canUndo;
    find("#redo").disabled = !session.history.canRedo;
  };
  find("#undo").addEventListener("click", () => session.moveInHistory(-1));
  find("#redo").addEventListener("click", () => session.moveInHistory(1));
  find("#reset").addEventListener("click", () => {
    session.history.note("content");
    session.show({ ...makeSetting(), image: session.setting.image, mode: session.setting.mode });
  });
  find("#copy-link").addEventListener("click", () => copyLink(session));
  find("#add-step").addEventListener("click", () => session.apply(() => {
    session.setting.steps.push({ kernel: "blur" });
    session.setting.active = session.setting.steps.length - 1;
  }, "chain"));
}

/** Browsers allow access to the clipboard only over HTTPS and on localhost. Otherwise the address bar has the link. @param {FilterSession} session */
async function copyLink(session) {
  session.history.settle();
  const button = find("#copy-link");
  try {
    await navigator.clipboard.writeText(location.href);
    setText(button, "Link copied");
  } catch {
    setText(button, "Copy it from the address bar");
  }
  setTimeout(() => setText(button, "Copy link"), MESSAGE_MS);
}

/** Results that the browser computes itself, and the frames of a camera or video, which the whole image shows. @param {FilterSession} session */
function attachLiveResults(session) {
  session.live = attachLivePreview(find(".sources", session.root), find("#live-status", session.root), {
    readSetting: () => session.setting,
    readImage: () => session.image,
    readArea: () => session.area.describe(),
    isVisible: () => !session.root.hidden,
    showBefore: (pixels) => session.slider.showBefore(pixels),
    showAfter: (pixels, placement) => session.slider.showAfter(pixels, placement),
    openFrame: (file, name) => session.openOwnImage(file, name, session.setting.area), // as it was shown
    onStart: () => {
      session.showProblem(null); // of the image
      session.setMode("image");
    },
    onStop: () => session.image && session.useImage(session.image),
  });
}
