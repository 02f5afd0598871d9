"""Draw the images of docs/explanation/digit-walkthrough.md, and write its tables, from one digit and the bundled model.

    .venv/bin/python scripts/explain_digit.py

The digit is the first 4 in the tests' excerpt of MNIST, enlarged and drawn on unevenly lit paper.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.catalogue import load_catalogue
from app.tasks.explain_digit import ExplainedImage, draw_maps, draw_signed, enlarge, explain_image
from app.tasks.explain_digit_sheet import TILE_PX, arrange_maps, draw_row
from app.tasks.gallery import make_contact_sheet
from app.tasks.options import AS_USUAL
from app.tasks.samples import encode_sample
from kernels.chain import resolve_step
from kernels.settings import FilterSettings
from models.model_folder import read_model_folder
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER
from models.training.mnist import read_mnist

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/explanation/digit-walkthrough.md"
IMAGES = ROOT / "docs/explanation/digit-walkthrough"
EXCERPT = ROOT / "tests/data/mnist-excerpt"
DIGIT = 4
COLOURS = 64  # per image: enough for greys and two tints, at a third of the size
SHA256_SHOWN = 16  # characters

Grey = NDArray[np.uint8]


def write_on_paper(digit: Grey, side: int = 200) -> bytes:
    """The digit, (28, 28) with ink 255, as a grey PNG: dark ink on paper that is darker on the right."""
    ink = cv2.resize(digit.astype(np.float32) / 255, (side, side), interpolation=cv2.INTER_CUBIC)
    ink = np.clip((ink - 0.5) * 4 + 0.5, 0, 1)
    light = np.linspace(0.95, 0.6, side)[None, :]
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * light * (1 - 0.75 * ink)).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def save_image(name: str, image: Image.Image) -> None:
    IMAGES.mkdir(exist_ok=True)
    image.convert("RGB").quantize(COLOURS).save(IMAGES / name, optimize=True)


def fit_tile(grey: Grey) -> Image.Image:
    """Scale an image to the size of a tile: a small map is enlarged without smoothing, a large image reduced."""
    if TILE_PX % max(grey.shape) == 0:
        return Image.fromarray(enlarge(grey, TILE_PX // max(grey.shape)))
    image = Image.fromarray(grey)
    image.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
    return image


def stretch(values: NDArray[np.floating]) -> Grey:
    """Map values to grey levels with 0 at mid-grey, so that both signs are visible."""
    return np.rint(127.5 + 127.5 * values / np.abs(values).max()).astype(np.uint8)


def draw_images(explained: ExplainedImage, stages: dict[str, Grey], weights: Sequence[NDArray[np.float32]]) -> None:
    explanation = explained.explanation
    maps = {stage.name: draw_maps(stage) for stage in explanation.stages if stage.values.ndim == 3}
    field = np.rint(255 * explanation.field).astype(np.uint8)
    before = [("the image", explained.pixels[..., 0]), ("ink", stages["ink"]), ("strokes", stages["strokes"])]
    save_image("before.png", draw_row([(name, fit_tile(grey)) for name, grey in [*before, ("28x28", field)]]))

    kernels = weights[0][:, :, 0].transpose(2, 0, 1)
    save_image("kernels.png", draw_row([("32 kernels of 5x5", arrange_maps([stretch(k) for k in kernels], 11, 5))]))

    strongest = int(np.argmax([values.max() for values in explanation.stages[0].values.transpose(2, 0, 1)]))
    correlated = cv2.filter2D(explanation.field, -1, kernels[strongest], borderType=cv2.BORDER_CONSTANT)
    one = [
        (f"kernel {strongest}", fit_tile(enlarge(stretch(kernels[strongest]), 40))),
        ("slid over the 28x28", fit_tile(stretch(correlated))),
        ("batch norm, ReLU", fit_tile(maps["conv1"][strongest])),
        ("pooled", fit_tile(maps["pool1"][strongest])),
    ]
    save_image("one-kernel.png", draw_row(one))
    for name, scale in (("conv1", 2), ("conv2", 4)):
        save_image(f"{name}.png", draw_row([(f"{len(maps[name])} maps", arrange_maps(maps[name], scale, 4))]))

    drawn = [
        ("28x28", enlarge(field, 8)),
        ("occlusion", draw_signed(explanation.occlusion, explanation.field, 8)),
        ("input gradient", draw_signed(explanation.gradient, explanation.field, 8)),
    ]
    save_image("mattered.png", draw_row([(name, Image.fromarray(colours)) for name, colours in drawn]))

    catalogue = load_catalogue(Settings())
    steps = [resolve_step(f"mnist-conv1-{number:02}", FilterSettings(), catalogue) for number in range(0, 32, 4)]
    sheet = make_contact_sheet(encode_sample("house"), steps, 192, Settings(), Report())
    save_image("sample.png", Image.open(io.BytesIO(sheet)))


def write_tables(explained: ExplainedImage, weights: Sequence[NDArray[np.float32]], sha256: str) -> str:
    """Tables of the layers and of the answer, with the model's hash, which a test compares with the bundled model."""
    answer, explanation = explained.result, explained.explanation
    weight_counts = {"conv1": weights[0].size, "conv2": weights[5].size, "dense": weights[10].size}
    weight_counts["output"] = weights[15].size + weights[16].size
    lines = [
        f"Model `{sha256[:SHA256_SHOWN]}`. Verdict: {answer.verdict}, {answer.digit}. "
        f"Log odds: {explanation.log_odds:.1f}.",
        "",
        "| stage | what comes out | weights | largest value | share of 0 |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for stage in explanation.stages:
        shape = "×".join(str(side) for side in stage.values.shape)
        zeros = f"{100 * (stage.values == 0).mean():.0f} %"
        count = weight_counts.get(stage.name)
        lines.append(f"| {stage.name} | {shape} | {count or ''} | {stage.values.max():.2f} | {zeros} |")
    lines += ["", "| | " + " | ".join("0123456789") + " | not a digit |", "| --- |" + " ---: |" * 11]
    logits = explanation.stages[-1].values
    lines.append("| logit | " + " | ".join(f"{logit:.1f}" for logit in logits) + " |")
    shares = [f"{share:.1g}" if share < 0.95 else f"1 - {1 - share:.1g}" for share in answer.probabilities]
    lines.append("| probability | " + " | ".join(shares) + " | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    weights, card = read_model_folder(BUNDLED_FOLDER)
    test = read_mnist(EXCERPT).test
    image = write_on_paper(test.images[int(np.flatnonzero(test.labels == DIGIT)[0])])
    reader = DigitReader.load()
    explained = explain_image(image, Settings(), AS_USUAL, Report())
    stages = reader.classify([explained.pixels], keep_stages=True)[0].stages
    draw_images(explained, stages, weights)
    tables = write_tables(explained, weights, card["weights_sha256"])
    marked = r"(<!-- explained -->\n).*?(<!-- end -->)"
    text = PAGE.read_text("utf-8")
    PAGE.write_text(re.sub(marked, lambda match: match[1] + tables + match[2], text, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
