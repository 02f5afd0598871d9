/** Uses the client that openapi-typescript and openapi-fetch make from the OpenAPI document: URL PHOTO DIGIT DIGIT. */
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [url, photo, ...digits] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url });

/** A form for a multipart body. The generated type has strings where the form has files. */
function makeForm(files: string[]): FormData {
  const form = new FormData();
  for (const file of files) form.append("file", new Blob([readFileSync(file)], { type: "image/png" }), "image.png");
  return form;
}

function filterPhoto(kernel: string) {
  return client.POST("/filter/{kernel}", {
    params: { path: { kernel }, query: { border: "reflect" } },
    body: { file: photo },
    bodySerializer: () => makeForm([photo]),
    parseAs: "arrayBuffer",
  });
}

const filtered = await filterPhoto("sharpen");
if (!filtered.data) throw new Error(JSON.stringify(filtered.error));

const unknown = await filterPhoto("no-such-kernel");
const problem: components["schemas"]["Problem"] | undefined = unknown.error;

const classified = await client.POST("/classify", { body: { file: digits }, bodySerializer: () => makeForm(digits) });
if (!Array.isArray(classified.data)) throw new Error(JSON.stringify(classified.error));

console.log(
  JSON.stringify({
    filtered: Buffer.from(filtered.data).toString("base64"),
    problem,
    digits: classified.data.map((one) => ("digit" in one ? { digit: one.digit } : { error: one.error.detail })),
  }),
);
