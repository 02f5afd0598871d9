"""`convserve classify`."""

from app.api.digit_parameters import ReadQuery
from app.cli.options import CsvOption, ImagesArgument, JsonOption, add_options


@add_options("query", ReadQuery)
def classify_images(
    images: ImagesArgument, query: ReadQuery, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """Read one handwritten digit in each image."""
    from app.cli.digit_tables import choose_form, classify_file, print_table

    print_table(classify_file, images, query.options, choose_form(as_json, as_csv))
