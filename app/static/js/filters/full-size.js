import { find, make, setText } from "../shared/dom.js";
import { requestFilter } from "./filter-request.js";

let url = "";
/** Counts the changes of image and steps: a result that comes after a change is not offered. */
let version = 0;

/**
 * Filters the original file and offers the result as a download.
 * @param {import("../shared/image.js").Image} image @param {import("./filter-request.js").Filtering} filtering @param {AbortSignal} signal
 */
export async function filterFullSize(image, filtering, signal) {
  const format = find("#full-format").value;
  const [result, error] = [find("#full-result"), find("#full-error")];
  setText(error, "");
  setText(result, "Filtering …");
  const requested = version;
  try {
    const reply = await requestFilter(filtering, [image.original, image.name], { query: format ? { format } : {}, accept: "*/*", signal });
    const blob = await reply.blob();
    if (version !== requested) return;
    const name = /filename="([^"]*)"/.exec(reply.headers.get("Content-Disposition") ?? "")?.[1] ?? "result";
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(blob);
    result.replaceChildren(make("a", { href: url, download: name, id: "full-link" }, name),
      ` ${reply.headers.get("X-Result-Width")} × ${reply.headers.get("X-Result-Height")}, ${Math.ceil(blob.size / 1000)} kB`);
  } catch (problem) {
    if (problem.name === "AbortError" || version !== requested) return;
    setText(result, "");
    setText(error, problem.message);
  }
}

/** Removes the link to a result, after the image or the steps have changed. */
export function clearFullSize() {
  version += 1;
  URL.revokeObjectURL(url);
  url = "";
  for (const selector of ["#full-result", "#full-error"]) find(selector).replaceChildren();
}
