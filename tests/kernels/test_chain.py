"""Chains of kernels and the report of each step."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import KernelParameterError, UnknownKernelError, convolve
from kernels.apply.filter import apply_steps
from kernels.apply.layout import StepReport
from kernels.apply.shapes import Shape, plan_chain
from kernels.catalogue import Catalogue
from kernels.chain import resolve_chain
from kernels.settings import FilterSettings, Operation

IMAGE = np.random.default_rng(31).integers(0, 256, (15, 18, 3), np.uint8)


def chain(image: NDArray[Any], *operations: dict[str, Any], **shared: Any) -> NDArray[Any]:
    steps = resolve_chain([Operation(**operation) for operation in operations], Catalogue(), FilterSettings(**shared))
    return apply_steps(image, steps).image


def report(image: NDArray[Any], *operations: dict[str, Any]) -> tuple[StepReport, ...]:
    steps = resolve_chain([Operation(**operation) for operation in operations], Catalogue())
    return tuple(report for report in apply_steps(image, steps).reports if isinstance(report, StepReport))


def test_a_chain_applies_its_steps_in_float32_and_rounds_once() -> None:
    names = ["gaussian", "edge", "sharpen"]
    values = IMAGE.astype(np.float32)
    rounded_between = IMAGE
    for name in names:
        values = convolve(values, name)
        rounded_between = convolve(rounded_between, name)
    result = chain(IMAGE, *({"kernel": name} for name in names))
    np.testing.assert_array_equal(result, np.rint(values))
    assert np.abs(result.astype(int) - rounded_between).max() > 1, "rounding between the steps would change the result"


def test_values_below_1_reach_the_next_step() -> None:
    dim = np.full((4, 4), 1, np.uint8)
    assert (
        chain(dim[:, :, None], {"kernel": "custom", "weights": [[0.4]]}, {"kernel": "custom", "weights": [[5]]}) == 2
    ).all()
    assert not convolve(convolve(dim, [[0.4]]), [[5]]).any()


def test_the_order_of_the_steps_matters() -> None:
    blur_first = chain(IMAGE, {"kernel": "gaussian"}, {"kernel": "edge"})
    edge_first = chain(IMAGE, {"kernel": "edge"}, {"kernel": "gaussian"})
    assert not np.array_equal(blur_first, edge_first)


def test_every_step_is_clipped_like_a_request_of_its_own() -> None:
    bright = np.full((3, 3, 1), 200, np.uint8)
    doubled_then_halved = chain(
        bright, {"kernel": "custom", "weights": [[2]]}, {"kernel": "custom", "weights": [[0.5]]}
    )
    assert (doubled_then_halved == 128).all()  # 255 / 2
    raw = chain(
        bright, {"kernel": "custom", "weights": [[2]], "response": "raw"}, {"kernel": "custom", "weights": [[0.5]]}
    )
    assert (raw == 200).all()
    assert raw.dtype == np.uint8


def test_a_step_inherits_the_settings_that_it_does_not_set() -> None:
    shared = chain(IMAGE, {"kernel": "gaussian", "border": "wrap", "sigma": 1}, {"kernel": "edge"}, border="zero")
    separate = convolve(convolve(IMAGE.astype(np.float32), "gaussian", border="wrap", sigma=1), "edge", border="zero")
    np.testing.assert_array_equal(shared, np.rint(separate))


def test_a_shared_parameter_applies_to_the_kernels_that_have_it() -> None:
    shared = chain(IMAGE, {"kernel": "gaussian"}, {"kernel": "edge"}, sigma=1.1)
    np.testing.assert_array_equal(shared, chain(IMAGE, {"kernel": "gaussian", "sigma": 1.1}, {"kernel": "edge"}))
    assert not np.array_equal(shared, chain(IMAGE, {"kernel": "gaussian"}, {"kernel": "edge"}))


def test_the_parameter_of_a_step_overrides_the_shared_one() -> None:
    own = chain(IMAGE, {"kernel": "gaussian", "sigma": 1.1}, {"kernel": "log"}, sigma=2)
    np.testing.assert_array_equal(
        own, chain(IMAGE, {"kernel": "gaussian", "sigma": 1.1}, {"kernel": "log", "sigma": 2})
    )


def test_a_shared_parameter_of_no_kernel_is_rejected() -> None:
    with pytest.raises(KernelParameterError, match=r"No kernel of this request \(blur, edge\) has a parameter 'sigma'"):
        chain(IMAGE, {"kernel": "blur"}, {"kernel": "edge"}, sigma=2)


@pytest.mark.parametrize("count", [0, 11])
def test_a_chain_has_1_to_10_steps(count: int) -> None:
    with pytest.raises(KernelParameterError, match=f"has {count} steps; it may have 1 to 10"):
        chain(IMAGE, *[{"kernel": "identity"}] * count)
    np.testing.assert_array_equal(chain(IMAGE, *[{"kernel": "identity"}] * 10), IMAGE)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"kernel": "gaussian", "sigma": 999}, "Step 2 (gaussian): sigma is 999"),
        ({"kernel": "edge", "sigma": 2}, "Step 2 (edge): The kernel 'edge' has no parameter 'sigma'"),
        ({"kernel": "custom"}, "Step 2 (custom): The kernel 'custom' needs weights"),
        ({"kernel": "edge", "weights": "1;2"}, "Step 2 (edge): 'weights' belongs to the kernel 'custom'"),
        ({"kernel": "edge", "amount": 2}, "Step 2 (edge): amount is 2"),
    ],
)
def test_an_error_names_the_step(operation: dict[str, Any], message: str) -> None:
    with pytest.raises(KernelParameterError, match=re.escape(message)):
        chain(IMAGE, {"kernel": "blur"}, operation)


def test_an_unknown_kernel_in_a_chain_is_named() -> None:
    with pytest.raises(UnknownKernelError, match=r"^Step 2: There is no kernel named 'embos'") as caught:
        chain(IMAGE, {"kernel": "blur"}, {"kernel": "embos"})
    assert caught.value.nearest[0] == "emboss"


def test_the_planned_sizes_are_those_of_the_reports() -> None:
    operations = [{"kernel": "gaussian", "stride": 2}, {"kernel": "blur", "border": "valid"}, {"kernel": "roberts"}]
    steps = resolve_chain([Operation.model_validate(operation) for operation in operations], Catalogue())
    reports = apply_steps(IMAGE, steps).reports
    plans = plan_chain(steps, Shape(15, 18, 3))
    assert [(plan.rows, plan.columns) for plan in plans] == [(each.rows, each.columns) for each in reports]
    assert [(plan.after.height, plan.after.width) for plan in plans] == [(8, 9), (6, 7), (6, 7)]


def test_a_plan_names_the_step_that_does_not_fit() -> None:
    small = Operation(kernel="box", border="valid", size=9)
    steps = resolve_chain([small, small], Catalogue())
    with pytest.raises(KernelParameterError, match=r"Step 2 \(box\): A kernel that spans 9 pixels does not fit into 7"):
        plan_chain(steps, Shape(15, 18, 3))


# -- reports


def test_minimum_and_maximum_are_measured_before_clipping() -> None:
    image = np.array([[0, 100, 200, 250]], np.uint8)[:, :, None]
    (only,) = report(image, {"kernel": "custom", "weights": [[2]], "bias": -50})
    assert (only.minimum, only.maximum) == (-50, 450)  # -50, 150, 350, 450
    assert only.clipped_percent == 75


@pytest.mark.parametrize(
    ("response", "clipped"), [("clip", 75), ("abs", 50), ("offset", 50), ("rescale", 0), ("raw", 0)]
)
def test_clipped_percent_follows_the_response(response: str, clipped: float) -> None:
    image = np.array([[-300, -200, 100, 600]], np.float32)[:, :, None]
    (only,) = report(image, {"kernel": "identity", "response": response})
    assert only.clipped_percent == clipped


@pytest.mark.parametrize(("value", "clipped"), [(254.9, 0), (255.1, 100), (-256.9, 0), (-257.1, 100)])
def test_offset_clips_at_twice_the_distance_from_mid_grey(value: float, clipped: float) -> None:
    image = np.full((1, 1, 1), value, np.float32)
    assert report(image, {"kernel": "identity", "response": "offset"})[0].clipped_percent == clipped


def test_rounding_is_not_reported_as_clipping() -> None:
    image = np.array([[-0.4, 255.4]], np.float32)[:, :, None]
    assert report(image, {"kernel": "identity"})[0].clipped_percent == 0


def test_each_step_has_its_own_report() -> None:
    first, second = report(IMAGE, {"kernel": "gaussian", "sigma": 1}, {"kernel": "edge", "stride": 2})
    assert first.minimum is not None
    assert first.minimum >= 0
    assert second.minimum is not None
    assert second.minimum < 0
    assert (first.rows.output, first.columns.output) == (15, 18)
    assert (second.rows.output, second.columns.output) == (8, 9)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"kernel": "blur"}, 15 * 18 * 3 * 9),
        ({"kernel": "blur", "stride": 2}, 8 * 9 * 3 * 9),
        ({"kernel": "blur", "border": "valid"}, 13 * 16 * 3 * 9),
        ({"kernel": "blur", "channels": "gray"}, 15 * 18 * 9),
        ({"kernel": "blur", "channels": "rb"}, 15 * 18 * 2 * 9),
        ({"kernel": "sobel"}, 15 * 18 * 3 * 9 * 2),
        ({"kernel": "kirsch"}, 15 * 18 * 3 * 9 * 8),
        ({"kernel": "custom", "weights": "1,2;3,4;5,6"}, 15 * 18 * 3 * 6),
    ],
)
def test_multiply_adds_count_every_weight_of_every_result(operation: dict[str, Any], expected: int) -> None:
    assert report(IMAGE, operation)[0].multiply_adds == expected


def test_a_chain_whose_values_overflow_is_rejected() -> None:
    huge = {"kernel": "custom", "weights": [[1e6]], "response": "raw"}
    assert np.isfinite(chain(IMAGE, *[huge] * 5)).all()
    with pytest.raises(KernelParameterError, match="exceed the range of float32"):
        chain(IMAGE, *[huge] * 7, {"kernel": "edge"})


def test_a_kernel_that_does_not_fit_is_rejected_with_the_size_that_fits() -> None:
    with pytest.raises(KernelParameterError, match="at least 19") as caught:
        convolve(IMAGE, np.ones((3, 10)), border="valid", dilation=(1, 2))
    assert caught.value.parameter == "border"
