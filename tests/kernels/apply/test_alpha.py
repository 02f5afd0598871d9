"""Transparency: colours are weighted by alpha, and the colours of invisible pixels have no effect."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import convolve
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import resolve_step
from kernels.settings import FilterSettings

ZERO_SUM = [name for name in Catalogue() if Catalogue()[name].make_kernel().sum == 0]
RESPONSES = ("clip", "abs", "offset", "rescale", "raw")


def add_alpha(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    return np.dstack([colours, alpha]).astype(colours.dtype)


def draw_colours(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (16, 17, 3), np.uint8)


def draw_alpha(seed: int) -> NDArray[np.uint8]:
    """Blocks of 0 and of 255, and noise."""
    generator = np.random.default_rng(seed)
    alpha = generator.integers(0, 256, (16, 17), np.uint8)
    alpha[:7, :9] = 0
    alpha[9:, 10:] = 255
    return alpha


@pytest.mark.parametrize("settings", [{}, {"response": "rescale"}, {"response": "raw"}, {"amount": 0.5},
                                      {"alpha": "keep"}, {"alpha": "filter"}, {"channels": "luma"},
                                      {"channels": "gray"}, {"channels": "g"}, {"bias": 40}, {"stride": 2},
                                      {"amount": 0.5, "response": "rescale"}, {"linear": True}])  # fmt: skip
@pytest.mark.parametrize("name", Catalogue())
def test_the_colour_of_transparent_pixels_has_no_effect(name: str, settings: dict[str, Any]) -> None:
    alpha = draw_alpha(1)
    colours = draw_colours(2)
    others = np.where(alpha[:, :, None] == 0, draw_colours(3), colours)
    assert not np.array_equal(colours, others)
    if name == "unsharp" and "amount" in settings:
        settings = {**settings, "amount": 3}
    arguments = {"border": "wrap", **settings}
    np.testing.assert_array_equal(
        convolve(add_alpha(colours, alpha), name, **arguments), convolve(add_alpha(others, alpha), name, **arguments)
    )


@pytest.mark.parametrize("name", ["lighten", "edge", "blur", "sharpen"])
def test_the_colour_of_transparent_pixels_is_not_in_the_report(name: str) -> None:
    alpha = draw_alpha(4)
    colours = draw_colours(5)
    reports = []
    for hidden in (0, 255):
        image = add_alpha(np.where(alpha[:, :, None] == 0, np.uint8(hidden), colours), alpha)
        step = resolve_step(name, FilterSettings(amount=0.9), Catalogue())
        report = apply_steps(image, [step]).reports[0]
        reports.append((report.minimum, report.maximum, report.clipped_percent))
    assert reports[0] == reports[1]


def test_rescale_stretches_the_range_of_visible_pixels() -> None:
    image = np.array([[[100, 255], [120, 255], [150, 128], [10, 0]]], np.uint8)
    assert convolve(image, "identity", response="rescale")[0, :3, 0].tolist() == [0, 102, 255]


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "zero"])
@pytest.mark.parametrize("alpha_rule", ["auto", "keep", "filter"])
@pytest.mark.parametrize("name", ["blur", "gaussian", "motion", "sharpen", "unsharp", "emboss"])
def test_a_uniform_colour_is_preserved_for_any_alpha(name: str, alpha_rule: str, border: str) -> None:
    uniform = np.broadcast_to(np.array([200, 30, 90], np.uint8), (16, 17, 3))
    image = add_alpha(uniform, draw_alpha(6))
    settings: dict[str, Any] = {"divisor": "auto"} if name == "emboss" else {}
    result = convolve(image, name, alpha=alpha_rule, border=border, **settings)
    visible = result[:, :, 3] > 0
    assert visible.any()
    assert (result[visible][:, :3] == [200, 30, 90]).all()


def test_a_uniform_colour_is_preserved_if_the_kernel_cancels_alpha() -> None:
    """With `sharpen`, 5 × 51 - 255 = 0: the alpha-weighted sum and its weight are 0, but the pixel is visible."""
    alpha = np.full((3, 3), 51, np.uint8)
    alpha[0, 1] = alpha[1, 0] = 51
    alpha[1, 2], alpha[2, 1] = 102, 51
    image = add_alpha(np.full((3, 3, 3), 200, np.uint8), alpha)
    result = convolve(image, "sharpen", alpha="keep")
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("name", ZERO_SUM)
def test_a_uniform_colour_has_no_edges_for_any_alpha(name: str) -> None:
    uniform = np.broadcast_to(np.array([200, 30, 90], np.uint8), (16, 17, 3))
    image = add_alpha(uniform, draw_alpha(7))
    result = convolve(image, name)
    assert not result[:, :, :3].any()
    np.testing.assert_array_equal(result[:, :, 3], image[:, :, 3])


@pytest.mark.parametrize("name", ZERO_SUM)
def test_kernels_that_sum_to_0_keep_alpha(name: str) -> None:
    image = add_alpha(draw_colours(8), draw_alpha(9))
    result = convolve(image, name)
    np.testing.assert_array_equal(result[:, :, 3], image[:, :, 3])
    assert result[:, :, :3].any()


@pytest.mark.parametrize("name", ["blur", "box", "gaussian", "disk", "motion", "average"])
def test_kernels_that_sum_to_1_filter_alpha(name: str) -> None:
    image = add_alpha(draw_colours(10), draw_alpha(11)).astype(np.float32)
    blurred = convolve(image[:, :, 3], name)
    assert np.abs(blurred - image[:, :, 3]).max() > 50
    np.testing.assert_allclose(convolve(image, name)[:, :, 3], blurred, atol=1e-3)
    np.testing.assert_array_equal(convolve(image, name, alpha="keep")[:, :, 3], image[:, :, 3])


@pytest.mark.parametrize(
    "settings",
    [
        {"weights": [[0.1, 0.1, 0.1]], "divisor": 0.3},
        {"weights": "1/3,1/3,1/3;"},
        {"weights": [[0.7, 0.7]], "divisor": "1.4"},
    ],
)
def test_a_sum_with_a_rounding_error_counts_as_1(settings: dict[str, Any]) -> None:
    image = add_alpha(draw_colours(12), draw_alpha(13)).astype(np.float32)
    plain = convolve(image[:, :, 3], "custom", **settings)
    np.testing.assert_allclose(convolve(image, "custom", **settings)[:, :, 3], plain, atol=1e-3)


def test_every_mix_of_a_blur_with_the_original_filters_alpha() -> None:
    image = add_alpha(draw_colours(14), draw_alpha(15)).astype(np.float32)
    for hundredths in range(1, 100):
        amount = hundredths / 100
        expected = convolve(image[:, :, 3], "blur", amount=amount)
        result = convolve(image, "blur", amount=amount)[:, :, 3]
        np.testing.assert_allclose(result, expected, atol=1e-3, err_msg=str(amount))


def test_alpha_is_kept_if_only_some_channels_or_the_brightness_are_filtered() -> None:
    image = add_alpha(draw_colours(16), draw_alpha(17))
    for channels in ("luma", "r", "gb"):
        np.testing.assert_array_equal(convolve(image, "blur", channels=channels)[:, :, 3], image[:, :, 3])


def test_alpha_filter_applies_any_kernel_to_alpha() -> None:
    image = add_alpha(draw_colours(18), draw_alpha(19)).astype(np.float32)
    for name in ("edge", "sobel", "blur", "darken"):
        expected = convolve(image[:, :, 3], name)
        assert np.abs(expected - image[:, :, 3]).max() > 50
        result = convolve(image, name, alpha="filter")[:, :, 3]
        np.testing.assert_allclose(result, expected, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "valid"])
def test_an_opaque_image_gives_the_result_without_alpha(border: str, response: str) -> None:
    colours = np.random.default_rng(20).uniform(0, 255, (20, 21, 3)).astype(np.float32)
    image = add_alpha(colours, np.full((20, 21), 255))
    for name in Catalogue():
        expected = convolve(colours, name, border=border, response=response)
        result = convolve(image, name, border=border, response=response)
        np.testing.assert_allclose(result[:, :, :3], expected, atol=0.01, err_msg=name)
        np.testing.assert_allclose(result[:, :, 3], 255, atol=0.01)


def test_a_zero_border_is_transparent_with_alpha_and_black_without() -> None:
    colours = draw_colours(21)
    opaque = add_alpha(colours, np.full((16, 17), 255, np.uint8))
    expected = np.dstack([convolve(colours, "average", border="zero"), np.full((16, 17), 255)])
    np.testing.assert_array_equal(convolve(opaque, "average", border="zero"), expected)

    alpha = np.full((16, 17), 255, np.uint8)
    alpha[8, 8] = 254
    image = add_alpha(colours, alpha)
    result = convolve(image, "average", border="zero").astype(np.float64)
    assert result[0, 0, 3] == np.rint(255 * 4 / 9)
    over_black = result[:, :, :3] * result[:, :, 3:] / 255
    assert np.abs(over_black - convolve(colours, "average", border="zero")).max() < 1.01
    uniform = add_alpha(np.full((16, 17, 3), 90, np.uint8), alpha)
    assert not convolve(uniform, "edge", border="zero")[:, :, :3].any()


def test_the_weight_of_a_neighbour_is_its_alpha() -> None:
    """By hand, mean of three: (100·255 + 200·51 + 0) / (255 + 51 + 0) = 116.67, alpha (255 + 51 + 0) / 3 = 102."""
    image = np.array([[[100, 255], [200, 51], [77, 0]]], np.uint8)
    result = convolve(image, [[1, 1, 1]], divisor=3)
    assert result[0, 1].tolist() == [117, 102]


def test_with_kept_alpha_the_weight_of_a_neighbour_is_its_relative_alpha() -> None:
    """By hand: the pixel is 100 with alpha 102; its neighbour of 200 with alpha 51 has half of the weight."""
    image = np.array([[[100, 102], [200, 51]]], np.uint8)
    assert convolve(image, [[-1, 1]], response="raw")[0, 0].tolist() == pytest.approx([50, 102])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_faint_pixels_keep_their_colour(dtype: Any) -> None:
    image = np.full((5, 5, 4), np.iinfo(dtype).max, dtype)
    image[:, :, :3] //= 3
    image[:, :, 3] = 1
    np.testing.assert_array_equal(convolve(image, "blur"), image)
    np.testing.assert_array_equal(convolve(image, "identity"), image)


def test_grey_with_alpha_equals_colour_with_alpha() -> None:
    grey, alpha = draw_colours(22)[:, :, 0], draw_alpha(23)
    for name in Catalogue():
        small = convolve(add_alpha(grey, alpha), name)
        large = convolve(add_alpha(np.dstack([grey] * 3), alpha), name)
        np.testing.assert_array_equal(small[:, :, 0], large[:, :, 1], err_msg=name)
        np.testing.assert_array_equal(small[:, :, 1], large[:, :, 3], err_msg=name)


def test_alpha_is_not_gamma_encoded() -> None:
    image = add_alpha(draw_colours(24), draw_alpha(25))
    np.testing.assert_array_equal(convolve(image, "blur", linear=True)[:, :, 3], convolve(image, "blur")[:, :, 3])


def test_a_transparent_image_stays_transparent() -> None:
    image = add_alpha(draw_colours(26), np.zeros((16, 17), np.uint8))
    for response in RESPONSES:
        for name in ("blur", "edge", "lighten"):
            assert not convolve(image, name, response=response).any()
