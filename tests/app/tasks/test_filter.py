"""What a filter request is rejected for before its pixels are filtered."""

import io

import numpy as np
import pytest
from PIL import Image

from app.images.errors import UnwritableFormatError
from app.images.formats import FormatName
from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.filter import FilterRequest, OutputFormat, filter_image
from app.tasks.operations import parse_steps
from kernels.catalogue import Catalogue
from kernels.settings import FilterSettings


def draw_png(width: int, height: int, frames: int = 1) -> bytes:
    images = [Image.new("L", (width, height), 30 * number) for number in range(frames)]
    file = io.BytesIO()
    images[0].save(file, "PNG", save_all=frames > 1, append_images=images[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    ("png", "format", "reason"),
    [
        (
            draw_png(4900, 4900),
            "avif",
            "has 24010000 pixels in all frames. An AVIF may have 24000000",
        ),
        (draw_png(1001, 1000), "json", "has 1001000 values; the limit of json is 1000000"),
        (draw_png(40, 30, frames=2), "jpeg", "has 2 frames and jpeg holds one"),
    ],
    ids=["avif", "json", "jpeg"],
)
def test_what_the_format_cannot_hold_is_rejected_before_the_convolution(
    png: bytes, format: FormatName, reason: str
) -> None:
    report = Report()
    request = FilterRequest(parse_steps("blur", FilterSettings(), Catalogue()))
    with pytest.raises(UnwritableFormatError, match=reason):
        filter_image(png, request, Settings(), OutputFormat(format), report)
    assert [step.name for step in report.steps] == ["decode"]


def test_the_size_of_the_result_counts() -> None:
    steps = parse_steps("identity", FilterSettings(stride=(2, 2)), Catalogue())
    answer = filter_image(draw_png(1001, 1000), FilterRequest(steps), Settings(), OutputFormat("json"), Report())
    assert np.prod(answer.result.size) == 501 * 500
