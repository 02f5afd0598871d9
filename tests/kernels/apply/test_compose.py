"""The single kernel that is equivalent to a chain, against SciPy in float64 step by step."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from kernels.apply.compose import ComposedKernel, compose, find_obstacle
from kernels.apply.filter import apply_steps
from kernels.apply.layout import StepReport
from kernels.catalogue import Catalogue
from kernels.chain import resolve_chain
from kernels.settings import Operation

IMAGE = np.random.default_rng(8).integers(60, 190, (24, 31, 3), np.uint8)
SCIPY_BORDERS = {"edge": "nearest", "zero": "constant", "reflect": "mirror", "symmetric": "reflect", "wrap": "wrap"}

Planes = NDArray[np.float64]


def run(*operations: dict[str, Any], image: Any = IMAGE) -> tuple[Any, tuple[StepReport, ...]]:
    steps = resolve_chain([Operation(**operation) for operation in operations], Catalogue())
    result = apply_steps(image, steps)
    return result.image, tuple(report for report in result.reports if isinstance(report, StepReport))


def correlate_by_scipy(
    planes: Planes, weights: Planes, offset: tuple[int, int], border: str, stride: tuple[int, int]
) -> Planes:
    """Result i is the sum over t of weights[t] times the pixel i * stride + t - offset."""
    origin = [there - side // 2 for there, side in zip(offset, weights.shape, strict=True)]
    full = np.stack(
        [
            ndimage.correlate(planes[:, :, channel], weights, mode=SCIPY_BORDERS[border], origin=origin)
            for channel in range(planes.shape[2])
        ],
        axis=2,
    )
    return full[:: stride[0], :: stride[1]]


def apply_composed(image: NDArray[Any], kernel: ComposedKernel) -> Planes:
    offset, stride = (kernel.rows.offset, kernel.columns.offset), (kernel.rows.stride, kernel.columns.stride)
    sums = correlate_by_scipy(image.astype(np.float64), kernel.weights, offset, kernel.border, stride)
    return sums / kernel.divisor + kernel.bias


def crop(planes: Any, kernel: ComposedKernel) -> Any:
    return planes[
        kernel.rows.exact.start : kernel.rows.exact.stop, kernel.columns.exact.start : kernel.columns.exact.stop
    ]


sides = st.integers(1, 4)


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    """A step whose values are not clipped, because its response is raw."""
    rows, columns = draw(sides), draw(sides)
    flat = draw(st.lists(st.integers(-3, 5), min_size=rows * columns, max_size=rows * columns))
    return {
        "kernel": "custom",
        "weights": [flat[start : start + columns] for start in range(0, len(flat), columns)]
        if any(flat)
        else [[1] * columns] * rows,
        "divisor": draw(st.sampled_from([1, 2, 16, -3.5])),
        "bias": draw(st.sampled_from([0, 7.5, -20])),
        "response": "raw",
        "behaviour": draw(st.sampled_from(["correlate", "convolve"])),
        "anchor": draw(st.none() | st.tuples(st.integers(0, columns - 1), st.integers(0, rows - 1))),
        "amount": draw(st.sampled_from([1, 1, 0.25])),
        "dilation": (draw(st.sampled_from([1, 1, 2])), draw(st.sampled_from([1, 1, 3]))),
    }


@given(st.lists(operations(), min_size=2, max_size=3), st.sampled_from(sorted(SCIPY_BORDERS)))
def test_the_single_kernel_equals_scipy_step_by_step(chain: list[dict[str, Any]], border: str) -> None:
    _, reports = run(*({**operation, "border": border} for operation in chain))
    assert find_obstacle(reports, 3) is None
    kernel = compose(reports, 255)
    planes = IMAGE.astype(np.float64)
    for operation in chain:
        weights = np.array(operation["weights"], np.float64)
        weights = weights[::-1, ::-1] if operation["behaviour"] == "convolve" else weights
        down, across = operation["dilation"]
        dilated = np.zeros([down * (weights.shape[0] - 1) + 1, across * (weights.shape[1] - 1) + 1])
        dilated[::down, ::across] = weights
        anchor = operation["anchor"]
        middle = ((dilated.shape[0] - 1) // 2, (dilated.shape[1] - 1) // 2)
        offset = (down * anchor[1], across * anchor[0]) if anchor else middle
        result = correlate_by_scipy(planes, dilated, offset, border, (1, 1)) / operation["divisor"]
        planes = operation["amount"] * result + (1 - operation["amount"]) * planes + operation["bias"]
    composed = apply_composed(IMAGE, kernel)
    assert kernel.cut_off == ()
    scale = np.abs(planes).max() + 1
    np.testing.assert_allclose(crop(composed, kernel) / scale, crop(planes, kernel) / scale, atol=1e-9)
    if border == "wrap":
        assert crop(composed, kernel).shape == IMAGE.shape


def test_without_strides_the_margin_is_the_extent_of_the_later_steps() -> None:
    chain: list[dict[str, Any]] = [
        {"kernel": "gaussian", "sigma": 2},
        {"kernel": "box", "size": 5},
        {"kernel": "sharpen"},
    ]
    wanted, reports = run(*chain, image=IMAGE.astype(np.float32))
    kernel = compose(reports, 255)
    assert kernel.rows.exact == range(3, 24 - 3)
    assert kernel.columns.exact == range(3, 31 - 3)
    difference = np.abs(apply_composed(IMAGE, kernel) - wanted)
    assert crop(difference, kernel).max() < 1e-3
    assert difference.max() > 0.05, "the results differ at the edges"


@pytest.mark.parametrize(
    "chain",
    [
        [{"kernel": "blur", "stride": 2}, {"kernel": "box", "size": 3, "response": "raw"}],
        [{"kernel": "blur", "stride": (2, 1), "anchor": (1, 1)}, {"kernel": "gaussian", "sigma": 1, "stride": (1, 3)}],
        [{"kernel": "box", "size": 5, "stride": 2, "dilation": 2}, {"kernel": "blur"}, {"kernel": "average"}],
        [{"kernel": "gaussian", "border": "valid"}, {"kernel": "edge", "border": "valid", "response": "offset"}],
        [{"kernel": "blur", "channels": "gray"}, {"kernel": "edge", "bias": "10%", "response": "raw"}],
        [{"kernel": "blur", "response": "offset"}, {"kernel": "custom", "weights": [[2]], "bias": -256}],
    ],
)  # fmt: skip
def test_one_request_with_the_single_kernel_equals_the_chain(chain: list[dict[str, Any]]) -> None:
    image = IMAGE.astype(np.float32)
    wanted, reports = run(*chain, image=image)
    kernel = compose(reports, 255)
    assert kernel.is_a_filter
    step: dict[str, Any] = {
        "kernel": "custom",
        "weights": kernel.weights.tolist(),
        "divisor": kernel.divisor,
        "bias": kernel.bias,
        "border": kernel.border,
        "stride": (kernel.rows.stride, kernel.columns.stride),
        "response": kernel.response,
        "channels": kernel.channels,
    }
    if kernel.border != "valid":
        step["anchor"] = (kernel.columns.offset, kernel.rows.offset)
    result, _ = run(step, image=image)
    assert result.shape == wanted.shape
    assert crop(result, kernel).size > 50
    np.testing.assert_allclose(crop(result, kernel), crop(wanted, kernel), atol=2e-3)


def test_products_of_small_kernels_are_known_kernels() -> None:
    _, reports = run(
        {"kernel": "custom", "weights": [[1, 1]], "divisor": 2}, {"kernel": "custom", "weights": [[1], [1]]}
    )
    kernel = compose(reports, 255)
    np.testing.assert_array_equal(kernel.weights, [[1, 1], [1, 1]])
    assert (kernel.divisor, kernel.rows.offset, kernel.columns.offset) == (2, 0, 0)
    _, reports = run({"kernel": "blur"}, {"kernel": "blur"})
    binomial = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    np.testing.assert_array_equal(compose(reports, 255).weights, binomial)
    assert compose(reports, 255).divisor == 256


def test_clipping_between_the_steps_is_reported() -> None:
    chain = [{"kernel": "sharpen"}, {"kernel": "blur"}]
    low_contrast = np.full_like(IMAGE, 100) + IMAGE // 10
    assert compose(run(*chain, image=low_contrast)[1], 255).cut_off == ()
    _, reports = run(*chain, image=np.where(IMAGE > 120, 255, 0).astype(np.uint8))
    (text,) = compose(reports, 255).cut_off
    assert "step 1 (sharpen) has values from -1020 to 1275" in text


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        (["sobel", "blur"], "step 1 (sobel) takes the magnitude of 2 kernels"),
        (["blur", "kirsch"], "step 2 (kirsch) takes the maximum of 8 kernels"),
        (["edge", "blur"], "step 1 (edge) drops the sign"),
        ([{"kernel": "blur", "response": "rescale"}, "blur"], "step 1 (blur) stretches its values"),
        ([{"kernel": "blur", "channels": "luma"}, "blur"], "step 1 (blur) changes only the brightness"),
        ([{"kernel": "blur", "channels": "r"}, "blur"], "the steps filter different channels"),
    ],
)
def test_a_chain_without_an_equivalent_kernel_has_an_obstacle(chain: list[Any], reason: str) -> None:
    operations = [{"kernel": one} if isinstance(one, str) else one for one in chain]
    obstacle = find_obstacle(run(*operations)[1], 3)
    assert obstacle is not None
    assert reason in obstacle


def test_an_absolute_value_in_the_last_step_is_not_an_obstacle() -> None:
    _, reports = run({"kernel": "gaussian", "sigma": 1}, {"kernel": "edge"})
    assert find_obstacle(reports, 3) is None
    assert compose(reports, 255).response == "abs"
