"""What Chromium displays."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

DRAW = """async ([data, type]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([bytes], { type }));
  try { await image.decode(); } catch { return null; }
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { colorSpace: "srgb", willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  return [canvas.width, canvas.height, btoa(Array.from(pixels, (value) => String.fromCharCode(value)).join(""))];
}"""


def draw_in_chromium(page: Page, data: bytes, media_type: str) -> NDArray[Any] | None:
    """The pixels (height, width, 4) in sRGB; None if the browser rejects the file."""
    drawn = page.evaluate(DRAW, [base64.b64encode(data).decode(), media_type])
    if drawn is None:
        return None
    width, height, pixels = drawn
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)
