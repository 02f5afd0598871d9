"""Tables of any length as CSV or Parquet, written row by row."""

import csv
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from app.archive.chunks import split_into_chunks
from app.archive.storage import StorageFolder

TableFormat = Literal["csv", "parquet"]
ROWS_PER_GROUP = 10_000
"""Rows that are written to Parquet at a time."""
FAILURES = {"file": "string", "reason": "string"}
"""Columns and their Arrow types."""
PREDICTIONS = {
    "file": "string", "verdict": "string", "digit": "int8", "confidence": "float64", "model": "string",
    **{f"probability_{digit}": "float64" for digit in range(10)},
}  # fmt: skip
"""Columns and their Arrow types."""


def check_table_format(format: TableFormat) -> None:
    """Raise ValueError if the package that writes the format is not installed."""
    if format == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ValueError(
                "--report-format parquet needs pyarrow: pip install 'convserve[parquet]', or choose csv."
            ) from None


def write_table(
    out: StorageFolder, stem: str, format: TableFormat, columns: dict[str, str], rows: Iterable[dict[str, Any]]
) -> str:
    """Write a table completely or not at all. Returns its name. Raises StorageError."""
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
                for group in split_into_chunks(rows, ROWS_PER_GROUP):
                    parquet_writer.write_table(pa.Table.from_pylist(group, schema))
        out.upload(file, name)
    return name
