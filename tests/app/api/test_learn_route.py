"""`POST /learn`: the kernel between two images, images without one, and bad input."""

from collections.abc import Iterator
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

from app.settings import Settings
from kernels.catalogue import ENTRIES
from tests.conftest import connect
from tests.support.images import Pixels, decode, encode
from tests.support.learning import PHOTOGRAPH, learn
from tests.support.paths import SHARED

BEFORE = encode(PHOTOGRAPH)


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    """With limits that suffice on a busy machine."""
    settings = Settings(workers=1, deadline_seconds=250, max_wait_seconds=250)
    yield from connect(request.config.getoption("at"), settings)


NAMES = ["identity", "box", "gaussian", "sharpen", "unsharp", "emboss", "edge", "left-sobel", "top-scharr", "laplacian"]
"""Smooth, sharp, one-sided, and with different sums. tests/kernels/learn/test_learn.py has all kernels."""
KERNELS = [entry.make_kernel() for entry in ENTRIES if entry.name in NAMES]


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_kernels_are_learned_from_their_results(client: httpx2.Client, kernel: Any) -> None:
    """From the default result, which has absolute values for edge kernels."""
    after = client.post(f"/filter/{kernel.name}?format=png", files={"file": BEFORE}).content
    result = learn(client, BEFORE, after, size=max(kernel.shape))
    assert (result["is_convolution"], result["shared"]) == (True, True), result["reason"]
    (learned,) = result["kernels"]
    wanted = kernel.weights / kernel.divisor
    found = np.array(learned["weights"])
    sign = -1 if result["response"] == "abs" and (found * wanted).sum() < 0 else 1
    np.testing.assert_allclose(sign * found, wanted, atol=1e-3 * max(1, np.abs(wanted).max()))
    assert learned["residual"] < 0.5
    assert learned["r_squared"] > 0.99
    named = next(entry for entry in ENTRIES if entry.name == learned["nearest"]["name"]).make_kernel().weights
    if not learned["nearest"]["parameters"]:
        assert (
            np.abs(named / np.abs(named).max() - kernel.weights / np.abs(kernel.weights).max()).max() < 0.01 or sign < 0
        )
    again = decode(client.post(result["request"] + "&format=png", files={"file": BEFORE}).content)
    assert np.abs(again.astype(int) - decode(after)).max() <= 1


def test_the_bias_of_16_bit_images_is_in_their_units(client: httpx2.Client) -> None:
    before = (PHOTOGRAPH[:96, :96, 0].astype(np.uint16) * 150 + 3000).clip(0, 60_000)  # even
    after = encode(before // 2 + 9000)
    result = learn(client, encode(before), after, size=1)
    assert "bias=9000" in result["request"]
    again = decode(client.post(result["request"] + "&format=png", files={"file": encode(before)}).content)
    assert again.dtype == np.uint16
    assert np.abs(again.astype(int) - decode(after)).max() <= 1


PHOTO = SHARED / "data/images/photos/kodak_dx4900.jpg"


@pytest.mark.skipif(not PHOTO.exists(), reason="needs ../shared: a photograph that may not be committed")
@pytest.mark.parametrize("name", ["blur", "emboss", "top-scharr", "disk"])
def test_kernels_are_learned_from_a_photograph(client: httpx2.Client, name: str) -> None:
    before = encode(Image.open(PHOTO).convert("RGB").crop((300, 200, 940, 680)))
    after = client.post(f"/filter/{name}?format=png", files={"file": before}).content
    kernel = next(entry for entry in ENTRIES if entry.name == name).make_kernel()
    (learned,) = learn(client, before, after, size=max(kernel.shape))["kernels"]
    wanted, found = kernel.weights / kernel.divisor, np.array(learned["weights"])
    sign = np.sign((found * wanted).sum())
    np.testing.assert_allclose(sign * found, wanted, atol=1e-3)


def test_fractions_are_recognised(client: httpx2.Client) -> None:
    after = client.post("/filter/blur?format=png", files={"file": BEFORE}).content
    result = learn(client, BEFORE, after, size=5)
    fractions = result["kernels"][0]["fractions"]
    assert fractions["divisor"] == 16
    np.testing.assert_array_equal(fractions["numerators"], np.pad([[1, 2, 1], [2, 4, 2], [1, 2, 1]], 1))
    assert fractions["weights"][1][1:4] == ["1/16", "1/8", "1/16"]
    assert result["kernels"][0]["nearest"]["name"] == "blur"
    assert "divisor=16" in result["request"]
    assert result["kernels"][0]["rank"] == 1
    box = encode(cv2.blur(PHOTOGRAPH, (3, 3)))
    assert learn(client, BEFORE, box, size=3)["kernels"][0]["fractions"]["weights"] == [["1/9"] * 3] * 3
    odd = client.post("/filter/gaussian?sigma=0.83&size=3&format=png", files={"file": BEFORE}).content
    assert learn(client, BEFORE, odd, size=3)["kernels"][0]["fractions"] is None


@pytest.mark.parametrize(
    ("apply", "size", "nearest"),
    [
        (lambda x: cv2.GaussianBlur(x, (7, 7), 1.5), 7, "gaussian"),
        (lambda x: cv2.filter2D(x, -1, np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])), 3, "sharpen"),
        (lambda x: np.asarray(Image.fromarray(x).filter(ImageFilter.BLUR)), 5, None),
        (lambda x: np.asarray(Image.fromarray(x).filter(ImageFilter.EMBOSS)), 3, None),
        (lambda x: ndimage.uniform_filter(x, (5, 5, 1)), 5, "box"),
        (lambda x: ndimage.gaussian_filter(x, (1, 1, 0), truncate=3), 7, "gaussian"),
    ],
    ids=["opencv gaussian", "opencv filter2D", "pillow blur", "pillow emboss", "scipy uniform", "scipy gaussian"],
)
def test_filters_of_other_libraries_are_learned(
    client: httpx2.Client, apply: Any, size: int, nearest: str | None
) -> None:
    result = learn(client, BEFORE, encode(np.asarray(apply(PHOTOGRAPH))), size=size)
    assert result["is_convolution"], result["reason"]
    (learned,) = result["kernels"]
    assert learned["psnr_db"] > 45
    if nearest:
        assert learned["nearest"]["name"] == nearest


