"""The single kernel that a chain equals, as `explain=json` tells it: where it is exact, and the request for it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from app.images.image import DecodedImage
from kernels.apply.compose import ComposedAxis, ComposedKernel, compose, find_obstacle
from kernels.apply.layout import StepReport
from kernels.types import Weights


def explain_one_kernel(image: DecodedImage, reports: Sequence[StepReport], linear: bool) -> dict[str, Any]:
    """For a chain of several steps over the first frame of an image."""
    obstacle = find_obstacle(reports, image.channels)
    if obstacle:
        return {"is_one_kernel": False, "why": f"No single kernel: {obstacle}."}
    pixels = image.frames[0].pixels
    white = float(np.iinfo(pixels.dtype).max)
    kernel = compose(reports, white)
    opaque = image.channels in (1, 3) or bool((pixels[:, :, -1] == white).all())
    rows, columns = kernel.rows, kernel.columns
    return {
        "is_one_kernel": True,
        "exact": opaque and not kernel.cut_off,
        "why": describe_exactness(kernel, opaque),
        "margin": {
            "top": rows.exact.start,
            "bottom": rows.output - rows.exact.stop,
            "left": columns.exact.start,
            "right": columns.output - columns.exact.stop,
        },
        "weights": kernel.weights.tolist(),
        "divisor": kernel.divisor,
        "bias": kernel.bias,
        "sum": float(kernel.weights.sum()),
        "rank": int(np.linalg.matrix_rank(kernel.weights)),
        "anchor": {"x": columns.offset, "y": rows.offset},
        "stride": {"x": columns.stride, "y": rows.stride},
        "border": kernel.border,
        "channels": kernel.channels,
        "response": kernel.response,
        "request": format_request(kernel, linear) if kernel.is_a_filter else None,
    }


def describe_exactness(kernel: ComposedKernel, opaque: bool) -> str:
    limits = []
    if kernel.cut_off:
        limits.append(
            f"{'; '.join(kernel.cut_off)}, and what lies out of range is cut off there, so it holds where that does "
            "not happen (response=raw there avoids it)"
        )
    if not opaque:
        limits.append("transparent pixels count less, so it holds where all that lies under it is opaque")
    if limits:
        return f"Not exact in this image: {'; '.join(limits)}."
    if is_whole(kernel.rows) and is_whole(kernel.columns):
        return "Exact everywhere, but for rounding."
    if kernel.rows.exact and kernel.columns.exact:
        return "Exact, but for rounding, inside the margin; within it the later steps take from beyond the edge."
    return "Exact nowhere in so small an image: the later steps reach beyond its edge from everywhere."


def is_whole(axis: ComposedAxis) -> bool:
    return axis.exact == range(axis.output)


def format_request(kernel: ComposedKernel, linear: bool) -> str:
    """That applies it."""
    query = {"weights": format_weights(kernel.weights), "divisor": f"{kernel.divisor:.12g}"}
    if kernel.bias:
        query["bias"] = f"{kernel.bias:.12g}"
    query |= {"border": kernel.border, "response": kernel.response}
    if kernel.border != "valid":
        query["anchor"] = f"{kernel.columns.offset},{kernel.rows.offset}"
    if (kernel.rows.stride, kernel.columns.stride) != (1, 1):
        query["stride"] = f"{kernel.rows.stride},{kernel.columns.stride}"
    if kernel.channels != "rgb":
        query["channels"] = kernel.channels
    if linear:
        query["linear"] = "true"
    return "/filter/custom?" + "&".join(f"{name}={quote(value, safe=',;')}" for name, value in query.items())


def format_weights(weights: Weights) -> str:
    """As `custom` reads them; a single row ends with `;`, or it could not be told from a list."""
    rows = [",".join(f"{weight:.9g}" for weight in row) for row in weights]
    return ";".join(rows) + (";" if len(rows) == 1 else "")
