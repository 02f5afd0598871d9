/** The page's address: `#view/path?query`. Each view defines its own path and query. */

/** @param {string} hash @returns {{view: string, path: string, query: URLSearchParams}} */
export function parseAddress(hash) {
  const [location, search = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const [view, ...path] = location.split("/");
  return { view, path: decodeURIComponent(path.join("/")), query: new URLSearchParams(search) };
}
