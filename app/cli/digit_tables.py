"""Digits on the command line: many files, one row each, as a table, JSON or CSV."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.images.errors import ImageError
from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.classify import classify_image
from app.tasks.options import Polarity
from app.tasks.read import read_page
from models.errors import ModelError

Rows = list[dict[str, Any]]
Failures = list[tuple[Path, str]]


def classify_files(files: Sequence[Path], settings: Settings, polarity: Polarity) -> tuple[Rows, Failures]:
    """One digit a file. Returns rows and the files that could not be read."""

    def classify(file: Path) -> dict[str, Any]:
        return classify_image(file.read_bytes(), settings, polarity, False, Report()).model_dump(exclude={"preview"})

    return work_through(files, classify)


def read_files(files: Sequence[Path], settings: Settings, polarity: Polarity) -> tuple[Rows, Failures]:
    """All digits of each file. Returns rows and the files that could not be read."""

    def read(file: Path) -> dict[str, Any]:
        return read_page(file.read_bytes(), settings, polarity, Report()).model_dump()

    return work_through(files, read)


def work_through(files: Sequence[Path], work: Callable[[Path], dict[str, Any]]) -> tuple[Rows, Failures]:
    rows, failures = [], []
    for file in track(files, "Reading", console=Console(stderr=True), disable=len(files) == 1, transient=True):
        try:
            rows.append({"file": str(file)} | work(file))
        except OSError as error:
            failures.append((file, error.strerror or str(error)))
        except (ImageError, ModelError) as error:
            failures.append((file, str(error)))
    return rows, failures


def print_transcript(rows: Rows, form: Literal["table", "json", "csv"]) -> None:
    """JSON has everything; the table and CSV have what fits into a line."""
    if form == "json":
        print(json.dumps(rows, indent=2))
        return
    columns = [
        name for name in ("file", "verdict", "digit", "confidence", "text", "turned") if rows and name in rows[0]
    ]
    lines = [[format_cell(row[name]) for name in columns] for row in rows]
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows(lines)
        return
    table = Table(*columns, box=None)
    for line in lines:
        table.add_row(*line)
    Console().print(table)


def format_cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("\n", " / ")
