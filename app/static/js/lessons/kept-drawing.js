/** The changed drawing of a lesson. It stays in this tab when the page is loaded again. */

const formatKey = (lesson) => `convserve-drawing-${lesson}`;

/** @param {string} lesson its name @param {ImageData} field */
export function keepDrawing(lesson, { data }) {
  try {
    sessionStorage.setItem(formatKey(lesson), JSON.stringify([...data]));
  } catch {
    // the browser keeps nothing for this page, or has no room
  }
}

/** @param {string} lesson its name @param {ImageData} original of the lesson @returns {ImageData} the changed drawing, or the original if there is none */
export function loadDrawing(lesson, original) {
  try {
    const bytes = JSON.parse(sessionStorage.getItem(formatKey(lesson)) ?? "[]");
    if (bytes.length === original.data.length) return new ImageData(Uint8ClampedArray.from(bytes), original.width, original.height);
  } catch {
    // as above
  }
  return original;
}
