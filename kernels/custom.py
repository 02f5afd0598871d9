"""Custom kernels: weights in a request, or kernels in a TOML file that extends the catalogue."""

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kernels.catalogue import Catalogue, Entry, normalize_name
from kernels.errors import KernelError, KernelFileError, KernelParameterError
from kernels.kernel import Kernel, choose_divisor
from kernels.numbers import parse_number
from kernels.settings import Response
from kernels.types import Weights

CUSTOM = "custom"
"""The kernel name of a request that contains its weights."""
MAX_SHOWN_CHARACTERS = 40


def parse_weights(text: str | list[Any], columns: int | None = None) -> Weights:
    """Parse weights from `[[0,-1,0],...]`, from `0,-1,0;-1,5,-1;0,-1,0`, or from a flat list with `columns`.

    A number may be a fraction (1/16). Returns (rows, columns). Raises KernelParameterError.
    """
    rows = parse_rows(text)
    if columns is not None:
        flat = [number for row in rows for number in row]
        if columns < 1 or len(flat) % columns:
            raise KernelParameterError(
                "columns",
                f"{len(flat)} weights do not fill rows of {columns}: columns must divide {len(flat)}.",
            )
        rows = [flat[start : start + columns] for start in range(0, len(flat), columns)]
    elif (
        len(rows) == 1
        and len(rows[0]) > 1
        and not isinstance(text, list)
        and ";" not in text
        and not re.match(r"\s*\[\s*\[", text)
    ):
        raise KernelParameterError(
            "weights",
            f"{len(rows[0])} weights in one row: set columns, or end each row with ';' (for a single row, use "
            f"columns={len(rows[0])}). In a form, curl -F cuts the text at ';': use --form-string.",
        )
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise KernelParameterError(
            "weights",
            f"The rows have {', '.join(str(len(row)) for row in rows)} weights; they must have equal lengths.",
        )
    return np.array(rows, np.float64)


def parse_rows(text: str | list[Any]) -> list[list[float]]:
    """Parse rows of any lengths. A flat list is one row. Raises KernelParameterError."""
    if isinstance(text, str):
        stripped = text.strip()
        if not stripped.startswith("["):
            return [
                [parse_weight(number) for number in re.split(r"\s*,\s*|\s+", row.strip().strip(",").strip())]
                for row in re.split(r"[;\n]", stripped.strip(";"))
            ]
        try:
            text = json.loads(stripped)
        except (ValueError, RecursionError) as error:
            raise KernelParameterError("weights", f"The weights are not valid JSON: {error}.") from error
    if not isinstance(text, list) or not text:
        raise KernelParameterError(
            "weights", "The weights must be a list of rows, such as [[0,-1,0],[-1,5,-1],[0,-1,0]]."
        )
    if not any(isinstance(row, list) for row in text):
        return [[parse_weight(number) for number in text]]
    if not all(isinstance(row, list) for row in text):
        raise KernelParameterError("weights", "The weights mix numbers and rows: use a list of rows.")
    return [[parse_weight(number) for number in row] for row in text]


def parse_weight(value: Any) -> float:
    """Parse a number, or text such as `-1.5`, `1e-3` or `1/16`. Raises KernelParameterError."""
    try:
        if isinstance(value, str) and "/" in value:
            numerator, denominator = value.split("/")
            return parse_number(numerator) / parse_number(denominator)
        return parse_number(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        shown = str(value)[:MAX_SHOWN_CHARACTERS]
        raise KernelParameterError(
            "weights", f"'{shown}' is not a number. Use numbers such as 5, -1.5, 1e-3 or 1/16."
        ) from None


def make_custom_kernel(text: str | list[Any], columns: int | None = None) -> Kernel:
    """Make a kernel from the weights of a request. Its default divisor is 1."""
    return Kernel(CUSTOM, "Custom kernel", (parse_weights(text, columns),), source="the request")


class KernelTable(BaseModel):
    """One table [kernels.<name>] of a TOML file."""

    model_config = ConfigDict(extra="forbid")

    weights: list[Any] | str
    title: str | None = None
    divisor: Annotated[float, Field(allow_inf_nan=False)] | Literal["auto", "none"] = "none"
    response: Response | None = None
    source: str | None = None


def read_kernels_file(path: Path, taken: Catalogue | None = None) -> list[Entry]:
    """Read kernels from a TOML file with one table for each kernel:

        [kernels.my-edge]
        weights = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
        title = "My edge"       # optional; default: the name
        divisor = "auto"        # optional: a number, "auto" or "none"; default: "none"
        response = "abs"        # optional; default: follows from the sum of the weights
        source = "my notebook"  # optional; default: the name of the file

    Names in `taken` (default: the built-in catalogue) are rejected. Raises KernelFileError.
    """  # fmt: skip
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise KernelFileError(f"The kernels file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KernelFileError(f"The kernels file {path} is not valid TOML: {error}.") from error
    tables = document.get("kernels")
    if not isinstance(tables, dict) or set(document) != {"kernels"}:
        raise KernelFileError(
            f"The kernels file {path} must contain one table [kernels.<name>] for each kernel and nothing else."
        )
    entries: dict[str, Entry] = {}
    for name, table in tables.items():
        entry = read_entry(path, name, table, taken or Catalogue())
        if entry.name in entries:
            raise KernelFileError(f"In the kernels file {path}, kernel '{name}': the name is taken by another table.")
        entries[entry.name] = entry
    return list(entries.values())


def read_entry(path: Path, name: str, table: object, taken: Catalogue) -> Entry:
    """Convert one table to a row of the catalogue. Raises KernelFileError."""
    prefix = f"In the kernels file {path}, kernel '{name}'"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", normalize_name(name)):
        raise KernelFileError(f"{prefix}: a name has 1 to 64 letters, digits and '-'.")
    if normalize_name(name) == CUSTOM or name in taken or taken.find_layer(name):
        raise KernelFileError(f"{prefix}: the name is taken by the service; choose another.")
    try:
        fields = KernelTable.model_validate(table)
        weights = parse_weights(fields.weights)
        divisor = {"none": 1.0, "auto": choose_divisor(Kernel(name, "", (weights,)).sum)}.get(
            str(fields.divisor), fields.divisor
        )
        if divisor == 0:
            raise KernelParameterError("divisor", "divisor is 0; use a number other than 0, 'auto' or 'none'.")
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise KernelFileError(f"{prefix}: {field}: {first['msg']}.") from error
    except KernelError as error:
        raise KernelFileError(f"{prefix}: {error}") from error
    return Entry(
        normalize_name(name),
        fields.title or name,
        lambda: [weights],
        divisor=float(divisor),
        source=fields.source or path.name,
        response=fields.response,
    )
