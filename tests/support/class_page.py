"""Examples of classes for the page, and what a visitor does with them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from models.training.shape_glyphs import SHAPE_GLYPHS
from models.training.synthetic_digits import OTHER_STRENGTH, draw_field, parse_glyph
from tests.support.page_actions import Points, draw

SHAPES = ("star", "moon")
"""The names with which the page begins."""
GENERATED = {"star": "bolt", "moon": "moon"}
"""Shapes of the stroke generator that stand for them."""
STAR: Points = [(0.5, 0.1), (0.7, 0.9), (0.15, 0.4), (0.85, 0.4), (0.3, 0.9), (0.5, 0.1)]
MOON: Points = [(0.6, 0.12), (0.33, 0.25), (0.24, 0.5), (0.33, 0.75), (0.6, 0.88), (0.48, 0.5), (0.6, 0.12)]
EXAMPLES = 5


def save_examples(folder: Path, shape: str, count: int, seed: int = 0) -> list[Path]:
    """Writes drawings of the stroke generator."""
    generator = np.random.default_rng([seed, *shape.encode()])
    paths = [folder / f"{shape}-{seed}-{number}.png" for number in range(count)]
    glyphs = [parse_glyph(text) for text in SHAPE_GLYPHS[GENERATED[shape]]]
    for number, path in enumerate(paths):
        Image.fromarray(draw_field(glyphs[number % 2], generator, OTHER_STRENGTH)).save(path)
    return paths


def draw_example(page: Page, strokes: Points, generator: np.random.Generator) -> None:
    """A new drawing of a shape: moved, smaller or larger, with an unsteady hand."""
    scale, shift = generator.uniform(0.75, 1), generator.uniform(-0.05, 0.05, 2)
    points = [0.5 + scale * (np.array(point) - 0.5) + shift + generator.uniform(-0.02, 0.02, 2) for point in strokes]
    draw(page, [[(float(x), float(y)) for x, y in points]], pad="#class-pad")
    expect(page.locator("#class-result")).to_have_attribute("aria-busy", "false")


def find_card(page: Page, name: str) -> Any:
    return page.locator(f".class-card[aria-label='{name}']")


def add_images(page: Page, name: str, paths: list[Path]) -> None:
    before = find_card(page, name).locator("li").count()
    find_card(page, name).locator("input[type=file]").set_input_files(paths)
    expect(find_card(page, name).locator("li")).to_have_count(before + len(paths))


def train(page: Page) -> None:
    page.click("#train-classes")
    expect(page.locator("#training-status")).to_contain_text("Leave-one-out: ")
    expect(page.locator("#training-status")).to_contain_text("right")


def add_and_train(page: Page, folder: Path) -> None:
    for name in SHAPES:
        add_images(page, name, save_examples(folder, name, EXAMPLES))
    train(page)


def read_shares(page: Page) -> dict[str, float]:
    rows = page.locator(".class-bars li")
    names = rows.locator(".name").all_text_contents()
    widths = rows.locator(".fill").evaluate_all("bars => bars.map((bar) => parseFloat(bar.style.width) / 100)")
    return dict(zip(names, widths, strict=True))


def export(page: Page, path: Path) -> Path:
    with page.expect_download() as download:
        page.click("#export-classes")
    download.value.save_as(path)
    return path
