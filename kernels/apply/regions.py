"""Filters parts of an image: regions, a mask, or the part of a mask in regions. Other pixels are not changed.

A region is cut out with the pixels around it that its kernels read, filtered as any image, and put back. Its pixels are
those of the filtered image, and the cost is that of the region.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.apply.filter import Filtered, apply_steps, find_shape
from kernels.apply.layers import LayerReport
from kernels.apply.layout import StepReport
from kernels.apply.shapes import PlannedStep, plan_chain
from kernels.chain import AnyStep
from kernels.errors import KernelParameterError
from kernels.layers.step import LayerStep
from kernels.regions import Reads, Rectangle
from kernels.types import Image, Planes

AnyReport = StepReport | LayerReport


@dataclass(frozen=True)
class Area:
    """The part of an image that is filtered.

    With several rectangles, a pixel is filtered if it is in one of them. With a mask, the result is a mix: the share of
    the filtered image is the value of the mask.
    """

    rectangles: tuple[Rectangle, ...]
    mask: Planes | None = None
    """(height, width) 0..1."""
    reads: Reads = "image"

    @property
    def pixel_count(self) -> int:
        """Pixels that are filtered, with any share."""
        if self.mask is not None:
            return int(np.count_nonzero(self.mask))
        union = bound(self.rectangles)
        covered = np.zeros((union.height, union.width), bool)
        for rectangle in self.rectangles:
            covered[rectangle.within(union).pixels] = True
        return int(covered.sum())


@dataclass(frozen=True)
class Cutout:
    """A part of an image that is filtered at once, and the parts of its result that are used."""

    source: Rectangle
    targets: tuple[Rectangle, ...]


def make_area(regions: Sequence[Rectangle], mask: Planes | None, reads: Reads, height: int, width: int) -> Area:
    """The area of an image of this size. Pixels of the mask outside of the regions are set to 0.

    mask: (height, width) 0..1. Raises KernelParameterError if its size differs.
    """
    whole = Rectangle(0, 0, width, height)
    if mask is None:
        return Area(tuple(regions) or (whole,), None, reads)
    if mask.shape != (height, width):
        raise KernelParameterError(
            "mask",
            f"mask is {mask.shape[1]}×{mask.shape[0]} pixels; the image is {width}×{height}. They must be equal.",
        )
    if regions:
        inside = np.zeros_like(mask)
        for rectangle in regions:
            inside[rectangle.pixels] = mask[rectangle.pixels]
        mask = inside
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Area((), mask, reads)
    used = Rectangle(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)
    return Area(tuple(part for one in regions or (whole,) if (part := one.intersect(used))), mask, reads)


def plan_cutouts(area: Area, plans: Sequence[PlannedStep]) -> list[Cutout]:
    """What is filtered. `plans`: those of `plan_chain` for the whole image.

    Raises KernelParameterError if the result is no image, or has another size.
    """
    check_result(area, plans)
    image = plans[0].before
    whole = Rectangle(0, 0, image.width, image.height)
    if not area.rectangles:
        return []
    if area.reads == "region" and area.mask is None:
        return [Cutout(rectangle, (rectangle,)) for rectangle in area.rectangles]
    if any(plan.step.response == "rescale" or plan.step.settings.border == "wrap" for plan in plans):
        return [Cutout(whole, area.rectangles)]  # depends on distant pixels
    margins = (
        sum(plan.rows.padding_before for plan in plans),
        sum(plan.rows.padding_after for plan in plans),
        sum(plan.columns.padding_before for plan in plans),
        sum(plan.columns.padding_after for plan in plans),
    )
    cutouts = [Cutout(one.widen(*margins, whole), (one,)) for one in area.rectangles]
    if sum(cutout.source.pixel_count for cutout in cutouts) > whole.pixel_count:
        union = bound([cutout.source for cutout in cutouts])
        return [Cutout(union, area.rectangles)]
    return cutouts


def check_result(area: Area, plans: Sequence[PlannedStep]) -> None:
    """Raise KernelParameterError unless the result can take the place of a part of the image."""
    before, after = plans[0].before, plans[-1].after
    if any(axis.stride > 1 or axis.output != axis.input for plan in plans for axis in (plan.rows, plan.columns)):
        raise KernelParameterError(
            "region",
            f"The steps make {after.width}×{after.height} of {before.width}×{before.height} pixels. With region or "
            "mask the size must stay: use stride=1, and a border other than 'valid'.",
        )
    if not after.is_image:
        raise KernelParameterError(
            "region", f"The result is {after}. With region or mask it must be an image, which has 1, 3 or 4 maps."
        )
    if area.reads == "region" and area.mask is not None and any(isinstance(plan.step, LayerStep) for plan in plans):
        raise KernelParameterError(
            "reads", "reads is 'region', and the chain has layers. Send regions instead of a mask, or reads=image."
        )


def bound(rectangles: Sequence[Rectangle]) -> Rectangle:
    """The smallest rectangle that contains all."""
    left, top = min(one.left for one in rectangles), min(one.top for one in rectangles)
    right, bottom = max(one.right for one in rectangles), max(one.bottom for one in rectangles)
    return Rectangle(left, top, right - left, bottom - top)


def plan_area(area: Area, plans: Sequence[PlannedStep]) -> list[list[PlannedStep]]:
    """The plan of each cutout. `plans`: that of the whole image."""
    steps = [plan.step for plan in plans]
    sources = [cutout.source for cutout in plan_cutouts(area, plans)]
    return [plan_chain(steps, replace(plans[0].before, height=one.height, width=one.width)) for one in sources]


def apply_in_area(
    image: Image, steps: Sequence[AnyStep], area: Area, *, linear: bool = False, measure: bool = True
) -> Filtered:
    """As `apply_steps`, in a part of the image. Other pixels keep their values, to the bit.

    The result has the channels of the filtered part, so a grey image may become RGB; with the response `raw` all
    pixels are float32. The values of the reports include the pixels around the regions that the steps read.

    Raises KernelParameterError.
    """
    plans = plan_chain(steps, find_shape(image))
    cutouts = plan_cutouts(area, plans)
    results = [filter_cutout(image, cutout, steps, area, linear, measure) for cutout in cutouts]
    channels = max([image.shape[2], *(result.image.shape[2] for result in results)])
    dtype = results[0].image.dtype if results else image.dtype
    original = expand_channels(image, channels)
    canvas = original.astype(dtype)
    for cutout, result in zip(cutouts, results, strict=True):
        filtered = expand_channels(result.image, channels)
        for target in cutout.targets:
            share = None if area.mask is None else area.mask[target.pixels]
            part = filtered[target.within(cutout.source).pixels]
            canvas[target.pixels] = part if share is None else mix(original[target.pixels], part, share)
    counts = [cutout.source.pixel_count for cutout in cutouts]
    reports = [
        join_reports(plan, [result.reports[number] for result in results], counts) for number, plan in enumerate(plans)
    ]
    return Filtered(canvas, tuple(reports), results[0].backend if results else "planes")


def join_reports(plan: PlannedStep, reports: Sequence[AnyReport], pixels: Sequence[int]) -> AnyReport:
    """The report of a step for the whole image, with the values of the cutouts and their numbers of pixels."""
    values = {
        "minimum": min((report.minimum for report in reports if report.minimum is not None), default=0.0),
        "maximum": max((report.maximum for report in reports if report.maximum is not None), default=0.0),
        "clipped_percent": sum(report.clipped_percent * count for report, count in zip(reports, pixels, strict=True))
        / max(1, sum(pixels)),
    }
    if isinstance(plan.step, LayerStep):
        return LayerReport(plan, plan.step, **values)
    channels = reports[0].channels if reports and isinstance(reports[0], StepReport) else plan.before.maps
    return StepReport(plan.step, plan.rows, plan.columns, channels, **values)


def filter_cutout(
    image: Image, cutout: Cutout, steps: Sequence[AnyStep], area: Area, linear: bool, measure: bool
) -> Filtered:
    part = np.ascontiguousarray(image[cutout.source.pixels])
    if area.reads == "image" or area.mask is None:
        return apply_steps(part, steps, linear=linear, measure=measure)
    # Pixels outside of the mask are transparent, and so without weight. No step spreads this transparency.
    has_alpha = part.shape[2] % 2 == 0
    part = part if has_alpha else add_alpha(part)
    part[:, :, -1] = np.where(area.mask[cutout.source.pixels] > 0, part[:, :, -1], 0)
    kept = [replace(step, settings=step.settings.model_copy(update={"alpha": "keep"})) for step in steps]
    result = apply_steps(part, kept, linear=linear, measure=measure)
    return result if has_alpha else replace(result, image=np.ascontiguousarray(result.image[:, :, :-1]))


def expand_channels(image: Image, channels: int) -> Image:
    """Repeat grey as RGB and add an opaque alpha, up to the number of channels. Values are unchanged."""
    if image.shape[2] == channels:
        return image
    has_alpha = image.shape[2] % 2 == 0
    colours = image[:, :, : image.shape[2] - has_alpha]
    if channels > 2 and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    if channels % 2:
        return colours
    return np.dstack([colours, image[:, :, -1:]]) if has_alpha else add_alpha(colours)


def add_alpha(image: Image) -> Image:
    return np.dstack([image, np.full(image.shape[:2], find_white(image.dtype), image.dtype)])


def find_white(dtype: np.dtype[Any]) -> float:
    return float(np.iinfo(dtype).max) if dtype != np.float32 else 255.0


def mix(original: Image, filtered: Image, share: Planes) -> Image:
    """Mix two images by the share (height, width) of the filtered one: 0 and 1 give the pixels of one of them."""
    mixed = np.where((share == 1)[:, :, None], filtered, original.astype(filtered.dtype))
    partial = (share > 0) & (share < 1)
    if partial.any():
        mixed[partial] = mix_pixels(original[partial], filtered[partial], share[partial][:, None].astype(np.float64))
    return mixed


def mix_pixels(original: Image, filtered: Image, share: NDArray[np.float64]) -> Image:
    """(count, channels) each, of the dtype of `filtered`. Colours are weighted by alpha.

    Integers are rounded, halves to even.
    """
    before, after = original.astype(np.float64), filtered.astype(np.float64)
    if original.shape[1] % 2:
        mixed = before + share * (after - before)
    else:
        weights = ((1 - share) * before[:, -1:], share * after[:, -1:])
        alpha = weights[0] + weights[1]
        colours = weights[0] * before[:, :-1] + weights[1] * after[:, :-1]
        colours = np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > 0)
        mixed = np.concatenate([colours, alpha], axis=1)
    return mixed.astype(np.float32) if filtered.dtype == np.float32 else np.rint(mixed).astype(filtered.dtype)
