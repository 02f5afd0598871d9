"""docs/how-it-works.md was made with the model that is bundled; `scripts/explain_digit.py` makes it anew."""

import re

from models.model_folder import read_card
from models.reader.reader import BUNDLED_FOLDER
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
MAX_IMAGE_BYTES = 200_000


def test_page_was_made_with_the_bundled_model() -> None:
    made_with = re.search(r"Model `([0-9a-f]{16})`", (DOCS / "how-it-works.md").read_text("utf-8"))
    assert made_with is not None
    assert read_card(BUNDLED_FOLDER)["weights_sha256"].startswith(made_with[1])


def test_page_shows_every_image_and_all_are_small() -> None:
    text = (DOCS / "how-it-works.md").read_text("utf-8")
    images = sorted((DOCS / "how-it-works").glob("*"))
    assert {image.name for image in images} == set(re.findall(r"\]\(how-it-works/([^)]+)\)", text))
    assert [image.name for image in images if image.stat().st_size > MAX_IMAGE_BYTES] == []
