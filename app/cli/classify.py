"""`convserve classify`."""

from pathlib import Path
from typing import Annotated

import typer

from app.api.digit_parameters import ReadQuery
from app.cli.errors import exit_on_errors
from app.cli.options import CsvOption, ImagesArgument, JsonOption, add_options
from app.cli.settings import load_settings


@add_options("query", ReadQuery)
def classify_images(
    images: ImagesArgument,
    query: ReadQuery,
    classes: Annotated[
        Path | None, typer.Option(help="Class file with classes of your own.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Read one handwritten digit in each image, or find its class."""
    from app.cli.digit_tables import choose_form, classify_with, print_table
    from app.tasks.classify import recall_class_head
    from app.tasks.options import ClassifyParams

    form = choose_form(as_json, as_csv)
    with exit_on_errors():
        content = classes.read_text("utf-8") if classes else None
        if content is not None:
            recall_class_head(content, load_settings().model_folder)
    params = ClassifyParams(query.options, classes=content)
    print_table(lambda file, settings, _: classify_with(params, file, settings), images, query.options, form)
