"""What is beside paper: shadows, the fold of a book, textures. And a digit beside thick borders."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.reader.components import is_straight_edge
from models.reader.reader import DigitReader
from tests.support.paper import Digits, add_grain, write_on_paper


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("softness", [2, 8])
def test_shadow_in_the_shape_of_an_l_is_not_a_digit(reader: DigitReader, turn: int, softness: int) -> None:
    page = np.full((300, 400), 0.85, np.float32)
    page[:40] = page[:, :50] = 0.3
    page = np.ascontiguousarray(np.rot90(np.asarray(cv2.GaussianBlur(page, (0, 0), softness), np.float32), turn))

    assert reader.classify([add_grain(page, 0.01)])[0].verdict in ("not_a_digit", "blank")
    assert reader.read(add_grain(page, 0.01)).text == ""


@pytest.mark.parametrize("thickness", [3, 8])
@pytest.mark.parametrize("side", [1, -1])
def test_fold_of_a_book_is_not_a_1(reader: DigitReader, thickness: int, side: int) -> None:
    """A dark line from frame to frame, the paper equally light on both sides of it."""
    page = np.full((420, 360), 0.85, np.float32)
    cv2.line(page, (180 + 8 * side, -1), (180 - 8 * side, 420), (0.35,), thickness)
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), 2), np.float32)

    assert reader.classify([add_grain(page, 0.01)])[0].verdict in ("not_a_digit", "blank")
    assert reader.read(add_grain(page, 0.01)).text == ""


@pytest.mark.parametrize("width", [10, 20, 30])
def test_soft_shadow_of_a_fold_is_not_a_1(reader: DigitReader, width: int) -> None:
    """A shadow that fades on both sides of the fold. The wide one is as wide as a 1 of a thick pen."""
    across = np.abs(np.arange(300) - 190)
    page = np.broadcast_to(0.85 * (1 - 0.6 * np.exp(-across / width)), (420, 300)).astype(np.float32)

    assert reader.classify([add_grain(page, 0.01)])[0].verdict in ("not_a_digit", "blank")
    assert reader.read(add_grain(page, 0.01)).text == ""


@pytest.mark.parametrize("blur", [1, 6])
def test_1_of_a_thick_pen_from_frame_to_frame_is_read(reader: DigitReader, blur: int) -> None:
    """As thick as the wide shadow, but not as soft, even out of focus."""
    page = np.full((420, 300), 0.85, np.float32)
    cv2.line(page, (196, -1), (184, 420), (0.2,), 66)
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), blur), np.float32)

    assert reader.classify([add_grain(page, 0.01)])[0].digit == 1


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize(("beyond", "is_edge"), [(0.3, True), (0.85, False)])
def test_short_band_is_the_edge_of_a_sheet_if_one_side_is_darker(turn: int, beyond: float, is_edge: bool) -> None:
    """Where the light falls off, only a part of the edge has enough contrast to be ink."""
    grey = np.full((300, 400), 0.85, np.float32)
    grey[:, :90] = beyond
    grey[:, 80:90] = 0.3
    mask = np.zeros((300, 400), bool)
    mask[:180, 80:90] = True

    assert is_straight_edge(np.rot90(mask, turn), np.ascontiguousarray(np.rot90(grey, turn)), 0.55) == is_edge


@pytest.mark.parametrize(("height", "is_edge"), [(300, True), (180, False)])
def test_band_along_the_frame_is_an_edge_only_if_it_has_nearly_its_length(height: int, is_edge: bool) -> None:
    """A shorter one may be a 1 that the frame cuts off."""
    mask = np.zeros((300, 400), bool)
    mask[:height, :4] = True

    assert is_straight_edge(mask, np.where(mask, np.float32(0.3), np.float32(0.85)), 0.55) == is_edge


def test_upright_1_with_margins_is_read(reader: DigitReader) -> None:
    page = np.full((420, 360), 0.85, np.float32)
    cv2.line(page, (188, 60), (172, 360), (0.15,), 12)

    assert reader.classify([page])[0].digit == 1
    assert reader.read(page).text == "1"


@pytest.mark.parametrize("side", [28, 40, 64, 200])
@pytest.mark.parametrize("deviation", [0.08, 0.2])
def test_noise_is_not_blank(reader: DigitReader, side: int, deviation: float) -> None:
    generator = np.random.default_rng(side)
    noise = np.clip(0.5 + generator.normal(0, deviation, (side, side)), 0, 1).astype(np.float32)

    assert reader.classify([noise])[0].verdict == "not_a_digit"


def write_in_cell(digit: NDArray[np.uint8], lines: list[tuple[int, int]]) -> NDArray[np.float32]:
    """A digit in a cell of 110 pixels; `lines` are the first and last pixels of its borders, on all four sides."""
    cell = write_on_paper(digit, (110, 110), 60)
    for start, end in lines:
        cell[start:end] = cell[:, start:end] = cell[110 - end : 110 - start] = cell[:, 110 - end : 110 - start] = 0.2
    return cell


@pytest.mark.parametrize("lines", [[(2, 4), (9, 11)], [(0, 9)], [(3, 12)]], ids=["double", "at the frame", "thick"])
def test_double_and_thick_borders_are_not_part_of_the_digit(
    reader: DigitReader, digits: Digits, lines: list[tuple[int, int]]
) -> None:
    cells = {digit: write_in_cell(image, lines) for digit, image in digits.items()}

    read = reader.classify(list(cells.values()))

    assert sum(one.digit == digit for one, digit in zip(read, cells, strict=True)) >= 9
