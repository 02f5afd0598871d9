"""A number that shapes a kernel or a layer, and its range."""

import math
from dataclasses import dataclass
from typing import Any

from kernels.errors import KernelParameterError


@dataclass(frozen=True)
class Parameter:
    """A number that shapes a kernel, from `minimum` to `maximum` inclusive."""

    name: str
    default: float | None
    minimum: float
    maximum: float
    description: str
    integer: bool = False

    def check(self, value: float) -> float:
        """The value, as int for an integer parameter. Raises KernelParameterError for a value out of range."""
        if not (math.isfinite(value) and self.minimum <= value <= self.maximum):
            raise KernelParameterError(
                self.name, f"{self.name} is {value:g}; it may be {self.minimum:g} to {self.maximum:g}."
            )
        if self.integer and value % 2 != 1:
            raise KernelParameterError(self.name, f"{self.name} is {value:g}; it must be an odd whole number.")
        return int(value) if self.integer else value

    @property
    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "integer" if self.integer else "number",
            "minimum": self.minimum,
            "maximum": self.maximum,
            "description": self.description,
        }
        if self.default is not None:
            schema["default"] = self.default
        return schema
