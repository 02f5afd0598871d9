"""What a number is in a query, a form, JSON or a kernels file: ASCII digits, and never a boolean."""

import re
from typing import Any

from pydantic import BeforeValidator

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def parse_number(value: Any) -> float:
    """A number, or text such as `-1.5` or `1e-3`; the result may be infinite. Raises ValueError.

    `float` also reads `1_000`, full-width digits, `nan` and True.
    """
    if isinstance(value, str):
        if not NUMBER.fullmatch(value.strip(" \t\r\n")):
            raise ValueError("use a number such as 2, -1.5 or 1e-3")
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("use a number such as 2, -1.5 or 1e-3")
    return float(value)


def check_number(value: Any) -> Any:
    """The value itself, which the type of the field converts. Raises ValueError for other text and for booleans."""
    if isinstance(value, (str, bool)):
        parse_number(value)
    return value


STRICT_NUMBER = BeforeValidator(check_number)
"""The last annotation of every int or float field: the limits before it then stay in the JSON schema."""
