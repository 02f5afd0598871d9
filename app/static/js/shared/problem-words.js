/** What a problem document of the service means for the user of the page, who is not its operator. */

/** Sentences in place of those for operators, by problem type. */
const SENTENCES = {
  overloaded: "The service is busy with other images.",
  "too-many-connections": "The service is busy with other visitors.",
  "no-files-left": "The service is busy with other visitors.",
  "too-much-held": "The connection is too slow for the service while it is busy.",
  "slow-client": "The connection is too slow: the file did not arrive in time.",
  "worker-lost": "The service failed while it processed this image. Your image and settings are kept.",
  "no-room": "The service has no room left for this file.",
};
const NO_WORDS = "The service could not process the request. Your image and settings are kept.";

/** @param {{type?: string, title?: string, detail?: string}} problem @returns {string} */
export function describeProblem({ type, title, detail }) {
  return SENTENCES[/#(.+)/.exec(type ?? "")?.[1]] ?? leaveOutSettings(detail || title || NO_WORDS);
}

/** Text without names of settings, with sizes in units for people. What is in quotes is the user's own and stays. */
export function leaveOutSettings(text) {
  return text
    .replace("The request body has", "The file has")
    .replace(/\b(\d+)( bytes\b| \(CONVSERVE_\w*BYTES\))/g, (_, bytes) => formatBytes(Number(bytes)))
    .replace(/ \(CONVSERVE_\w+(?: and CONVSERVE_\w+)*\)/g, "")
    .replace(/CONVSERVE_\w+; /g, "")
    .replace(/'[^']*'|(?<![\d.])\d{5,}(?!\.?\d)/g, (found) => (found.startsWith("'") ? found : Number(found).toLocaleString("en")));
}

const UNITS = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

/** @param {number} bytes @returns {string} with two to three significant digits, such as `3.2 MB` */
function formatBytes(bytes) {
  const [size, unit] = UNITS.find(([unitSize]) => bytes >= unitSize) ?? [1, "bytes"];
  return `${Number((bytes / Number(size)).toPrecision(bytes >= 100 * Number(size) ? 3 : 2))} ${unit}`;
}
