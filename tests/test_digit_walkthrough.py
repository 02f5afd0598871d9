"""The walkthrough of one digit shows the bundled model. `scripts/explain_digit.py` redraws it."""

import re

from models.model_folder import read_card
from models.reader.weights import BUNDLED_FOLDER
from tests.support.paths import ROOT

PAGE = ROOT / "docs/explanation/digit-walkthrough.md"
MAX_IMAGE_BYTES = 200_000


def test_page_shows_the_bundled_model() -> None:
    made_with = re.search(r"Model `([0-9a-f]{16})`", PAGE.read_text("utf-8"))
    assert made_with is not None
    assert read_card(BUNDLED_FOLDER)["weights_sha256"].startswith(made_with[1])


def test_page_shows_every_image_and_all_are_small() -> None:
    images = sorted(PAGE.with_suffix("").glob("*"))
    shown = re.findall(r"\]\(digit-walkthrough/([^)]+)\)", PAGE.read_text("utf-8"))
    assert {image.name for image in images} == set(shown)
    assert [image.name for image in images if image.stat().st_size > MAX_IMAGE_BYTES] == []
