"""A picture drawn here: for previews, for the page, and to try the service with nothing at hand."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def draw_sample(width: int = 192, height: int = 144) -> NDArray[np.uint8]:
    """A house under a sun beside a fence and a word: flat areas, slopes, fine stripes. (height, width, 3) uint8."""
    scale = 4  # drawn large and reduced, so that edges are smooth
    w, h = width * scale, height * scale
    sky = np.linspace([92, 148, 222], [226, 236, 246], h).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(sky[:, None], (h, w, 3)).copy())
    draw = ImageDraw.Draw(image)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * w, y * h

    draw.ellipse((*at(0.72, 0.08), at(0.72, 0)[0] + 0.22 * h, 0.3 * h), fill=(250, 208, 62))
    draw.polygon([at(0, 0.72), at(0.3, 0.45), at(0.62, 0.74), at(0, 1)], fill=(88, 122, 96))
    draw.rectangle((*at(0, 0.72), *at(1, 1)), fill=(112, 158, 78))
    draw.rectangle((*at(0.16, 0.48), *at(0.46, 0.86)), fill=(236, 222, 196))
    draw.polygon([at(0.11, 0.5), at(0.31, 0.26), at(0.51, 0.5)], fill=(168, 58, 46))
    draw.rectangle((*at(0.21, 0.56), *at(0.29, 0.68)), fill=(56, 84, 120))
    draw.rectangle((*at(0.34, 0.6), *at(0.42, 0.86)), fill=(104, 70, 44))
    for post in range(14):
        x = 0.56 + 0.03 * post
        draw.rectangle((*at(x, 0.64 + 0.004 * post), *at(x + 0.014, 0.9)), fill=(244, 244, 238))
    draw.text(at(0.56, 0.42), "conv2d", font=ImageFont.load_default(0.14 * h), fill=(34, 40, 52))
    return np.asarray(image.reduce(scale))
