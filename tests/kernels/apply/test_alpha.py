"""What transparency does: colour counts by how much of it is seen, and what is hidden never shows."""

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


def cut_out(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    return np.dstack([colours, alpha]).astype(colours.dtype)


def draw_colours(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (16, 17, 3), np.uint8)


def draw_holes(seed: int) -> NDArray[np.uint8]:
    """Alpha of every kind: whole blocks at 0 and at 255, and anything between."""
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
def test_the_colour_hidden_under_transparent_pixels_never_matters(name: str, settings: dict[str, Any]) -> None:
    alpha = draw_holes(1)
    colours = draw_colours(2)
    others = np.where(alpha[:, :, None] == 0, draw_colours(3), colours)
    assert not np.array_equal(colours, others)
    if name == "unsharp" and "amount" in settings:
        settings = {**settings, "amount": 3}
    arguments = {"border": "wrap", **settings}
    np.testing.assert_array_equal(
        convolve(cut_out(colours, alpha), name, **arguments), convolve(cut_out(others, alpha), name, **arguments)
    )


@pytest.mark.parametrize("name", ["lighten", "edge", "blur", "sharpen"])
def test_hidden_colour_is_in_no_report(name: str) -> None:
    alpha = draw_holes(4)
    colours = draw_colours(5)
    reports = []
    for hidden in (0, 255):
        image = cut_out(np.where(alpha[:, :, None] == 0, np.uint8(hidden), colours), alpha)
        step = resolve_step(name, FilterSettings(amount=0.9), Catalogue())
        report = apply_steps(image, [step]).reports[0]
        reports.append((report.minimum, report.maximum, report.clipped_percent))
    assert reports[0] == reports[1]


def test_rescale_stretches_what_is_seen() -> None:
    image = np.array([[[100, 255], [120, 255], [150, 128], [10, 0]]], np.uint8)
    assert convolve(image, "identity", response="rescale")[0, :3, 0].tolist() == [0, 102, 255]


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "zero"])
@pytest.mark.parametrize("alpha_rule", ["auto", "keep", "filter"])
@pytest.mark.parametrize("name", ["blur", "gaussian", "motion", "sharpen", "unsharp", "emboss"])
def test_an_even_colour_keeps_its_value_under_any_alpha(name: str, alpha_rule: str, border: str) -> None:
    even = np.broadcast_to(np.array([200, 30, 90], np.uint8), (16, 17, 3))
    image = cut_out(even, draw_holes(6))
    settings: dict[str, Any] = {"divisor": "auto"} if name == "emboss" else {}
    result = convolve(image, name, alpha=alpha_rule, border=border, **settings)
    seen = result[:, :, 3] > 0
    assert seen.any()
    assert (result[seen][:, :3] == [200, 30, 90]).all()


def test_an_even_colour_survives_kept_alpha_that_the_kernel_cancels() -> None:
    """Under `sharpen` 5 × 51 - 255 = 0: the alpha-weighted sum and its weight are both 0, yet the pixel is seen."""
    alpha = np.full((3, 3), 51, np.uint8)
    alpha[0, 1] = alpha[1, 0] = 51
    alpha[1, 2], alpha[2, 1] = 102, 51
    image = cut_out(np.full((3, 3, 3), 200, np.uint8), alpha)
    result = convolve(image, "sharpen", alpha="keep")
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("name", ZERO_SUM)
def test_an_even_colour_has_no_edges_whatever_its_alpha(name: str) -> None:
    even = np.broadcast_to(np.array([200, 30, 90], np.uint8), (16, 17, 3))
    image = cut_out(even, draw_holes(7))
    result = convolve(image, name)
    assert not result[:, :, :3].any()
    np.testing.assert_array_equal(result[:, :, 3], image[:, :, 3])


@pytest.mark.parametrize("name", ZERO_SUM)
def test_alpha_is_kept_by_kernels_that_sum_to_0(name: str) -> None:
    image = cut_out(draw_colours(8), draw_holes(9))
    result = convolve(image, name)
    np.testing.assert_array_equal(result[:, :, 3], image[:, :, 3])
    assert result[:, :, :3].any()


@pytest.mark.parametrize("name", ["blur", "box", "gaussian", "disk", "motion", "average"])
def test_alpha_is_blurred_by_kernels_that_sum_to_1(name: str) -> None:
    image = cut_out(draw_colours(10), draw_holes(11)).astype(np.float32)
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
def test_a_sum_counts_as_1_in_spite_of_what_floating_point_leaves(settings: dict[str, Any]) -> None:
    image = cut_out(draw_colours(12), draw_holes(13)).astype(np.float32)
    plain = convolve(image[:, :, 3], "custom", **settings)
    np.testing.assert_allclose(convolve(image, "custom", **settings)[:, :, 3], plain, atol=1e-3)


