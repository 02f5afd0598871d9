"""The single kernel that a chain equals, for `explain=json`: its weights, where it is exact, and its request."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.images.image import DecodedImage
from app.tasks.kernel_requests import format_custom_request, format_weights
from kernels.apply.compose import ComposedAxis, ComposedKernel, compose, find_obstacle
from kernels.apply.layers import LayerReport
from kernels.apply.layout import StepReport


def describe_composed_kernel(
    image: DecodedImage, steps: Sequence[StepReport | LayerReport], linear: bool
) -> dict[str, Any]:
    """For a chain of several steps, applied to the first frame of an image."""
    reports = [report for report in steps if isinstance(report, StepReport)]
    layer = next((number for number, report in enumerate(steps, 1) if isinstance(report, LayerReport)), None)
    if layer is not None:
        name = steps[layer - 1].step.name
        why = f"No single kernel: step {layer} ({name}) is a layer, which combines maps or is not linear."
        return {"is_one_kernel": False, "why": why}
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
            f"{'; '.join(kernel.cut_off)}, and values out of range are clipped there. It holds where nothing is "
            "clipped; response=raw in that step avoids clipping"
        )
    if not opaque:
        limits.append("transparent pixels have less weight. It holds where all pixels under the kernel are opaque")
    if limits:
        return f"Not exact in this image: {'; '.join(limits)}."
    if is_exact_everywhere(kernel.rows) and is_exact_everywhere(kernel.columns):
        return "Exact everywhere, up to rounding."
    if kernel.rows.exact and kernel.columns.exact:
        return "Exact inside the margin, up to rounding. In the margin, later steps use values from beyond the edge."
    return (
        "Exact nowhere, because the image is too small: for every pixel, later steps use values from beyond the edge."
    )


def is_exact_everywhere(axis: ComposedAxis) -> bool:
    return axis.exact == range(axis.output)


def format_request(kernel: ComposedKernel, linear: bool) -> str:
    """The request that applies the kernel."""
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
    return format_custom_request(query)