@pytest.mark.parametrize("kernel", ["blur", "box", "sharpen", "emboss", "edge", "top-sobel", "laplacian"])
def test_kernels_are_learned_from_jpegs(client: httpx2.Client, kernel: str) -> None:
    """Edge kernels with response=offset. The loss of the JPEG itself limits the accuracy."""
    entry = next(entry for entry in ENTRIES if entry.name == kernel).make_kernel()
    parameters = {"format": "png", "response": "offset" if entry.sum == 0 else "clip"}
    exact = decode(client.post(f"/filter/{kernel}", params=parameters, files={"file": BEFORE}).content)
    jpeg = encode(exact, "JPEG", quality=90, subsampling=0)
    lost_db = measure_psnr(decode(jpeg), exact)
    result = learn(client, BEFORE, jpeg, size=max(entry.shape))
    again = client.post(result["kernels"][0]["request"] + "&format=png", files={"file": BEFORE}).content
    assert measure_psnr(decode(again), exact) > max(35, lost_db)
    assert result["is_convolution"] or lost_db < 35, result["reason"]


def measure_psnr(first: Pixels, second: Pixels) -> float:
    return float(20 * np.log10(255 / max(np.sqrt(np.mean((first.astype(float) - second) ** 2)), 1e-9)))


def test_chroma_subsampling_does_not_hide_the_kernel(client: httpx2.Client) -> None:
    colourful = np.clip(PHOTOGRAPH + np.random.default_rng(1).normal(0, 25, PHOTOGRAPH.shape), 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(colourful, (3, 3), 0.8)
    result = learn(client, encode(colourful), encode(blurred, "JPEG", quality=92, subsampling=2), size=3)
    assert result["is_convolution"], result["reason"]
    assert "brightness" in result["reason"]
    one = cv2.getGaussianKernel(3, 0.8)
    np.testing.assert_allclose(result["kernels"][0]["weights"], one @ one.T, atol=0.03)


def test_identical_images_give_the_identity(client: httpx2.Client) -> None:
    for image in (PHOTOGRAPH, np.where(PHOTOGRAPH > 128, 255, 0).astype(np.uint8)):  # also with clipped values only
        result = learn(client, encode(image), encode(image))
        assert result["is_convolution"]
        assert "identical" in result["reason"]
        assert result["kernels"][0]["weights"] == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
        assert result["kernels"][0]["nearest"]["name"] == "identity"


def test_sharing_a_kernel_between_channels_is_detected_or_set(client: httpx2.Client) -> None:
    mixed = PHOTOGRAPH.copy()
    mixed[:, :, 1] = cv2.blur(PHOTOGRAPH[:, :, 1], (3, 3))
    result = learn(client, BEFORE, encode(mixed))
    assert not result["shared"]
    assert [one["channels"] for one in result["kernels"]] == ["r", "g", "b"]
    assert result["kernels"][1]["fractions"]["weights"] == [["1/9"] * 3] * 3
    again = decode(client.post(result["request"] + "&format=png", files={"file": BEFORE}).content)
    inside = np.s_[1:-1, 1:-1]
    np.testing.assert_array_equal(again[inside], mixed[inside])
    assert "Each channel" in " ".join(result["notes"])
    assert learn(client, BEFORE, encode(mixed), shared="true")["kernels"][0]["residual"] > 1
    blurred = encode(cv2.blur(PHOTOGRAPH, (3, 3)))
    assert learn(client, BEFORE, blurred)["shared"]
    assert not learn(client, BEFORE, blurred, shared="false")["shared"]


SMOOTH = cv2.GaussianBlur(PHOTOGRAPH, (0, 0), 4)
"""An image on which a median and a small blur are nearly equal."""


@pytest.mark.parametrize("image", [PHOTOGRAPH, SMOOTH], ids=["photograph", "smooth"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda image: image.filter(ImageFilter.MedianFilter(3)), "median of 3×3"),
        (lambda image: image.filter(ImageFilter.MedianFilter(5)), "median of 5×5"),
        (lambda image: image.filter(ImageFilter.MaxFilter(3)), "largest value of 3×3"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_180), "turned or mirrored"),
        (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "turned or mirrored"),
        (lambda image: image.rotate(7, Image.Resampling.BICUBIC), "No kernel of 3×3"),
        (lambda image: image.point(lambda value: round(255 * (value / 255) ** 0.4)), "curve"),
        (ImageOps.equalize, "curve"),
    ],
    ids=["median 3", "median 5", "largest", "half turn", "mirror", "turn by 7°", "gamma", "equalised"],
)
def test_other_operations_are_not_convolutions(client: httpx2.Client, image: Pixels, change: Any, reason: str) -> None:
    result = learn(client, encode(image), encode(np.asarray(change(Image.fromarray(image)))))
    assert not result["is_convolution"]
    assert reason in result["reason"]
    assert result["request"] is None