def test_every_mix_of_a_blur_with_the_original_filters_alpha() -> None:
    image = cut_out(draw_colours(14), draw_holes(15)).astype(np.float32)
    for hundredths in range(1, 100):
        amount = hundredths / 100
        expected = convolve(image[:, :, 3], "blur", amount=amount)
        result = convolve(image, "blur", amount=amount)[:, :, 3]
        np.testing.assert_allclose(result, expected, atol=1e-3, err_msg=str(amount))


def test_alpha_is_kept_where_only_some_channels_or_the_brightness_are_blurred() -> None:
    image = cut_out(draw_colours(16), draw_holes(17))
    for channels in ("luma", "r", "gb"):
        np.testing.assert_array_equal(convolve(image, "blur", channels=channels)[:, :, 3], image[:, :, 3])


def test_alpha_filter_applies_the_kernel_to_alpha_too() -> None:
    image = cut_out(draw_colours(18), draw_holes(19)).astype(np.float32)
    for name in ("edge", "sobel", "blur", "darken"):
        expected = convolve(image[:, :, 3], name)
        assert np.abs(expected - image[:, :, 3]).max() > 50
        result = convolve(image, name, alpha="filter")[:, :, 3]
        np.testing.assert_allclose(result, expected, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "valid"])
def test_an_opaque_image_gives_what_it_gives_without_alpha(border: str, response: str) -> None:
    colours = np.random.default_rng(20).uniform(0, 255, (20, 21, 3)).astype(np.float32)
    image = cut_out(colours, np.full((20, 21), 255))
    for name in Catalogue():
        expected = convolve(colours, name, border=border, response=response)
        result = convolve(image, name, border=border, response=response)
        np.testing.assert_allclose(result[:, :, :3], expected, atol=0.01, err_msg=name)
        np.testing.assert_allclose(result[:, :, 3], 255, atol=0.01)


def test_beyond_a_zero_border_an_image_with_alpha_is_transparent_and_an_opaque_one_black() -> None:
    colours = draw_colours(21)
    opaque = cut_out(colours, np.full((16, 17), 255, np.uint8))
    expected = np.dstack([convolve(colours, "average", border="zero"), np.full((16, 17), 255)])
    np.testing.assert_array_equal(convolve(opaque, "average", border="zero"), expected)

    alpha = np.full((16, 17), 255, np.uint8)
    alpha[8, 8] = 254
    image = cut_out(colours, alpha)
    result = convolve(image, "average", border="zero").astype(np.float64)
    assert result[0, 0, 3] == np.rint(255 * 4 / 9)
    over_black = result[:, :, :3] * result[:, :, 3:] / 255
    assert np.abs(over_black - convolve(colours, "average", border="zero")).max() < 1.01
    even = cut_out(np.full((16, 17, 3), 90, np.uint8), alpha)
    assert not convolve(even, "edge", border="zero")[:, :, :3].any()


def test_a_neighbour_counts_by_its_alpha() -> None:
    """By hand, mean of three: (100·255 + 200·51 + 0) / (255 + 51 + 0) = 116.67, alpha (255 + 51 + 0) / 3 = 102."""
    image = np.array([[[100, 255], [200, 51], [77, 0]]], np.uint8)
    result = convolve(image, [[1, 1, 1]], divisor=3)
    assert result[0, 1].tolist() == [117, 102]


def test_a_kept_pixel_takes_neighbours_by_their_alpha_relative_to_its_own() -> None:
    """By hand: own colour 100 at alpha 102; the neighbour 200 at 51 differs by 100, half of which counts."""
    image = np.array([[[100, 102], [200, 51]]], np.uint8)
    assert convolve(image, [[-1, 1]], response="raw")[0, 0].tolist() == pytest.approx([50, 102])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_faint_pixels_keep_their_colour(dtype: Any) -> None:
    image = np.full((5, 5, 4), np.iinfo(dtype).max, dtype)
    image[:, :, :3] //= 3
    image[:, :, 3] = 1
    np.testing.assert_array_equal(convolve(image, "blur"), image)
    np.testing.assert_array_equal(convolve(image, "identity"), image)


def test_grey_with_alpha_follows_the_same_rules_as_colour() -> None:
    grey, alpha = draw_colours(22)[:, :, 0], draw_holes(23)
    for name in Catalogue():
        small = convolve(cut_out(grey, alpha), name)
        large = convolve(cut_out(np.dstack([grey] * 3), alpha), name)
        np.testing.assert_array_equal(small[:, :, 0], large[:, :, 1], err_msg=name)
        np.testing.assert_array_equal(small[:, :, 1], large[:, :, 3], err_msg=name)


def test_alpha_is_not_gamma_coded() -> None:
    image = cut_out(draw_colours(24), draw_holes(25))
    np.testing.assert_array_equal(convolve(image, "blur", linear=True)[:, :, 3], convolve(image, "blur")[:, :, 3])


def test_a_wholly_transparent_image_stays_so() -> None:
    image = cut_out(draw_colours(26), np.zeros((16, 17), np.uint8))
    for response in RESPONSES:
        for name in ("blur", "edge", "lighten"):
            assert not convolve(image, name, response=response).any()
