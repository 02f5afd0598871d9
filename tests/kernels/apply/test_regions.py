"""Pixels outside of an area keep their bits; pixels inside are those of the filtered image."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from kernels import KernelParameterError, convolve, convolve_in_steps
from kernels.apply.filter import apply_steps
from kernels.apply.regions import apply_in_area, make_area, plan_area, plan_cutouts
from kernels.apply.shapes import Shape, plan_chain
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_chain, resolve_step
from kernels.regions import Rectangle
from kernels.settings import FilterSettings, Operation
from tests.kernels.noise import draw_noise
from tests.support import reference


def make_steps(*operations: tuple[str, dict[str, Any]]) -> list[Step]:
    return [resolve_step(name, FilterSettings(**settings), Catalogue()) for name, settings in operations]


CHAINS: list[list[tuple[str, dict[str, Any]]]] = [
    [("blur", {})],
    [("gaussian", {"sigma": 3, "border": "reflect"})],
    [("emboss", {"border": "zero", "anchor": (0, 2)})],
    [("gaussian", {"sigma": 12, "border": "symmetric"})],
    [("blur", {"border": "wrap"})],
    [("sobel", {}), ("box", {"size": 7, "border": "symmetric"})],
    [("edge", {"response": "raw"}), ("gaussian", {"sigma": 1, "response": "abs"})],
    [("laplacian", {"response": "rescale"})],
    [("sharpen", {"channels": "luma"})],
    [("median", {"size": 5})],
    [("box", {"size": 3, "channels": "r", "amount": 0.5})],
]
rectangles = st.tuples(st.integers(0, 28), st.integers(0, 22), st.integers(1, 30), st.integers(1, 24)).map(
    lambda edges: Rectangle(edges[0], edges[1], min(edges[2], 29 - edges[0]), min(edges[3], 23 - edges[1]))
)


def cover(regions: Sequence[Rectangle], height: int, width: int) -> NDArray[np.bool_]:
    inside = np.zeros((height, width), bool)
    for region in regions:
        inside[region.top : region.top + region.height, region.left : region.left + region.width] = True
    return inside


@settings(max_examples=60)
@given(
    st.sampled_from(CHAINS),
    st.lists(rectangles, min_size=1, max_size=4),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(0, 1000),
)
def test_regions_show_the_filtered_image_and_nothing_else_changes(
    chain: list[tuple[str, dict[str, Any]]], regions: list[Rectangle], channels: int, dtype: Any, seed: int
) -> None:
    image = draw_noise(seed, 23, 29, channels, dtype=dtype)
    if channels in (1, 2) and chain[0][1].get("channels") == "r":
        return  # test_a_grey_image_becomes_rgb
    steps = make_steps(*chain)
    before = image.copy()
    result = apply_in_area(image, steps, make_area(regions, None, "image", 23, 29)).image
    inside = cover(regions, 23, 29)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(result[~inside], image[~inside])
    whole = apply_steps(image, steps).image
    difference = np.abs(result[inside].astype(int) - whole[inside])
    assert difference.max() <= 1, "1 where a sum is next to a half"
    assert (difference > 0).mean() < 0.01


@settings(max_examples=40)
@given(st.integers(0, 1000), st.sampled_from(CHAINS), st.sampled_from([1, 3]), st.sampled_from([np.uint8, np.uint16]))
def test_a_random_mask_mixes_by_its_values(
    seed: int, chain: list[tuple[str, dict[str, Any]]], channels: int, dtype: Any
) -> None:
    generator = np.random.default_rng(seed)
    image = draw_noise(seed, 23, 29, channels, dtype=dtype)
    if channels == 1 and chain[0][1].get("channels") == "r":
        return
    mask = (generator.integers(0, 256, (23, 29)) / np.float32(255)).astype(np.float32)
    mask[generator.random((23, 29)) < 0.4] = 0
    mask[generator.random((23, 29)) < 0.3] = 1
    steps = make_steps(*chain)
    result = apply_in_area(image, steps, make_area([], mask, "image", 23, 29)).image
    np.testing.assert_array_equal(result[mask == 0], image[mask == 0])
    whole = apply_steps(image, steps).image.astype(np.float64)
    mixed = image + mask[:, :, None].astype(np.float64) * (whole - image)
    assert np.abs(result - mixed).max() <= 1.51
    assert np.abs(result - mixed)[mask == 1].max(initial=0) <= 1


def test_a_region_of_one_pixel_is_the_mean_of_its_neighbours() -> None:
    image = np.zeros((5, 6, 1), np.uint8)
    image[1:4, 2:5, 0] = [[9, 18, 27], [36, 45, 54], [63, 72, 90]]
    area = make_area([Rectangle(3, 2, 1, 1)], None, "image", 5, 6)
    result = apply_in_area(image, make_steps(("average", {})), area).image
    expected = image.copy()
    expected[2, 3, 0] = 46  # 414 / 9
    np.testing.assert_array_equal(result, expected)


def test_a_region_that_reads_itself_is_filtered_as_an_image_of_its_own() -> None:
    image = draw_noise(1, 40, 50, 3)
    regions = [Rectangle(5, 6, 20, 10), Rectangle(30, 20, 15, 18)]
    area = make_area(regions, None, "region", 40, 50)
    result = apply_in_area(image, make_steps(("gaussian", {"sigma": 2, "border": "symmetric"})), area).image
    inside = cover(regions, 40, 50)
    np.testing.assert_array_equal(result[~inside], image[~inside])
    for region in regions:
        rows, columns = region.pixels
        part = image[rows, columns].astype(np.float64)
        exact = ndimage.gaussian_filter(part, (2, 2, 0), radius=(6, 6, 0), mode="reflect")
        reference.assert_equal_to_rounding(result[rows, columns], exact)


def test_with_a_mask_pixels_outside_have_no_weight() -> None:
    image = draw_noise(2, 30, 31, 3)
    yy, xx = np.mgrid[:30, :31]
    mask = (np.hypot(yy - 14, xx - 15) < 9).astype(np.float32)
    image[mask == 0] = 255 - image[mask == 0] // 8  # bright outside
    image[mask == 1] //= 4
    area = make_area([], mask, "region", 30, 31)
    result = apply_in_area(image, make_steps(("box", {"size": 5})), area).image
    np.testing.assert_array_equal(result[mask == 0], image[mask == 0])
    sums = ndimage.uniform_filter(image * mask[:, :, None].astype(np.float64), (5, 5, 1), mode="constant")
    counts = ndimage.uniform_filter(mask.astype(np.float64), 5, mode="constant")
    exact = sums[mask == 1] / counts[mask == 1][:, None]
    reference.assert_equal_to_rounding(result[mask == 1], exact)
    assert result[mask == 1].max() < 64
    assert (
        apply_in_area(image, make_steps(("box", {"size": 5})), make_area([], mask, "image", 30, 31))
        .image[mask == 1]
        .max()
        > 64
    ), "bright pixels outside count"


def test_half_transparent_pixels_are_mixed_by_alpha() -> None:
    """Half of (200, alpha 255) and half of (0, alpha 51): alpha 153, colour 200 · 255 / 306."""
    image = np.array([[[200, 255]]], np.uint8)
    mask = np.full((1, 1), 0.5, np.float32)
    steps = make_steps(("custom", {"weights": [[0.2]], "alpha": "filter", "bias": 0, "divisor": 1}))
    filtered = apply_steps(image, steps).image
    assert filtered.tolist() == [[[200, 51]]]
    filtered_black = make_steps(("custom", {"weights": [[0.2]], "alpha": "filter", "bias": -200}))
    assert apply_steps(image, filtered_black).image.tolist() == [[[0, 51]]]
    result = apply_in_area(image, filtered_black, make_area([], mask, "image", 1, 1)).image
    assert result.tolist() == [[[167, 153]]]


def test_a_grey_image_becomes_rgb_if_a_region_does() -> None:
    image = draw_noise(3, 8, 9, 1)
    steps = make_steps(("darken", {"channels": "r"}))
    result = apply_in_area(image, steps, make_area([Rectangle(1, 2, 3, 4)], None, "image", 8, 9)).image
    assert result.shape == (8, 9, 3)
    np.testing.assert_array_equal(result[0], np.repeat(image[0], 3, axis=1))
    np.testing.assert_array_equal(result[2:6, 1:4, 1:], np.repeat(image[2:6, 1:4], 2, axis=2))
    assert (result[2:6, 1:4, 0] < image[2:6, 1:4, 0]).all()


def test_raw_results_are_float32_everywhere() -> None:
    image = draw_noise(4, 8, 9, 1)
    steps = make_steps(("laplacian", {"response": "raw"}))
    result = apply_in_area(image, steps, make_area([Rectangle(2, 2, 3, 3)], None, "image", 8, 9)).image
    assert result.dtype == np.float32
    assert result[2:5, 2:5].min() < 0
    np.testing.assert_array_equal(result[0], image[0])


def test_a_black_mask_changes_nothing() -> None:
    image = draw_noise(5, 8, 9, 4)
    area = make_area([], np.zeros((8, 9), np.float32), "image", 8, 9)
    result = apply_in_area(image, make_steps(("edge", {})), area)
    np.testing.assert_array_equal(result.image, image)
    assert area.pixel_count == 0


def test_a_mask_counts_in_regions_only() -> None:
    image = draw_noise(6, 20, 20, 3)
    area = make_area([Rectangle(2, 2, 5, 5)], np.ones((20, 20), np.float32), "image", 20, 20)
    result = apply_in_area(image, make_steps(("gaussian", {})), area).image
    inside = cover([Rectangle(2, 2, 5, 5)], 20, 20)
    np.testing.assert_array_equal(result[~inside], image[~inside])
    assert (result[inside] != image[inside]).any()
    assert area.pixel_count == 25


@pytest.mark.parametrize(("operation", "size"), [({"stride": 2}, "5×4"), ({"border": "valid"}, "8×6")])
def test_steps_that_change_the_size_are_rejected(operation: dict[str, Any], size: str) -> None:
    area = make_area([Rectangle(0, 0, 2, 2)], None, "image", 8, 10)
    with pytest.raises(KernelParameterError, match=f"The steps make {size} of 10×8 pixels"):
        apply_in_area(draw_noise(7, 8, 10, 1), make_steps(("blur", operation)), area)


def test_a_mask_of_another_size_is_rejected_with_both_sizes() -> None:
    with pytest.raises(KernelParameterError, match="mask is 9×8 pixels; the image is 10×8") as caught:
        make_area([], np.ones((8, 9), np.float32), "image", 8, 10)
    assert caught.value.parameter == "mask"


def test_the_work_is_that_of_the_region_and_its_surroundings() -> None:
    steps = make_steps(("custom", {"weights": np.arange(1, 26).reshape(5, 5).tolist()}), ("edge", {}))
    area = make_area([Rectangle(100, 100, 10, 20)], None, "image", 1000, 1000)
    (part,) = plan_area(area, plan_chain(steps, Shape(1000, 1000, 3)))
    assert [plan.multiply_adds for plan in part] == [16 * 26 * 25 * 3, 16 * 26 * 9 * 3]


def test_many_overlapping_regions_cost_no_more_than_the_image() -> None:
    plans = plan_chain(make_steps(("gaussian", {"sigma": 10})), Shape(100, 100, 1))
    regions = [Rectangle(x, 10, 30, 30) for x in range(10, 60)]
    area = make_area(regions, None, "image", 100, 100)
    (cutout,) = plan_cutouts(area, plans)
    assert cutout.targets == tuple(regions)
    ((plan,),) = plan_area(area, plans)
    assert plan.multiply_adds <= plans[0].multiply_adds


def test_layers_are_applied_in_regions() -> None:
    image = draw_noise(8, 20, 21, 3)
    weights = np.random.default_rng(9).uniform(-0.2, 0.3, (3, 3, 3, 3)).tolist()
    operations = [Operation(kernel="conv", weights=weights), Operation(kernel="relu"), Operation(kernel="blur")]
    steps = resolve_chain(operations, Catalogue())
    result = apply_in_area(image, steps, make_area([Rectangle(4, 5, 6, 7)], None, "image", 20, 21)).image
    inside = cover([Rectangle(4, 5, 6, 7)], 20, 21)
    np.testing.assert_array_equal(result[~inside], image[~inside])
    whole = apply_steps(image, steps).image
    assert np.abs(result[inside].astype(int) - whole[inside]).max() <= 1
    assert (result[inside] != image[inside]).any()


def test_layers_that_give_no_image_are_rejected() -> None:
    steps = resolve_chain([Operation(kernel="conv", weights=np.ones((5, 3, 1, 1)).tolist())], Catalogue())
    with pytest.raises(KernelParameterError, match="it must be an image, which has 1, 3 or 4 maps"):
        apply_in_area(draw_noise(1, 8, 9, 3), steps, make_area([Rectangle(0, 0, 2, 2)], None, "image", 8, 9))
    steps = resolve_chain([Operation(kernel="relu")], Catalogue())
    with pytest.raises(KernelParameterError, match="the chain has layers"):
        apply_in_area(draw_noise(1, 8, 9, 3), steps, make_area([], np.ones((8, 9), np.float32), "region", 8, 9))


def test_the_report_measures_what_was_filtered() -> None:
    image = np.zeros((30, 30, 1), np.uint8)
    image[20:, 20:] = 255
    area = make_area([Rectangle(2, 2, 5, 5)], None, "image", 30, 30)
    (report,) = apply_in_area(image, make_steps(("blur", {})), area).reports
    assert (report.minimum, report.maximum) == (0, 0)
    assert (report.rows.output, report.columns.output) == (30, 30)


def test_convolve_filters_a_part_of_an_array() -> None:
    """Outside, the pixels of the image; inside, SciPy's."""
    image = draw_noise(7, 23, 29, 3)
    box = np.full((3, 3, 1), 1 / 9)
    expected = np.rint(ndimage.correlate(image.astype(np.float64), box, mode="nearest")).astype(np.uint8)
    inside = np.zeros((23, 29), bool)
    inside[3:9, 2:7] = inside[10:, 20:] = True
    expected = np.where(inside[:, :, None], expected, image)
    assert np.array_equal(convolve(image, "average", region=["2,3,5,6", "20,10,9,13"]), expected)
    assert np.array_equal(convolve(image, "average", mask=inside), expected)
    assert np.array_equal(convolve(image, "average", mask=inside.astype(np.float64)), expected)
    assert np.array_equal(convolve(image, "average", mask=inside.astype(np.uint8) * 255), expected)
    assert np.array_equal(convolve_in_steps(image, ["average"], mask=inside, region="0,0,100%,100%"), expected)
    grey = convolve(image[:, :, 0], "average", region="2,3,5,6")
    assert grey.shape == (23, 29)
    assert np.array_equal(grey[3:9, 2:7], expected[3:9, 2:7, 0])
    alone = convolve(image, "average", region="2,3,5,6", reads="region")
    assert np.array_equal(alone[3:9, 2:7], convolve(image[3:9, 2:7], "average"))


@pytest.mark.parametrize(
    ("area", "message"),
    [
        ({"region": "20,10,10,13"}, "x 20 to 30, y 10 to 23 in an image of 29×23"),
        ({"region": "1,2,3"}, "use x,y,width,height"),
        ({"mask": np.zeros((29, 23))}, "mask is 23×29 pixels; the image is 29×23"),
        ({"mask": np.full((23, 29), 2.0)}, "floats from 0 to 1"),
        ({"mask": np.zeros((23, 29, 3), bool)}, r"shape \(23, 29, 3\)"),
        ({"reads": "region"}, "without a region or mask"),
        ({"reads": "all", "region": "1,2,3,4"}, "it may be image or region"),
    ],
)
def test_convolve_rejects_a_part_that_is_not_one(area: dict[str, Any], message: str) -> None:
    with pytest.raises(KernelParameterError, match=message):
        convolve(draw_noise(7, 23, 29, 3), "blur", **area)
