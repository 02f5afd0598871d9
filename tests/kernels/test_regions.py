"""Regions in pixels and percent."""

from typing import Any

import pytest

from kernels import KernelParameterError
from kernels.regions import Rectangle, parse_regions, place_region


@pytest.mark.parametrize(
    ("value", "regions"),
    [
        ("1,2,3,4", ("1,2,3,4",)),
        (" 10% , 20.5 % ,3, 4;", ("10%,20.5%,3,4",)),
        ("1,2,3,4;5,6,7,8", ("1,2,3,4", "5,6,7,8")),
        (["1,2,3,4", "5,6,7,8"], ("1,2,3,4", "5,6,7,8")),
    ],
)
def test_regions_are_texts_or_lists(value: Any, regions: tuple[str, ...]) -> None:
    assert parse_regions(value) == regions


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "use x,y,width,height"),
        ("1,2,3", "use x,y,width,height"),
        ("1,2,3,4,5", "use x,y,width,height"),
        ("1.5,2,3,4", "'1.5' is not a whole number of pixels"),
        ("1,2,x,4", "'x' is not a whole number"),
        ("1,2,3,%", "use a number"),
        ("1,2,3,nan%", "use a number"),
        ("١,2,3,4", "is not a whole number"),
        (7, "use x,y,width,height"),
        ([[1, 2, 3, 4]], "use x,y,width,height"),
        (";".join(["1,2,3,4"] * 101), "101 regions; the limit is 100"),
        ("1" * 200, "use x,y,width,height"),
    ],
)
def test_other_texts_are_rejected(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_regions(value)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("0,0,100,50", Rectangle(0, 0, 100, 50)),
        ("99,49,1,1", Rectangle(99, 49, 1, 1)),
        ("0%,0%,100%,100%", Rectangle(0, 0, 100, 50)),
        ("10%,10%,50%,50%", Rectangle(10, 5, 50, 25)),
        ("25%,7,10,50%", Rectangle(25, 7, 10, 25)),
        ("33.3%,33%,33.3%,33%", Rectangle(33, 17, 34, 16)),  # 33.3 to 66.6, 16.5 to 33
    ],
)
def test_a_region_is_placed_in_an_image_of_100_by_50(region: str, expected: Rectangle) -> None:
    assert place_region(region, 100, 50) == expected


@pytest.mark.parametrize(
    "region",
    ["0,0,101,50", "0,0,100,51", "-1,0,5,5", "100,0,1,1", "0,0,0,5", "5,5,-2,2", "60%,0,50%,5", "0.1%,0,0.1%,5",
     "1e9%,0,1,1"],
)  # fmt: skip
def test_a_region_outside_of_the_image_is_rejected_with_both_sizes(region: str) -> None:
    with pytest.raises(KernelParameterError, match=r"region is .* in an image of 100×50 pixels") as caught:
        place_region(region, 100, 50)
    assert caught.value.parameter == "region"
