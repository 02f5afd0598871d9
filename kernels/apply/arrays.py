"""Filters arrays, for users of the package: a kernel or a chain, on the image or on a part of it."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from kernels.apply.filter import apply_steps, check_image
from kernels.apply.regions import Area, apply_in_area, make_area
from kernels.catalogue import Catalogue
from kernels.chain import AnyStep, resolve_chain, resolve_operation, select_maps
from kernels.custom import CUSTOM
from kernels.errors import KernelParameterError
from kernels.layers.catalogue import CONV
from kernels.regions import Reads, parse_regions, place_region
from kernels.settings import FilterSettings, Operation
from kernels.types import Image, Planes


def convolve(
    image: Image,
    kernel: str | Sequence[Sequence[float]] | NDArray[Any],
    *,
    region: str | Sequence[str] = (),
    mask: NDArray[Any] | None = None,
    reads: Reads | None = None,
    linear: bool = False,
    catalogue: Catalogue | None = None,
    **settings: Any,
) -> Image:
    """Filter one image with one kernel.

    image: (height, width) or (height, width, 1..4), uint8, uint16 or float32 (0..255), or a Pillow image.
    kernel: a name of the catalogue, weights of shape (rows, columns), each side 1..63, applied as written, or weights
    of a layer with four axes, [out, in, height, width], or with layout="hwio" in the order of `tf.nn.conv2d`.
    settings: `kernels.settings.FilterSettings`, for example border="reflect", sigma=2, response="abs".
    region: "x,y,width,height" in pixels or percent, or several: other pixels keep their values.
    mask: (height, width), bool, unsigned integers up to their maximum, or floats 0..1: the share of the filtered image.
    reads: what the kernel reads with a region or mask, "image" (default) or "region", only what is inside.
    linear: filter linear light instead of sRGB values.

    Returns an array with the number of dimensions and the dtype of the image. Integers are rounded, float32 is not.
    response="raw" returns float32 that is not clipped, and so does a layer with other than 1, 3 or 4 outputs. Raises
    KernelError or pydantic.ValidationError (both are ValueErrors).
    """
    if not isinstance(kernel, str):
        weights = np.asarray(kernel)
        settings["weights"] = weights.tolist()
        kernel = CONV if weights.ndim == 4 else CUSTOM
    step = resolve_operation(kernel, FilterSettings(**settings), catalogue or Catalogue())
    return apply_to_array(image, [step], linear, region, mask, reads)


def convolve_in_steps(
    image: Image,
    operations: Sequence[str | Mapping[str, Any]],
    *,
    maps: Sequence[int] | None = None,
    region: str | Sequence[str] = (),
    mask: NDArray[Any] | None = None,
    reads: Reads | None = None,
    linear: bool = False,
    catalogue: Catalogue | None = None,
) -> Image:
    """Apply a chain of kernels and layers to one image.

    image: as for `convolve`.
    operations: 1 to 10 steps, each a name or an object such as {"kernel": "conv", "weights": ..., "bias": ...}: what
    `POST /filter` takes as `operations`.
    maps: the numbers of the maps to return. Default: all.
    region, mask, reads: as for `convolve`; the result must be an image of the same size.

    Returns 1, 3 or 4 maps as an image with the dtype of the input, rounded once, and other numbers of maps as
    (height, width, maps) float32 that is neither rounded nor clipped. Raises as `convolve`.
    """
    parsed = [Operation.model_validate(operation) for operation in operations]
    steps = resolve_chain(parsed, catalogue or Catalogue())
    return apply_to_array(image, steps if maps is None else select_maps(steps, maps), linear, region, mask, reads)


def apply_to_array(
    image: Image,
    steps: Sequence[AnyStep],
    linear: bool,
    region: str | Sequence[str],
    mask: NDArray[Any] | None,
    reads: Reads | None,
) -> Image:
    """Apply steps to an array with or without an axis of channels."""
    image = np.asarray(image)
    planes = image[:, :, None] if image.ndim == 2 else image
    if not region and mask is None:
        if reads is not None:
            raise KernelParameterError("reads", f"reads is '{reads}' without a region or mask. Pass one, too.")
        result = apply_steps(planes, steps, linear=linear).image
    else:
        check_image(planes)
        area = find_area(planes, region, mask, reads or "image")
        result = apply_in_area(planes, steps, area, linear=linear).image
    return result[:, :, 0] if image.ndim == 2 and result.shape[2] == 1 else result


def find_area(image: Image, region: str | Sequence[str], mask: NDArray[Any] | None, reads: Reads) -> Area:
    """Raises KernelParameterError for a region outside the image, or a mask of another size or range."""
    height, width = image.shape[:2]
    if reads not in get_args(Reads):
        raise KernelParameterError("reads", f"reads is '{reads}'; it may be {' or '.join(get_args(Reads))}.")
    try:
        regions = parse_regions(region) if region else ()
    except ValueError as error:
        raise KernelParameterError("region", f"region is {region!r}: {error}.") from error
    rectangles = [place_region(one, width, height) for one in regions]
    return make_area(rectangles, None if mask is None else scale_mask(np.asarray(mask)), reads, height, width)


def scale_mask(mask: NDArray[Any]) -> Planes:
    """float32 0..1."""
    shares = mask / np.iinfo(mask.dtype).max if mask.dtype.kind == "u" else mask
    if mask.ndim != 2 or mask.dtype.kind not in "ubf" or not ((shares >= 0) & (shares <= 1)).all():
        raise KernelParameterError(
            "mask",
            f"mask is {mask.dtype} of shape {mask.shape}. It must be (height, width), bool, unsigned integers, or "
            "floats from 0 to 1.",
        )
    return shares.astype(np.float32)
