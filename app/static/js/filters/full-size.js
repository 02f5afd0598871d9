import { ask } from "../shared/api.js";
import { describeRequest } from "./setting.js";
import { find, make, say } from "../shared/dom.js";

let url = "";

/** The original file under the setting, as a file to keep. @param {import("../shared/image.js").Image} image */
export async function makeFullSize(image, setting, signal) {
  const { path, query: { operations, ...query } } = describeRequest(setting);
  const format = find("#full-format").value;
  const [result, error] = [find("#full-result"), find("#full-error")];
  say(error, "");
  say(result, "Working …");
  try {
    const form = { file: [image.original, image.name], ...(operations ? { operations } : {}) };
    const reply = await ask(path, { query: format ? { ...query, format } : query, form, accept: "*/*", signal });
    const blob = await reply.blob();
    const name = /filename="([^"]*)"/.exec(reply.headers.get("Content-Disposition") ?? "")?.[1] ?? "result";
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(blob);
    result.replaceChildren(make("a", { href: url, download: name, id: "full-link" }, name),
      ` ${reply.headers.get("X-Result-Width")} × ${reply.headers.get("X-Result-Height")}, ${Math.ceil(blob.size / 1000)} kB`);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    say(result, "");
    say(error, problem.message);
  }
}
