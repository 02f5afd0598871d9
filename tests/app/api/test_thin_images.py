"""Images one pixel wide or high, and images of a few pixels, on every route that takes an image.

`THIN_IMAGES=20000 pytest tests/app/api/test_thin_images.py` sends more of them.
"""

import os

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.images import write_png
from tests.support.paths import DATA
from tests.support.problems import raw_body

ROUTES = (
    "/classify",
    "/classify?preview=true",
    "/classify/explain",
    "/classify/explain?format=json",
    "/read",
    "/filter/edge",
    "/filter/gaussian,emboss?border=reflect&stride=2",
    "/filter/box?border=valid",
    "/filter/unsharp?channels=luma&explain=json",
    "/filter/log?response=rescale&linear=true",
    '/filter?operations=["sharpen"]',
    "/gallery?kernels=blur,edge&side=16",
)
TIMES = int(os.environ.get("THIN_IMAGES", "150"))


def make_image(random: np.random.Generator) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Grey, grey with alpha, RGB or RGBA of 8 or 16 bits: 1×N, N×1, or 1×1 to 3×3. Ink, noise or one value."""
    long = int(random.integers(1, 80))
    shape = [(1, long), (long, 1), tuple(int(side) for side in random.integers(1, 4, 2))][random.integers(3)]
    channels = int(random.integers(1, 5))
    kind = np.uint8 if random.random() < 0.5 else np.uint16
    maximum = np.iinfo(kind).max
    if random.random() < 0.4:
        return random.integers(0, maximum, (*shape, channels), kind, endpoint=True)
    flat, ink = random.integers(0, maximum, (2, channels), kind, endpoint=True)
    pixels = np.broadcast_to(flat, (*shape, channels)).copy()
    pixels[random.random(shape) < random.choice([0, 0.02, 0.2, 0.5])] = ink
    if random.random() < 0.3:
        pixels[tuple(int(random.integers(side)) for side in shape)] = ink  # a single pixel of ink
    return pixels


def test_every_route_answers_thin_and_tiny_images(client: httpx2.Client) -> None:
    random = np.random.default_rng(17)
    answered = dict.fromkeys([*ROUTES, "/learn"], 0)
    for _ in range(TIMES):
        image = make_image(random)
        body = write_png(image)
        route = str(random.choice(list(answered)))
        if route == "/learn":
            other = write_png(make_image(random) if random.random() < 0.5 else image)
            reply = client.post(route, files={"before": body, "after": other})
        else:
            reply = client.post(route, **raw_body(body))
        answered[route] += reply.status_code == 200
        # 422: for example a blank image has nothing to explain, and a kernel may be larger than an image.
        assert reply.status_code in (200, 422), (route, image.shape, image.dtype, image.tolist(), reply.text)
    answered.pop("/learn")
    answered.pop("/filter/box?border=valid")
    assert all(answered.values()), f"a route that rejects every image shows nothing: {answered}"


@pytest.mark.parametrize("route", ["/classify", "/read", "/classify/explain"])
def test_a_column_of_six_pixels_is_read(client: httpx2.Client, route: str) -> None:
    """One of its pixels is ink, and a single point has no covariance. The file comes from a public collection."""
    assert client.post(route, **raw_body((DATA / "thin_1x6.png").read_bytes())).status_code in (200, 422)
