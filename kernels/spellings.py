"""How the value of a setting may be written, in a query, in JSON or in Python: `2`, `"2,3"` and `[2, 3]` are strides.

Each function brings a value into one form. The type of the setting then checks it. All raise ValueError.
"""

import re
from typing import Any

from kernels.numbers import parse_number

MAX_NUMBER, MAX_PERCENTAGE = 1e9, 1e6
"""Of a divisor or bias, with either sign."""
MAX_MAPS = 256
"""Inputs and outputs of a layer."""


def parse_pair(value: Any) -> Any:
    """Convert 2, "2", "2,3", [2] or [2, 3] to a pair. The type validates its numbers."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        value = re.split(r"\s*[,x]\s*", value.strip())
        value = value[0] if len(value) == 1 else value
    pair = value if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2:
        raise ValueError("use 1 to 8, or two such numbers as y,x")
    return pair


def parse_point(value: Any) -> Any:
    """Convert "1,0" to a pair. The type validates its numbers."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    point = re.split(r"\s*,\s*", value.strip()) if isinstance(value, str) else value
    if point is not None and not (isinstance(point, (list, tuple)) and len(point) == 2):
        raise ValueError("use two whole numbers x,y such as 0,0")
    return point


def parse_divisor(value: Any) -> Any:
    """Normalise `auto`, `none` or a number other than 0."""
    if isinstance(value, str):
        value = value.strip().lower()
    if value in ("auto", "none", None):
        return value
    try:
        number = parse_number(value)
    except ValueError:
        raise ValueError("use 'auto' (the sum of the weights), 'none' or a number other than 0") from None
    if number == 0:
        raise ValueError("a divisor must not be 0; use 'auto' or 'none'")
    if not abs(number) <= MAX_NUMBER:
        raise ValueError(f"a divisor must be from {-MAX_NUMBER:.0f} to {MAX_NUMBER:.0f}")
    return number


def parse_bias(value: Any) -> Any:
    """Normalise one bias, or a list of them (one for each output of a layer), which text separates by commas."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.strip().startswith("["):
        value = value.strip().strip("[]")
    if isinstance(value, str) and "," in value:
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return parse_single_bias(value)
    if not 1 <= len(value) <= MAX_MAPS:
        raise ValueError(f"use one bias, or one for each output: 1 to {MAX_MAPS}")
    return tuple(parse_single_bias(item) for item in value)


def parse_single_bias(value: Any) -> float | str:
    """Convert a number in pixel units to float, and normalise a percentage of the range, which stays text."""
    is_percentage = isinstance(value, str) and value.strip().endswith("%")
    try:
        number = parse_number(value.strip().removesuffix("%") if is_percentage else value)
    except ValueError:
        raise ValueError("use a number in pixel units, such as 128, or a percentage, such as 50%") from None
    if is_percentage:
        if not abs(number) <= MAX_PERCENTAGE:
            raise ValueError("a percentage must be from -1000000% to 1000000%")
        return f"{number:.12g}%"
    if not abs(number) <= MAX_NUMBER:
        raise ValueError(f"a bias must be from {-MAX_NUMBER:.0f} to {MAX_NUMBER:.0f}")
    return number


def parse_size(value: Any) -> Any:
    """Convert a number to float, and "2,3", "2x3" or [2, 3] to a pair of whole numbers (y, x)."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        sides = re.split(r"\s*[,x]\s*", value.strip())
        value = value if len(sides) == 1 else sides
    if value is None or not isinstance(value, (list, tuple)):
        return None if value is None else parse_number(value)
    pair = [parse_number(side) for side in value]
    if len(pair) != 2 or not all(side == int(side) for side in pair if abs(side) < MAX_NUMBER):
        raise ValueError("use one number, or two whole numbers as y,x")
    return tuple(pair)


def parse_channels(value: Any) -> Any:
    """Normalise `rgb`, `gray` or `grey`, `luma`, or a selection of r, g and b in any order."""
    name = value.strip().lower() if isinstance(value, str) else value
    if name in ("gray", "grey"):
        return "gray"
    if name == "luma":
        return name
    if isinstance(name, str) and name and set(name) <= set("rgb") and len(set(name)) == len(name):
        return "".join(sorted(name, key="rgb".index))
    raise ValueError("use 'rgb', 'gray', 'luma', or any of the letters r, g and b")


def parse_weights_field(value: Any) -> Any:
    """Unwrap a single text: FastAPI passes a query parameter of type `str | list` as a list."""
    if value is not None and not isinstance(value, (str, list)):
        raise ValueError("use a list of rows, such as [[0,-1,0],[-1,5,-1],[0,-1,0]] or 0,-1,0;-1,5,-1;0,-1,0")
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value


def parse_lower(value: Any) -> Any:
    """Normalise the case of a name."""
    return value.strip().lower() if isinstance(value, str) else value


def parse_maps(value: Any) -> Any:
    """Normalise `sheet` or numbers of maps, such as `0,3,5`."""
    text = str(value).strip().lower() if isinstance(value, (str, int)) else value
    if text is None or text == "sheet":
        return text
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,3}(\s*,\s*\d{1,3})*", text, re.ASCII):
        raise ValueError("use 'sheet', or numbers of maps from 0, such as 0,3,5")
    numbers = [int(number) for number in text.split(",")]
    if len(numbers) > MAX_MAPS or max(numbers) >= MAX_MAPS:
        raise ValueError(f"use 1 to {MAX_MAPS} numbers of maps from 0 to {MAX_MAPS - 1}")
    return ",".join(str(number) for number in numbers)
