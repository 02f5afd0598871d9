"""Whether a reply is right: decoded, and compared with SciPy in float64 within what the server is known to round."""

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.services.servers import read_json
from benchmarks.services.works import SHARPEN, DigitWork, ImageWork, Work, encode

Pixels = NDArray[Any]

TOLERANCE = {"pillow": 1, "pillow-formats": 1, "sharp": 1, "sharp-formats": 1, "thumbor": 1}
"""Levels: these cut off or round an intermediate (../shared/peers/README.md). The others are exact."""
BLUR_TOLERANCE = 1
"""Levels, for every server: what counts as the same accuracy."""
LOSS = {"jpeg": 1.25, "webp": 1.25, "gif": 2.5}
"""The mean squared difference that a lossy reply may have, in those of the exact result written by Pillow.

Of GIF: OpenCV and sharp choose worse colours, and would be left out with less."""
LEAST_LOSS = 2.0
FIRST_BORDER = 1
"""Pixels at the edge that are left out: Pillow does not filter them."""
DIGITS_RIGHT = 0.95
PROBABILITY_TOLERANCE = 1e-4


class WrongReplyError(Exception):
    """The server did something else than it was asked to. Its speed means nothing."""


def check_reply(server: str, work: Work, files: Sequence[bytes], reply: bytes) -> None:
    """Raise WrongReplyError unless the reply is right."""
    if isinstance(work, DigitWork):
        return check_digits(work, reply)
    assert isinstance(work, ImageWork)
    check_image(server, work, open_pixels(files[0], work.format), open_pixels(reply, work.format))


def check_image(server: str, work: ImageWork, source: Pixels, result: Pixels) -> None:
    if source.shape != result.shape or source.dtype != result.dtype:
        raise WrongReplyError(f"{result.shape} {result.dtype} instead of {source.shape} {source.dtype}")
    exact = blur(source, work.sigma) if work.sigma else correlate(source, SHARPEN)
    if work.format in ("png", "png16"):
        check_levels(exact, result, BLUR_TOLERANCE if work.sigma else TOLERANCE.get(server, 0))
    else:
        check_loss(exact, result, work.format)


def check_levels(exact: NDArray[np.float64], result: Pixels, tolerance: int) -> None:
    """Raise WrongReplyError where a value differs from the exact one, rounded, by more than `tolerance` levels."""
    inner = slice(FIRST_BORDER, -FIRST_BORDER)
    difference = int(np.abs(result - np.rint(exact))[inner, inner].max())
    if difference > tolerance:
        raise WrongReplyError(f"up to {difference} levels from the exact result; {tolerance} are allowed")


def check_loss(exact: NDArray[np.float64], result: Pixels, format: str) -> None:
    """Raise WrongReplyError where a lossy format lost more than it had to."""
    best = open_pixels(encode(np.rint(exact).astype(np.uint8), format), format)
    allowed = LOSS[format] * float(np.mean((best - exact) ** 2)) + LEAST_LOSS
    found = float(np.mean((result - exact) ** 2))
    if found > allowed:
        raise WrongReplyError(f"mean squared difference {found:.1f} from the exact result; {allowed:.1f} is allowed")


def check_digits(work: DigitWork, reply: bytes) -> None:
    answers = read_json(reply)
    if len(answers) != work.count:
        raise WrongReplyError(f"{len(answers)} answers to {work.count} images")
    right = sum(answer.get("digit") == label for answer, label in zip(answers, work.labels, strict=True))
    if right < DIGITS_RIGHT * work.count:
        raise WrongReplyError(f"{right} of {work.count} digits read right")


def compare_digits(own: bytes, other: bytes) -> None:
    """Raise WrongReplyError unless both give the same probabilities: they have the same network."""
    pairs = zip(read_json(own), read_json(other), strict=True)
    for ours, theirs in pairs:
        difference = np.abs(np.subtract(ours["probabilities"], theirs["probabilities"])).max()  # type: ignore[call-overload]
        if difference > PROBABILITY_TOLERANCE:
            raise WrongReplyError(f"probabilities differ by {difference:.2g}")


def open_pixels(file: bytes, format: str) -> Pixels:
    """(height, width, 3) uint8, or uint16 for png16."""
    if format == "png16":
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.ndim != 3:
            raise WrongReplyError("not a PNG in colour")
        return np.asarray(pixels[:, :, ::-1])
    try:
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    except OSError as error:
        raise WrongReplyError(f"no image: {error}") from None


def correlate(pixels: Pixels, weights: NDArray[Any]) -> NDArray[np.float64]:
    """Unrounded, within the range of the pixels; the edge repeated."""
    planes = [ndimage.correlate(pixels[:, :, c].astype(np.float64), weights, mode="nearest") for c in range(3)]
    return np.clip(np.stack(planes, axis=2), 0, np.iinfo(pixels.dtype).max)


def blur(pixels: Pixels, sigma: float) -> NDArray[np.float64]:
    """Unrounded, to six sigma: beyond is less than a ten-thousandth of a level."""
    return np.asarray(ndimage.gaussian_filter(pixels.astype(np.float64), (sigma, sigma, 0), mode="nearest", truncate=6))
