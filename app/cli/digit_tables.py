"""Read digits in files, and print one row per file as a table, JSON or CSV."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from app.cli.errors import exit_on_errors, fail, report_failures
from app.cli.input_files import find_images, find_unreadable
from app.cli.progress import show_progress
from app.cli.settings import load_settings
from app.images.errors import ImageError
from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.classify import classify_image, load_reader
from app.tasks.options import ClassifyParams, ReadingOptions
from app.tasks.read import read_page
from models.errors import ModelError

COLUMNS = ("file", "class", "verdict", "digit", "confidence", "text", "turned")
"""Of the table and of CSV, as far as a row has them. JSON has all fields."""

Row = dict[str, Any]
Form = Literal["table", "json", "csv"]
FileReader = Callable[[Path, Settings, ReadingOptions], Row]


def choose_form(as_json: bool, as_csv: bool) -> Form:
    if as_json and as_csv:
        fail("--json and --csv exclude each other. Give one of them.")
    return "json" if as_json else "csv" if as_csv else "table"


def classify_with(params: ClassifyParams, file: Path, settings: Settings) -> Row:
    """One digit. Raises OSError, ImageError or ModelError."""
    result = classify_image(file.read_bytes(), settings, params, Report())
    unused = {"preview", "features"} | ({"classes"} if params.classes is None else set())
    row = result.model_dump(exclude=unused)
    return row | {"class": result.classes[0].label if result.classes else None} if params.classes is not None else row


def read_file(file: Path, settings: Settings, options: ReadingOptions) -> Row:
    """All digits. Raises OSError, ImageError or ModelError."""
    return read_page(file.read_bytes(), settings, options, Report()).model_dump()


def print_table(read: FileReader, images: Sequence[Path], options: ReadingOptions, form: Form) -> None:
    """Print the rows of all files that can be read, then the other files on stderr. Exit status 1 if there are any."""
    settings = load_settings()
    with exit_on_errors():
        files = find_images(images)
        failures = find_unreadable(files)
        readable = [file for file in files if file not in failures]
        if readable:
            load_reader(settings.model_folder)
    rows: list[Row] = []
    for file in show_progress(readable, "Reading", len(readable)):
        try:
            rows.append({"file": str(file)} | read(file, settings, options))
        except OSError as error:
            failures[file] = error.strerror or str(error)
        except (ImageError, ModelError) as error:
            failures[file] = str(error)
    print_rows(rows, form)
    report_failures([(file, failures[file]) for file in files if file in failures])


def print_rows(rows: Sequence[Row], form: Form) -> None:
    if form == "json":
        print(json.dumps(rows, indent=2))
        return
    columns = [name for name in COLUMNS if rows and name in rows[0]]
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
