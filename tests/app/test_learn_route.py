"""`POST /learn`: the kernel between two pictures, and the word that there is none."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

from tests.app.pictures import encode


def draw_texture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Like a photograph: noise of every wavelength, in the middle of the range."""
    generator = np.random.default_rng(3)
    planes = [ndimage.gaussian_filter(generator.normal(size=(96, 120, 3)), (s, s, 0)) * s for s in (0.6, 2, 6)]
    total = sum(planes)
    return np.clip(128 + 30 * total / np.std(total), 0, 255).astype(np.uint8)


TEXTURE = draw_texture()


def learn(client: TestClient, before: bytes, after: bytes, **parameters: Any) -> Any:
    files = {"before": ("a.png", before), "after": ("b.png", after)}
    reply = client.post("/learn", params=parameters, files=files)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("kernel", ["sharpen", "blur", "emboss", "box"])
def test_a_kernel_of_the_catalogue_is_learnt_from_its_own_result(client: TestClient, kernel: str) -> None:
    before = encode(TEXTURE)
    described = client.get(f"/kernels/{kernel}").json()
    after = client.post(f"/filter/{kernel}?format=png", files={"file": before}).content
    lesson = learn(client, before, after, size=len(described["weights"][0]) if described["weights"] else 3)
    assert (lesson["is_convolution"], lesson["shared"]) == (True, True)
    (learned,) = lesson["kernels"]
    wanted = np.array(described["weights"][0] if np.ndim(described["weights"]) == 3 else described["weights"])
    np.testing.assert_allclose(learned["weights"], wanted / described["divisor"], atol=2e-3)
    again = client.post(learned["request"] + "&format=png", files={"file": before}).content
    difference = np.asarray(Image.open(io.BytesIO(again)), int) - np.asarray(Image.open(io.BytesIO(after)), int)
    assert np.abs(difference).max() <= 1


def test_the_filter_of_another_library_is_learnt_from_a_jpeg(client: TestClient) -> None:
    blurred = cv2.GaussianBlur(TEXTURE, (5, 5), 1.2)
    buffer = io.BytesIO()
    Image.fromarray(blurred).save(buffer, "JPEG", quality=90, subsampling=0)
    lesson = learn(client, encode(TEXTURE), buffer.getvalue(), size=5)
    assert lesson["is_convolution"]
    assert min(one["psnr_db"] for one in lesson["kernels"]) > 35


def test_identical_pictures_are_the_identity(client: TestClient) -> None:
    lesson = learn(client, encode(TEXTURE), encode(TEXTURE))
    assert lesson["is_convolution"]
    assert "identical" in lesson["reason"]
    np.testing.assert_allclose(lesson["kernels"][0]["weights"], [[0, 0, 0], [0, 1, 0], [0, 0, 0]], atol=1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image: image.filter(ImageFilter.MedianFilter(3)), "median"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_180), "turned or mirrored"),
        (lambda image: image.point(lambda value: round(255 * (value / 255) ** 0.4)), "curve"),
        (ImageOps.equalize, "curve"),
    ],
)
def test_what_is_no_convolution_is_told_apart(client: TestClient, change: Any, said: str) -> None:
    after = np.asarray(change(Image.fromarray(TEXTURE)))
    lesson = learn(client, encode(TEXTURE), encode(after))
    assert not lesson["is_convolution"]
    assert said in lesson["reason"]


@pytest.mark.parametrize(
    ("before", "after", "size", "said"),
    [
        (TEXTURE, TEXTURE[:50], 3, "differ in size"),
        (np.full((40, 40, 3), 7, np.uint8), np.full((40, 40, 3), 9, np.uint8), 3, ""),
        (TEXTURE[:5, :5], TEXTURE[:5, :5], 9, ""),
        (TEXTURE, TEXTURE, 32, "size"),
    ],
)
def test_what_cannot_be_learnt_is_said(client: TestClient, before: Any, after: Any, size: int, said: str) -> None:
    files = {"before": ("a.png", encode(before)), "after": ("b.png", encode(after))}
    reply = client.post("/learn", params={"size": size}, files=files)
    assert reply.status_code == 422, reply.text
    assert said in reply.json()["detail"]


def test_both_pictures_are_needed(client: TestClient) -> None:
    reply = client.post("/learn", files={"before": ("a.png", encode(TEXTURE))})
    assert reply.status_code == 422
    assert "after: Field required" in reply.json()["detail"]
