import { Problem, readBody } from "../shared/api.js";

/**
 * The server-sent events of a reply, as they arrive. An event `problem` is thrown.
 * @param {Response} response
 * @returns {AsyncGenerator<{name: string, data: any}>}
 */
export async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await readBody(() => reader.read());
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event.name === "problem") throw new Problem(event.data.status, event.data);
      yield event;
    }
  }
}

function parseEvent(block) {
  const lines = block.split("\n");
  const readField = (field) => lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).trim()).join("\n");
  return { name: readField("event"), data: JSON.parse(readField("data") || "null") };
}
