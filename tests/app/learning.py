"""Pairs of pictures for `POST /learn`, and requests that are expected to succeed."""

from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def draw_photograph(height: int = 240, width: int = 320) -> Pixels:
    """As a photograph: falling off as 1/f, with edges and the noise of a sensor."""
    generator = np.random.default_rng(5)
    y, x = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
    falloff = 1 / np.maximum(np.hypot(y, x), 1 / width)
    planes = []
    for _ in range(3):
        spectrum = falloff * np.exp(2j * np.pi * generator.random(falloff.shape))
        plane = np.fft.irfft2(spectrum, (height, width))
        planes.append(128 + 35 * plane / plane.std())
    picture = np.stack(planes, axis=2) + generator.normal(0, 3, (height, width, 3))
    picture[height // 3 : height // 2, width // 4 : width // 2] += (60, -70, 30)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


PHOTOGRAPH = draw_photograph()


def learn(client: TestClient, before: bytes, after: bytes, **parameters: Any) -> Any:
    reply = client.post("/learn", params=parameters, files={"before": ("a", before), "after": ("b", after)})
    assert reply.status_code == 200, reply.text
    return reply.json()
