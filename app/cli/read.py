"""`convserve read`."""

from app.api.digit_parameters import ReadQuery
from app.cli.options import CsvOption, ImagesArgument, JsonOption, add_options


@add_options("query", ReadQuery)
def read_images(
    images: ImagesArgument, query: ReadQuery, as_json: JsonOption = False, as_csv: CsvOption = False
) -> None:
    """Read all handwritten digits in each image. JSON has a box for each digit."""
    from app.cli.digit_tables import choose_form, print_table, read_file

    print_table(read_file, images, query.options, choose_form(as_json, as_csv))
