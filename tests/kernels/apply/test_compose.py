"""A chain and the single kernel that it equals. The oracle is SciPy in float64, step by step."""

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
    return result.image, result.reports


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


def cut_exact(planes: Any, kernel: ComposedKernel) -> Any:
    return planes[
        kernel.rows.exact.start : kernel.rows.exact.stop, kernel.columns.exact.start : kernel.columns.exact.stop
    ]


sides = st.integers(1, 4)


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    """A step whose values need no cutting off: raw, or a mean."""
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
def test_the_single_kernel_gives_what_scipy_gives_step_by_step(chain: list[dict[str, Any]], border: str) -> None:
    _, reports = run(*({**operation, "border": border} for operation in chain))
    assert find_obstacle(reports, 3) is None
    kernel = compose(reports, 255)
    planes = IMAGE.astype(np.float64)
    for operation in chain:
        weights = np.array(operation["weights"], np.float64)
        weights = weights[::-1, ::-1] if operation["behaviour"] == "convolve" else weights
        down, across = operation["dilation"]
        apart = np.zeros([down * (weights.shape[0] - 1) + 1, across * (weights.shape[1] - 1) + 1])
        apart[::down, ::across] = weights
        anchor = operation["anchor"]
        offset = (
            (down * anchor[1], across * anchor[0]) if anchor else ((apart.shape[0] - 1) // 2, (apart.shape[1] - 1) // 2)
        )
        answer = correlate_by_scipy(planes, apart, offset, border, (1, 1)) / operation["divisor"]
        planes = operation["amount"] * answer + (1 - operation["amount"]) * planes + operation["bias"]
    once = apply_composed(IMAGE, kernel)
    assert kernel.cut_off == ()
    scale = np.abs(planes).max() + 1
    np.testing.assert_allclose(cut_exact(once, kernel) / scale, cut_exact(planes, kernel) / scale, atol=1e-9)
    if border == "wrap":
        assert cut_exact(once, kernel).shape == IMAGE.shape


def test_without_strides_the_margin_is_the_reach_of_the_later_steps() -> None:
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
    assert cut_exact(difference, kernel).max() < 1e-3
    assert difference.max() > 0.05, "at the edge it is another"


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
def test_the_request_of_the_single_kernel_gives_the_result_of_the_chain(chain: list[dict[str, Any]]) -> None:
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
    once, _ = run(step, image=image)
    assert once.shape == wanted.shape
    assert cut_exact(once, kernel).size > 50
    np.testing.assert_allclose(cut_exact(once, kernel), cut_exact(wanted, kernel), atol=2e-3)


def test_lecture_kernels_multiply_to_known_ones() -> None:
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


def test_values_that_are_cut_off_between_the_steps_make_it_inexact() -> None:
    chain = [{"kernel": "sharpen"}, {"kernel": "blur"}]
    calm = np.full_like(IMAGE, 100) + IMAGE // 10
    assert compose(run(*chain, image=calm)[1], 255).cut_off == ()
    _, reports = run(*chain, image=np.where(IMAGE > 120, 255, 0).astype(np.uint8))
    (said,) = compose(reports, 255).cut_off
    assert "step 1 (sharpen) has values from -1020 to 1275" in said


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (["sobel", "blur"], "step 1 (sobel) takes the magnitude of 2 kernels"),
        (["blur", "kirsch"], "step 2 (kirsch) takes the maximum of 8 kernels"),
        (["edge", "blur"], "step 1 (edge) drops the sign"),
        ([{"kernel": "blur", "response": "rescale"}, "blur"], "step 1 (blur) stretches its values"),
        ([{"kernel": "blur", "channels": "luma"}, "blur"], "step 1 (blur) changes only the brightness"),
        ([{"kernel": "blur", "channels": "r"}, "blur"], "the steps filter different channels"),
    ],
)
def test_what_is_no_single_kernel_is_said(chain: list[Any], said: str) -> None:
    operations = [{"kernel": one} if isinstance(one, str) else one for one in chain]
    obstacle = find_obstacle(run(*operations)[1], 3)
    assert obstacle is not None
    assert said in obstacle


def test_a_sign_that_is_dropped_last_is_no_obstacle() -> None:
    _, reports = run({"kernel": "gaussian", "sigma": 1}, {"kernel": "edge"})
    assert find_obstacle(reports, 3) is None
    assert compose(reports, 255).response == "abs"
