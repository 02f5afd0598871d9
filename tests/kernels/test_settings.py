"""Spellings, ranges and defaults of the filter settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from kernels.padding import ALIASES
from kernels.settings import FilterSettings, Operation


def test_defaults() -> None:
    settings = FilterSettings()
    assert settings.border == "edge"
    assert settings.stride == settings.dilation == (1, 1)
    assert (settings.divisor, settings.response, settings.anchor) == (None, None, None)
    assert (settings.bias, settings.amount) == (0, 1)
    assert (settings.channels, settings.alpha, settings.behaviour) == ("rgb", "auto", "correlate")


@pytest.mark.parametrize(
    ("spelling", "meaning"),
    [
        ("replicate", "edge"), ("nearest", "edge"), ("clamp", "edge"), ("constant", "zero"), ("reflect101", "reflect"),
        ("reflect_101", "reflect"), ("circular", "wrap"), ("tile", "wrap"), ("SAME", "zero"), ("Valid", "valid"),
        ("edge", "edge"), ("zero", "zero"), ("reflect", "reflect"), ("symmetric", "symmetric"), ("wrap", "wrap"),
    ],
)  # fmt: skip
def test_aliases_of_borders(spelling: str, meaning: str) -> None:
    assert FilterSettings.model_validate({"border": spelling}).border == meaning


def test_an_alias_is_not_a_border() -> None:
    assert not set(ALIASES) & set(ALIASES.values())
    assert "mirror" not in ALIASES


@pytest.mark.parametrize("spelling", ["mirror", "MIRROR"])
def test_mirror_is_rejected_with_both_replacements(spelling: str) -> None:
    with pytest.raises(ValidationError, match=r"use 'reflect'.*use 'symmetric'"):
        FilterSettings.model_validate({"border": spelling})


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2, 2)), ("3", (3, 3)), ("2,3", (2, 3)), (" 2 , 3 ", (2, 3)), ("2x3", (2, 3)), ([4], (4, 4)), ([1, 8], (1, 8)),
     ((8, 1), (8, 1)), (["2,3"], (2, 3))],
)  # fmt: skip
@pytest.mark.parametrize("name", ["stride", "dilation"])
def test_stride_and_dilation_are_one_number_or_y_and_x(name: str, value: Any, expected: tuple[int, int]) -> None:
    assert getattr(FilterSettings.model_validate({name: value}), name) == expected


@pytest.mark.parametrize("value", [0, 9, -1, "0,1", "1,9", "1,2,3", "", "a", 1.5, None, [], [1, 2, 3]])
@pytest.mark.parametrize("name", ["stride", "dilation"])
def test_strides_and_dilations_outside_1_to_8_are_rejected(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        FilterSettings.model_validate({name: value})
    assert caught.value.errors()[0]["loc"][0] == name


@pytest.mark.parametrize(
    ("value", "expected"),
    [("auto", "auto"), (" NONE ", "none"), (16, 16), ("-2.5", -2.5), ("1e-3", 0.001), (None, None)],
)
def test_a_divisor_is_auto_none_or_a_number(value: Any, expected: Any) -> None:
    assert FilterSettings.model_validate({"divisor": value}).divisor == expected


@pytest.mark.parametrize("value", [0, "0", "-0.0", "sum", "", "nan", "inf", 1e10, [1]])
def test_an_invalid_divisor_is_rejected(value: Any) -> None:
    with pytest.raises(ValidationError, match="divisor"):
        FilterSettings.model_validate({"divisor": value})


@pytest.mark.parametrize(
    ("value", "maximum", "expected"),
    [(0, 255, 0), ("128", 255, 128), (-3.5, 255, -3.5), ("50%", 255, 127.5), ("50 %", 65535, 32767.5),
     ("-10%", 255, -25.5), ("0.00001%", 255, 0.0000255), ("33.3333333%", 65535, 21844.99997)],
)  # fmt: skip
def test_a_bias_is_in_pixel_units_or_a_percentage_of_white(value: Any, maximum: float, expected: float) -> None:
    bias = FilterSettings.model_validate({"bias": value}).scale_bias(maximum)
    assert bias == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("value", ["", "%", "half", "nan", "inf", "nan%", "inf%", 1e10, "1e300%", None])
def test_an_invalid_bias_is_rejected(value: Any) -> None:
    with pytest.raises(ValidationError, match="bias"):
        FilterSettings.model_validate({"bias": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("rgb", "rgb"), ("bgr", "rgb"), ("RB", "rb"), ("g", "g"), ("grey", "gray"), ("Gray", "gray"), (" luma ", "luma")],
)
def test_channels_are_accepted_in_any_order_and_case(value: str, expected: str) -> None:
    assert FilterSettings(channels=value).channels == expected


@pytest.mark.parametrize("value", ["", "rr", "rgba", "red", "y", 3, None])
def test_invalid_channels_are_rejected(value: Any) -> None:
    with pytest.raises(ValidationError, match="use 'rgb', 'gray', 'luma', or any of the letters"):
        FilterSettings.model_validate({"channels": value})


@pytest.mark.parametrize(("value", "expected"), [("1,0", (1, 0)), (" 2 , 3 ", (2, 3)), ([1, 0], (1, 0)), (None, None)])
def test_an_anchor_is_x_and_y(value: Any, expected: Any) -> None:
    assert FilterSettings.model_validate({"anchor": value}).anchor == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"anchor": "1"}, {"anchor": "1,2,3"}, {"anchor": "a,b"}, {"anchor": 1},
        {"amount": -0.01}, {"amount": 10.1}, {"amount": "nan"}, {"response": "loud"}, {"response": ""},
        {"alpha": "drop"}, {"behaviour": "flip"}, {"border": "black hole"}, {"border": 3}, {"columns": 0},
        {"columns": 64}, {"sigma": "nan"}, {"sigma": "inf"}, {"radius": "wide"}, {"unheard_of": 1},
    ],
)  # fmt: skip
def test_values_out_of_range_and_unknown_settings_are_rejected(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        FilterSettings.model_validate(settings)
    assert caught.value.errors()[0]["loc"][0] in settings


def test_choices_are_case_insensitive() -> None:
    settings = FilterSettings.model_validate({"response": "ABS", "alpha": "Keep", "behaviour": "Convolve "})
    assert (settings.response, settings.alpha, settings.behaviour) == ("abs", "keep", "convolve")


def test_an_operation_needs_the_name_of_a_kernel() -> None:
    assert Operation(kernel="blur").kernel == "blur"
    with pytest.raises(ValidationError, match="kernel"):
        Operation.model_validate({"border": "edge"})
    with pytest.raises(ValidationError, match="at most 100 characters"):
        Operation(kernel="x" * 101)


def test_every_setting_has_a_description_in_the_schema() -> None:
    for name, schema in FilterSettings.model_json_schema()["properties"].items():
        assert schema.get("description"), name
