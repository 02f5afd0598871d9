/** Requests to this service in curl, Python and JavaScript. */

import { describeRequest } from "./filter-request.js";

function describe({ setting, image }) {
  const { path, query: { operations, ...query } } = describeRequest(setting);
  const search = new URLSearchParams(query).toString().replaceAll("%2C", ",").replaceAll("%3B", ";");
  const address = location.origin + path;
  return { url: address + (search && `?${search}`), address, query, operations, name: image.name, mask: setting.area?.mask?.[1] };
}

export const quoteForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function writeCurl(input) {
  const { url, operations, name, mask } = describe(input);
  const fields = [...(mask ? [`mask=@${quoteForShell(mask)}`] : []), ...(operations ? [`operations=${quoteForShell(operations)}`] : [])];
  const header = /\.png$/i.test(name) ? "" : " -H 'Accept: image/png'";
  return { code: `curl -F file=@${quoteForShell(name)}${fields.map((field) => ` \\\n  -F ${field}`).join("")} \\\n  ${quoteForShell(url)} -o result.png${header}` };
}

export function writeHttpx(input) {
  const { address, query, operations, name, mask } = describe(input);
  const toPython = (value) => JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  const lines = [
    ...(Object.keys(query).length ? [`        params=${toPython(query)},`] : []),
    ...(operations ? [`        data={"operations": ${JSON.stringify(operations)}},`] : []),
  ];
  return { code: `import httpx

with open(${JSON.stringify(name)}, "rb") as image${mask ? `, open(${JSON.stringify(mask)}, "rb") as mask` : ""}:
    reply = httpx.post(
        ${JSON.stringify(address)},
        files={"file": image${mask ? ', "mask": mask' : ""}},
${lines.map((line) => `${line}\n`).join("")}        headers={"Accept": "image/png"},
    )
if reply.is_error:
    raise SystemExit(reply.json()["detail"])
with open("result.png", "wb") as result:
    result.write(reply.content)
` };
}

export function writeFetch(input) {
  const { url, operations, mask } = describe(input);
  return { code: `const form = new FormData();
form.set("file", file); // a File or Blob
${mask ? 'form.set("mask", mask); // a File or Blob\n' : ""}${operations ? `form.set("operations", ${JSON.stringify(operations)});\n` : ""}const reply = await fetch(${JSON.stringify(url)}, {
  method: "POST", body: form, headers: { Accept: "image/png" },
});
if (!reply.ok) throw new Error((await reply.json()).detail);
const image = await reply.blob();
` };
}