def test_median_is_recognised_in_a_jpeg(client: httpx2.Client) -> None:
    noisy = np.clip(PHOTOGRAPH + np.random.default_rng(4).normal(0, 20, PHOTOGRAPH.shape), 0, 255).astype(np.uint8)
    median = encode(cv2.medianBlur(noisy, 3), "JPEG", quality=92, subsampling=0)
    result = learn(client, encode(noisy), median)
    assert not result["is_convolution"]
    assert "median of 3×3" in result["reason"]


def test_magnitude_of_two_kernels_is_recognised(client: httpx2.Client) -> None:
    after = client.post("/filter/sobel?format=png", files={"file": BEFORE}).content
    result = learn(client, BEFORE, after)
    assert not result["is_convolution"]
    assert "magnitude of 2 kernels" in result["reason"]
    assert result["request"] == "/filter/sobel"


def test_linear_tone_curve_is_a_kernel_of_one_weight(client: httpx2.Client) -> None:
    darker = np.clip(np.rint(PHOTOGRAPH * 0.75 + 20), 0, 255).astype(np.uint8)
    result = learn(client, BEFORE, encode(darker), size=1)
    assert result["is_convolution"], result["reason"]
    assert result["kernels"][0]["fractions"]["weights"] == [["3/4"]]
    assert result["kernels"][0]["bias"] == pytest.approx(20, abs=0.1)


def test_large_image_is_sampled_and_a_note_says_so(client: httpx2.Client) -> None:
    large = np.tile(PHOTOGRAPH, (6, 6, 1))
    result = learn(client, encode(large), encode(cv2.blur(large, (3, 3))))
    values = (large.shape[0] - 2) * (large.shape[1] - 2) * 3
    (note,) = [note for note in result["notes"] if note.startswith("Used ")]
    samples = result["kernels"][0]["samples"]
    assert samples < values
    assert note.startswith(f"Used {samples} of {values} values of the result")
    assert result["kernels"][0]["ridge"] > 0


EVEN = np.full((40, 40, 3), 7, np.uint8)


@pytest.mark.parametrize(
    ("before", "after", "query", "message"),
    [
        (PHOTOGRAPH, PHOTOGRAPH[:50], {}, "before is 320×240, after is 320×50"),
        (EVEN, EVEN + 2, {}, "The image 'before' is one uniform colour: every kernel of the same sum"),
        (EVEN, EVEN, {}, "The image 'before' is one uniform colour"),
        (PHOTOGRAPH[:40, :40], EVEN, {}, "The image 'after' is one uniform colour"),
        (PHOTOGRAPH[:5, :5], PHOTOGRAPH[5:10, :5], {"size": 9}, "5×5 pixels, smaller than the kernel of 9×9"),
        (PHOTOGRAPH[:9, :9], PHOTOGRAPH[9:18, :9], {"size": 9}, "Only 1 values of the image after"),
        (PHOTOGRAPH, PHOTOGRAPH, {"size": 32}, "size: Input should be less than or equal to 31; it is '32'"),
        (PHOTOGRAPH, PHOTOGRAPH, {"shared": "maybe"}, "shared: Input should be 'auto', 'true' or 'false'"),
        (PHOTOGRAPH, PHOTOGRAPH, {"sice": 3}, "did you mean 'size'?"),
    ],
)
def test_bad_pair_is_rejected_with_the_reason(
    client: httpx2.Client, before: Any, after: Any, query: dict[str, Any], message: str
) -> None:
    files = {"before": ("a.png", encode(before)), "after": ("b.png", encode(after))}
    response = client.post("/learn", params=query, files=files)
    assert response.status_code == 422, response.text
    assert message in response.json()["detail"]


def test_both_images_are_required(client: httpx2.Client) -> None:
    response = client.post("/learn", files={"before": ("a.png", BEFORE)})
    assert response.status_code == 422
    assert "after: Field required" in response.json()["detail"]
