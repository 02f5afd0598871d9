/** The page's address: `#view/path?query`. Each view defines its own path and query. */

/** @param {string} hash @returns {{view: string, path: string, query: URLSearchParams}} */
export function parseAddress(hash) {
  const [location, search = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const [view, ...path] = location.split("/");
  return { view, path: decode(path.join("/")), query: new URLSearchParams(search) };
}

/** A `%` that begins no valid sequence stays as it is. */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Where a link leads, given the addresses at which the views were left. A link to a view alone returns to where it was
 * left. A link to a filter without an image keeps the user's image.
 * @param {string} hash of the link @param {Record<string, string>} left the last address of each view that was left
 */
export function resolveLink(hash, left) {
  const { view, path, query } = parseAddress(hash);
  if (!left[view]) return hash;
  if (!path && !query.size) return left[view];
  const image = parseAddress(left[view]).query.get("image");
  if (view !== "filter" || !image || query.has("image")) return hash;
  return `${hash}${query.size ? "&" : "?"}${new URLSearchParams({ image })}`;
}
