"""`convserve gallery`."""

from pathlib import Path
from typing import Annotated

import typer

from app.api.parameters import GalleryQuery
from app.cli.errors import exit_on_errors, fail
from app.cli.options import add_options
from app.cli.settings import load_catalogue, load_settings


@add_options(
    "query",
    GalleryQuery,
    omit=("format",),
    help={"kernels": "Kernel names, separated by commas. Default: all but the learned ones."},
)
def draw_gallery(
    image: Annotated[Path, typer.Argument(help="Image file.")],
    query: GalleryQuery,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG file to write.", show_default="NAME-gallery.png")
    ] = None,
) -> None:
    """Draw a contact sheet of an image filtered with every kernel."""
    from app.archive.storage import write_local_file
    from app.pool.ipc import Report
    from app.tasks.gallery import choose_steps, make_contact_sheet

    settings = load_settings()
    catalogue = load_catalogue(settings)
    if output and output.suffix.lower() != ".png":
        fail(f"{output} does not end in .png, but the sheet is a PNG. Name it {output.with_suffix('.png')}.")
    target = output or image.with_name(f"{image.stem}-gallery.png")
    if target.resolve() == image.resolve():
        fail(f"{target} is the input and would be overwritten. Choose another name: -o FILE.png.")
    with exit_on_errors():
        steps = choose_steps(query.kernels, catalogue, settings.max_gallery_kernels, query.response)
        sheet = make_contact_sheet(image.read_bytes(), steps, query.side, settings, Report())
        write_local_file(target, sheet)
    typer.echo(target)
