"""Assemble the `convserve` command. Its modules import little at the top, so that `--help` is fast."""

import typer

from app.cli.batch import run_batch_job
from app.cli.bench import measure_service
from app.cli.classify import classify_images
from app.cli.filter import filter_images
from app.cli.gallery import draw_gallery
from app.cli.groups import DefaultCommandGroup
from app.cli.health import check_health
from app.cli.kernels import export_kernels, list_kernels
from app.cli.learn import learn_kernel
from app.cli.lessons import check_lessons, list_lessons
from app.cli.model import export_model, print_model_card
from app.cli.read import read_images
from app.cli.serve import serve
from app.cli.version import print_version
from models.train import train

app = typer.Typer(
    help="Convolve images with named kernels and read digits, over HTTP or on the command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.command("serve")(serve)
app.command("filter")(filter_images)
app.command("batch")(run_batch_job)
app.command("gallery")(draw_gallery)
app.command("learn")(learn_kernel)
kernels = typer.Typer(cls=DefaultCommandGroup, help="List the kernels, or export a chain of kernels and layers.")
kernels.command("list")(list_kernels)
kernels.command("export")(export_kernels)
app.add_typer(kernels, name="kernels")
app.command("classify")(classify_images)
app.command("read")(read_images)
app.command("train")(train)
model = typer.Typer(cls=DefaultCommandGroup, help="Print the card of the digit model, or export the model.")
model.command("show")(print_model_card)
model.command("export")(export_model)
app.add_typer(model, name="model")
lessons = typer.Typer(cls=DefaultCommandGroup, help="List the lessons of the web page, or check a folder of lessons.")
lessons.command("list")(list_lessons)
lessons.command("check")(check_lessons)
app.add_typer(lessons, name="lessons")
app.command("bench")(measure_service)
app.command("health")(check_health)
app.command("version")(print_version)


def main() -> None:
    app()
