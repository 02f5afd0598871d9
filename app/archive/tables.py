"""Tables of any length, as CSV or Parquet, row by row."""

import csv
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from app.archive.storage import StorageFolder

TableFormat = Literal["csv", "parquet"]
ROWS_AT_ONCE = 10_000
FAILURES = {"file": "string", "reason": "string"}
PREDICTIONS = {
    "file": "string", "verdict": "string", "digit": "int8", "confidence": "float64", "model": "string",
    **{f"probability_{digit}": "float64" for digit in range(10)},
}  # fmt: skip
"""Columns, with their types in Arrow."""


def check_table_format(format: TableFormat) -> None:
    """Raise ValueError where Parquet is asked for and cannot be written."""
    if format == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ValueError(
                "Parquet needs pyarrow: pip install 'convserve[parquet]'; or say --report-format csv."
            ) from None


def write_table(
    out: StorageFolder, stem: str, format: TableFormat, columns: dict[str, str], rows: Iterable[dict[str, Any]]
) -> str:
    """Write it whole or not at all; returns its name. Raises StorageError."""
    name = f"{stem}.{format}"
    with tempfile.TemporaryDirectory(prefix="convserve-") as folder:
        file = Path(folder) / name
        if format == "csv":
            with file.open("w", newline="", encoding="utf-8") as opened:
                writer = csv.DictWriter(opened, list(columns))
                writer.writeheader()
                writer.writerows(rows)
        else:
            import pyarrow as pa
            from pyarrow import parquet

            schema = pa.schema([(column, pa.type_for_alias(kind)) for column, kind in columns.items()])
            with parquet.ParquetWriter(file, schema) as parquet_writer:
                for group in batched_rows(rows):
                    parquet_writer.write_table(pa.Table.from_pylist(group, schema))
        out.upload(file, name)
    return name


def batched_rows(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while group := list(islice(remaining, ROWS_AT_ONCE)):
        yield group
