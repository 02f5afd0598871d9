"""Blurs longer than 63 pixels equal SciPy's in float64, and cost their length."""

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from kernels import KernelParameterError, convolve
from kernels.apply.filter import apply_steps
from kernels.apply.layout import count_multiply_adds, lay_out_step
from kernels.apply.sparse_lines import bound_error
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_step
from kernels.product import Product
from kernels.settings import FilterSettings
from tests.kernels.noise import draw_noise
from tests.support import reference

MODES = {"edge": "nearest", "zero": "constant", "reflect": "mirror", "symmetric": "reflect", "wrap": "grid-wrap"}
BORDERS = (*MODES, "valid")


def make_step(name: str, **settings: Any) -> Step:
    return resolve_step(name, FilterSettings(**settings), Catalogue())


def correlate_exactly(image: NDArray[Any], column: NDArray[Any], row: NDArray[Any], border: str) -> reference.Plane:
    """In float64, from the sources of the padded pixels."""
    result = image.astype(np.float64)
    for axis, line in enumerate((column, row)):
        sources = reference.find_sources(image.shape[axis], len(line), border)
        extended = np.take(result, sources, axis)
        extended[(sources < 0, slice(None))[:: 1 if axis == 0 else -1]] = 0
        result = sliding_window_view(extended, len(line), axis) @ line
    return result


def make_gaussian_line(sigma: float) -> NDArray[np.float64]:
    line = np.exp(-(np.arange(-np.ceil(3 * sigma), np.ceil(3 * sigma) + 1) ** 2) / (2 * sigma**2))
    return line / line.sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("sigma", [20, 60, 200])
def test_the_gaussian_equals_scipy(sigma: int, border: str, dtype: Any) -> None:
    image = draw_noise(sigma, 211, 233, 1, dtype=dtype)
    image[:100, :90] //= 8  # a blur of noise alone is nearly uniform
    exact = ndimage.gaussian_filter(
        image[:, :, 0].astype(np.float64),
        sigma,
        radius=3 * sigma,
        mode=MODES[border],
    )
    result = convolve(image, "gaussian", sigma=sigma, border=border)
    reference.assert_equal_to_rounding(result[:, :, 0], exact, np.iinfo(dtype).max)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (65, 64), (17, 1000)])
@pytest.mark.parametrize("border", BORDERS)
def test_images_of_any_shape_equal_the_definition(border: str, shape: tuple[int, int]) -> None:
    image = draw_noise(3, *shape, 3)
    if border == "valid":
        with pytest.raises(KernelParameterError, match="does not fit into"):
            convolve(image, "gaussian", sigma=11, border=border)
        return
    line = make_gaussian_line(11)
    exact = np.stack([correlate_exactly(plane, line, line, border) for plane in np.moveaxis(image, 2, 0)], axis=2)
    reference.assert_equal_to_rounding(convolve(image, "gaussian", sigma=11, border=border), exact)


def test_valid_shrinks_the_image() -> None:
    image = draw_noise(4, 1210, 1215, 1)
    image[:, :600] //= 3
    line = make_gaussian_line(200)
    result = convolve(image, "gaussian", sigma=200, border="valid")
    assert result.shape == (10, 15, 1)
    reference.assert_equal_to_rounding(result[:, :, 0], correlate_exactly(image[:, :, 0], line, line, "valid"))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [65, 401, 1001])
