"""Requests of `POST /filter` that are expected to succeed, and the expected results by SciPy."""

import numpy as np
from fastapi.testclient import TestClient
from scipy import ndimage

from tests.support.images import Pixels, draw_noise

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
EDGE = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
BLUR = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
PHOTO = draw_noise(12, 17)


def correlate(pixels: Pixels, weights: Pixels, mode: str = "nearest") -> Pixels:
    """Each channel on its own, in float64, unrounded."""
    planes = pixels.astype(np.float64)
    return np.dstack([ndimage.correlate(planes[..., c], weights.astype(float), mode=mode) for c in range(3)])


def round_and_clip(values: Pixels) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def filter_bytes(client: TestClient, image: bytes, kernel: str = "identity", **query: str) -> bytes:
    """The body of the response to the image as a raw body."""
    response = client.post(f"/filter/{kernel}", params=query, content=image, headers={"Content-Type": "image/png"})
    assert response.status_code == 200, response.text
    return response.content
