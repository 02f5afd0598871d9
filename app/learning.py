"""A picture before and after an unknown filter to the kernel that explains it, with a word on whether one does."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from app.observability.record import TimedStep
from app.pictures.decoding import decode_picture
from app.settings import Settings
from kernels.catalogue import Catalogue
from kernels.engine import correlate
from kernels.learning import Shared, learn_kernel
from kernels.pairs import Pair, make_pair
from kernels.regression import Fit

ROUNDING = 0.5
"""Root mean square in grey levels: rounding to whole levels leaves 0.29 over."""
CLOSE_DB = 35.0
"""A JPEG of quality 90 leaves as much over."""
NEAREST_SIMILARITY = 0.99


class LearnedKernel(BaseModel):
    """One for all channels, or one of several for a channel each."""

    weights: list[list[float]]
    bias: float = Field(description="In grey levels of 0..255.")
    residual: float = Field(description="Root mean square of what is left over, in grey levels.")
    r_squared: float
    psnr_db: float = Field(description="Of the reproduction, where the result is neither 0 nor 255; 100 at most.")
    rank: int
    ridge: float = Field(description="Added to the variance of each pixel of a patch, in grey levels².")
    samples: int
    nearest: str | None = Field(description="The kernel of the catalogue with its shape, up to a factor.")
    request: str = Field(description="That applies it.")


class Lesson(BaseModel):
    """What was learnt of a pair of pictures."""

    is_convolution: bool
    reason: str
    shared: bool = Field(description="One kernel explains all channels.")
    kernels: list[LearnedKernel]
    notes: list[str]


def learn_from_pictures(before: bytes, after: bytes, size: int, shared: Shared, settings: Settings) -> Lesson:
    """The kernel of size × size between the first frames. Raises PictureError, PairError, UndeterminedKernelError."""
    first, second = (
        decode_picture(data, settings.picture_limits, "first").frames[0].pixels for data in (before, after)
    )
    with TimedStep("learn"):
        learned = learn_kernel(first, second, size, shared)
    pair = make_pair(first, second)
    planes = [None] if learned.shared else list(range(pair.channels))
    kernels = [describe_fit(fit, pair, plane) for fit, plane in zip(learned.fits, planes, strict=True)]
    is_convolution, reason = judge(pair, kernels, size)
    return Lesson(
        is_convolution=is_convolution,
        reason=reason,
        shared=learned.shared,
        kernels=kernels,
        notes=list(learned.notes),
    )


def describe_fit(fit: Fit, pair: Pair, plane: int | None) -> LearnedKernel:
    size = len(fit.weights)
    channels = slice(None) if plane is None else slice(plane, plane + 1)
    margin = slice((size - 1) // 2, -(size // 2) or None)
    after, usable = (planes[margin, margin, channels] for planes in (pair.after, pair.usable))
    again = correlate(np.ascontiguousarray(pair.before[..., channels]), fit.weights) + np.float32(fit.bias)
    errors = (np.rint(again) - after)[usable].astype(np.float64)
    values = after[usable].astype(np.float64)
    squared, variance = float(np.mean(errors**2)), float(values.var())
    weights = np.round(fit.weights, 6)
    text = ";".join(",".join(f"{weight:g}" for weight in row) for row in weights)
    return LearnedKernel(
        weights=weights.tolist(),
        bias=round(fit.bias, 4),
        residual=round(fit.residual, 4),
        r_squared=round(1 - squared / variance, 6) if variance else 1.0,
        psnr_db=round(min(100.0, 10 * np.log10(255**2 / max(squared, 1e-9))), 2),
        rank=int(np.linalg.matrix_rank(fit.weights, tol=max(1e-6, 3 * float(fit.errors.max())))),
        ridge=fit.ridge,
        samples=fit.count,
        nearest=find_nearest(fit.weights),
        request=f"/filter/custom?weights={text}&bias={fit.bias:.4g}&response=clip",
    )


def find_nearest(weights: NDArray[Any]) -> str | None:
    """The named kernel of that size with default parameters and the highest cosine, if that is above 0.99."""
    best, name = NEAREST_SIMILARITY, None
    for entry in Catalogue().values():
        kernel = entry.make_kernel()
        if kernel.combine != "single" or kernel.shape != weights.shape:
            continue
        lengths = float(np.linalg.norm(kernel.weights) * np.linalg.norm(weights))
        similarity = float((kernel.weights * weights).sum()) / lengths if lengths else 0.0
        if similarity > best:
            best, name = similarity, entry.name
    return name


def judge(pair: Pair, kernels: list[LearnedKernel], size: int) -> tuple[bool, str]:
    """Whether a kernel explains the pair, and why not: what else does is tried."""
    if pair.is_identical:
        return True, "The pictures are identical: the kernel is the identity."
    residual, psnr_db = max(one.residual for one in kernels), min(one.psnr_db for one in kernels)
    if residual <= ROUNDING:
        return True, f"The kernel gives the result up to rounding (residual {residual:.2f} of 255 levels)."
    before, after = (np.rint(planes).astype(np.uint8) for planes in (pair.before, pair.after))
    if any(np.array_equal(turned, after) for turned in turn(before)):
        return False, "The result is the picture turned or mirrored: every pixel moved somewhere else."
    for side in (3, 5):
        if np.array_equal(cv2.medianBlur(before, side).reshape(after.shape)[side:-side, side:-side],
                          after[side:-side, side:-side]):  # fmt: skip
            return False, f"The result is the median of {side}×{side}, which is no weighted sum."
    if measure_curve(before, after) <= ROUNDING:
        return False, (
            "Every value became another value, wherever it stood: a curve, such as gamma, contrast with clipping, or "
            "histogram equalisation."
        )
    if psnr_db >= CLOSE_DB:
        return True, f"The kernel gives the result up to noise of {residual:.1f} levels, as a lossy file has it."
    return False, (
        f"No kernel of {size}×{size} gives the result: {residual:.1f} levels are left over (PSNR {psnr_db:.1f} dB). "
        "Try a larger size, if it was a larger kernel; absolute values, a rotation and a change of size are none."
    )


def turn(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The seven other ways to lay a picture down."""
    turned = [np.rot90(image, quarter) for quarter in range(4)]
    return [*turned[1:], *(one[:, ::-1] for one in turned)]


def measure_curve(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Root mean square in levels of what the best curve for each channel leaves over."""
    left = 0.0
    for channel in range(before.shape[2]):
        old, new = before[..., channel].ravel(), after[..., channel].ravel().astype(np.float64)
        counts = np.maximum(np.bincount(old, minlength=256), 1)
        means = np.bincount(old, new, 256) / counts
        left += float(((new - means[old]) ** 2).sum())
    return float(np.sqrt(left / before.size))