def test_the_box_equals_scipy(size: int, border: str) -> None:
    side = size + 20 if border == "valid" else 300
    image = draw_noise(size, side, side + 7, 1)
    image[: side // 3] //= 5
    line = np.full(size, 1 / size)
    exact = correlate_exactly(image[:, :, 0], line, line, border)
    if border != "valid" and size < 4 * side:
        other = ndimage.uniform_filter(image[:, :, 0].astype(np.float64), size, mode=MODES[border])
        np.testing.assert_allclose(exact, other, atol=1e-6)
    reference.assert_equal_to_rounding(convolve(image, "box", size=size, border=border)[:, :, 0], exact)


@pytest.mark.parametrize("angle", [0, 90, 180, -90, 270, 360])
def test_a_long_motion_is_the_mean_along_its_axis(angle: float) -> None:
    """100.5 pixels: 99 whole ones, and 0.75 of the pixel at each end."""
    image = draw_noise(6, 150, 160, 3)
    line = np.ones(101)
    line[[0, -1]] = 0.75
    line /= 100.5
    is_row = angle % 180 == 0
    exact = np.stack(
        [
            correlate_exactly(plane, np.ones(1) if is_row else line, line if is_row else np.ones(1), "reflect")
            for plane in np.moveaxis(image, 2, 0)
        ],
        axis=2,
    )
    result = convolve(image, "motion", length=100.5, angle=angle, border="reflect")
    reference.assert_equal_to_rounding(result, exact)


@pytest.mark.parametrize("settings", [{"length": 64, "angle": 30}, {"length": 20, "size": 65, "angle": 1}])
def test_a_long_motion_lies_along_an_axis(settings: dict[str, float]) -> None:
    with pytest.raises(KernelParameterError, match=r"is 6\d at an angle of \d+°; it may be 1 to 63") as caught:
        make_step("motion", **settings)
    assert caught.value.parameter == ("size" if "size" in settings else "length")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("gaussian", {"sigma": 200.5}, "sigma is 200.5; it may be 0.1 to 200"),
        ("gaussian", {"sigma": 50, "size": 1203}, "size is 1203; it may be 1 to 1201"),
        ("box", {"size": 1003}, "size is 1003; it may be 1 to 1001"),
        ("motion", {"length": 1002}, "length is 1002; it may be 1 to 1001"),
        ("disk", {"size": 65}, "size is 65; it may be 1 to 63"),
        ("unsharp", {"sigma": 11}, "sigma is 11; it may be 0.1 to 10.3"),
    ],
)
def test_lengths_above_the_limit_are_rejected(name: str, settings: dict[str, float], message: str) -> None:
    with pytest.raises(KernelParameterError, match=message):
        make_step(name, **settings)


def test_results_at_the_limit_of_a_table_agree_on_both_sides() -> None:
    """63 × 63 is a table, 65 × 65 a product; the wider one has 1/9000 of its weight outside of the other."""
    image = draw_noise(7, 90, 90, 3)
    table = convolve(image, "gaussian", sigma=8, size=63).astype(int)
    product = convolve(image, "gaussian", sigma=8, size=65).astype(int)
    assert np.abs(table - product).max() <= 1


@pytest.mark.parametrize("stride", [(1, 1), (2, 3), (8, 5)])
@pytest.mark.parametrize("dilation", [(1, 1), (3, 2)])
def test_stride_and_dilation_equal_the_reference(stride: tuple[int, int], dilation: tuple[int, int]) -> None:
    image = draw_noise(8, 60, 70, 3)
    line = np.full(65, 1 / 65)
    exact = reference.correlate(image, np.outer(line, line), "reflect", stride, dilation)
    result = convolve(image, "box", size=65, border="reflect", stride=stride, dilation=dilation)
    reference.assert_equal_to_rounding(result, exact)


def test_an_anchor_moves_the_result() -> None:
    image = draw_noise(9, 80, 90, 1)
    moved = convolve(image, "box", size=65, anchor=(30, 35))
    np.testing.assert_array_equal(moved[3:, :-2], convolve(image, "box", size=65)[:-3, 2:])


def test_transparent_pixels_have_no_weight() -> None:
    image = draw_noise(10, 120, 130, 4)
    image[:, :65, 3] = 0
    colours, alpha = image[:, :, :3].astype(np.float64), image[:, :, 3] / 255
    line = make_gaussian_line(15)
    covered = correlate_exactly(alpha, line, line, "edge")
    weighted = np.stack(
        [correlate_exactly(colours[:, :, index] * alpha, line, line, "edge") for index in range(3)], axis=2
    )
    result = convolve(image, "gaussian", sigma=15)
    reference.assert_equal_to_rounding(result[:, :, 3], covered * 255)
    visible = covered > 0.02
    reference.assert_equal_to_rounding(result[visible][:, :3], weighted[visible] / covered[visible][:, None])


def test_a_mix_of_an_opaque_image_is_a_share_of_the_blur() -> None:
    image = draw_noise(11, 50, 50, 4)
    image[:, :, 3] = 255
    line = make_gaussian_line(30)
    blurred = correlate_exactly(image[:, :, 1], line, line, "edge")
    result = convolve(image, "gaussian", sigma=30, amount=0.25)
    reference.assert_equal_to_rounding(result[:, :, 1], 0.25 * blurred + 0.75 * image[:, :, 1])
    assert (result[:, :, 3] == 255).all()


def test_a_large_image_equals_the_definition() -> None:
    """Several batches of lines and several strips."""
    image = draw_noise(12, 1100, 1900, 1)
    image[:500, 300:900] //= 4
    line = make_gaussian_line(25)
    exact = ndimage.gaussian_filter(image[:, :, 0].astype(np.float64), 25, radius=75, mode="mirror")
    assert len(line) == 151
    reference.assert_equal_to_rounding(convolve(image, "gaussian", sigma=25, border="reflect")[:, :, 0], exact)


def test_the_cost_is_linear_in_the_length() -> None:
    def count(sigma: float) -> int:
        step = make_step("gaussian", sigma=sigma)
        return count_multiply_adds(step, *lay_out_step(step, 1080, 1920), 3)

    values = 1080 * 1920 * 3
    assert values * 2 * 1201 <= count(200) <= values * 2 * 1201 * 1.05
    assert 1.8 < count(200) / count(100) < 2.1
    assert make_step("gaussian", sigma=200).kernel.shape == (1201, 1201)
    assert isinstance(make_step("gaussian", sigma=200).kernel.parts[0], Product)


# -- exact=false


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    ("name", "settings", "way"),
    [
        ("gaussian", {"sigma": 20}, "interpolated"),
        ("gaussian", {"sigma": 60}, "interpolated"),
        ("box", {"size": 151}, "running-sums"),
        ("motion", {"length": 120.5, "angle": 90}, "running-sums"),
    ],
)
def test_the_faster_algorithm_is_within_half_a_level(
    name: str, settings: dict[str, Any], way: str, border: str
) -> None:
    """Black and white noise in blocks, the range of which is the largest possible."""
    blocks = np.random.default_rng(13).integers(0, 2, (40, 41, 1), np.uint8) * 255
    for dtype, block in ((np.uint8, 10), (np.uint8, 25), (np.uint16, 10)):
        image = np.kron(blocks, np.ones((block, block, 1), np.uint8)).astype(dtype)[:500, :510] * (
            257 if dtype == np.uint16 else 1
        )
        step = make_step(name, exact=False, border=border, **settings)
        result = apply_steps(image, [step])
        column, row = step.kernel.parts[0].column, step.kernel.parts[0].row  # type: ignore[union-attr]
        exact = correlate_exactly(image[:, :, 0], column, row, border)
        assert np.abs(result.image[:, :, 0] - exact).max() <= 1, "half a level, and half for the rounding"
        if dtype == np.uint8:
            assert result.backend == way


@pytest.mark.parametrize(("sigma", "spacing"), [(20, 7), (60, 20), (200, 60)])
def test_the_bound_of_the_error_is_that_of_the_worst_image(sigma: int, spacing: int) -> None:
    """The worst image has white where the exact line minus the interpolated one is positive."""
    line = make_gaussian_line(sigma)
    reach = len(line) // 2
    worst = 0.0
    for offset in range(1, spacing):
        t = offset / spacing
        nodes = np.array([-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2,
                          -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6])  # fmt: skip
        positions = np.arange(-reach - 2 * spacing, reach + 3 * spacing)
        difference = np.interp(positions - offset, np.arange(-reach, reach + 1), line, 0, 0)
        for node, weight in zip((-1, 0, 1, 2), nodes, strict=True):
            difference = difference - weight * np.interp(
                positions - node * spacing, np.arange(-reach, reach + 1), line, 0, 0
            )
        worst = max(worst, float(difference[difference > 0].sum()))
    assert bound_error(line, spacing) == pytest.approx(worst, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "channels", "linear"),
    [({"response": "rescale"}, 3, False), ({}, 4, False), ({}, 3, True), ({"dilation": 2}, 3, False)],
)
def test_where_an_error_would_grow_the_result_is_exact(settings: dict[str, Any], channels: int, linear: bool) -> None:
    image = draw_noise(14, 60, 60, channels)
    exact = apply_steps(image, [make_step("gaussian", sigma=20, **settings)], linear=linear)
    result = apply_steps(image, [make_step("gaussian", sigma=20, exact=False, **settings)], linear=linear)
    np.testing.assert_array_equal(result.image, exact.image)
    assert result.backend == exact.backend == "passes"


def test_the_faster_algorithm_needs_fewer_multiplications() -> None:
    image = draw_noise(15, 300, 300, 3)
    for settings in ({"sigma": 60}, {"sigma": 200}):
        counts = [
            apply_steps(image, [make_step("gaussian", exact=exact, **settings)]).reports[0].multiply_adds
            for exact in (True, False)
        ]
        assert counts[1] < counts[0] / 5
