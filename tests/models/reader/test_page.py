import time

import cv2
import numpy as np
import pytest

from models.reader.binarize import Ink
from models.reader.components import Piece
from models.reader.reader import DigitReader
from models.reader.ruled_lines import find_ruled_lines
from models.reader.seams import find_seams
from models.reader.segmentation import Character, drop_dirt_and_margins, find_characters, sort_to_lines
from models.training.synthetic_digits import draw_other_glyphs
from tests.support.paper import Digits, add_grain, enlarge_ink, write_lines, write_on_paper


def test_lines_are_read_top_to_bottom_and_digits_left_to_right(reader: DigitReader, digits: Digits) -> None:
    wanted = ("3141", "59265", "07")
    page = write_lines([[digits[int(digit)] for digit in line] for line in wanted])

    reading = reader.read(page)

    assert reading.lines == wanted
    assert reading.text == "3141\n59265\n07"
    assert [one.line for one in reading.digits] == [0] * 4 + [1] * 5 + [2] * 2
    assert reading.turned == 0
    left, top, width, height = reading.digits[0].box
    assert 30 <= left < left + width <= 90
    assert 30 <= top < top + height <= 90


def test_uneven_light_grain_and_light_ink_do_not_change_the_text(reader: DigitReader, digits: Digits) -> None:
    page = write_lines([[digits[digit] for digit in (8, 6, 4, 2)]])
    shade = np.linspace(0.45, 1, page.shape[1], dtype=np.float32)

    assert reader.read(add_grain(page * shade, 0.015)).text == "8642"
    assert reader.read(1 - page).text == "8642"


def test_slanted_line_is_one_line(reader: DigitReader, digits: Digits) -> None:
    page = np.full((320, 700), 0.9, np.float32)
    for number, digit in enumerate((2, 7, 3, 5, 9)):
        top, left = 20 + 45 * number, 30 + 130 * number
        page[top : top + 80, left : left + 80] -= 0.8 * enlarge_ink(digits[digit], 80)

    assert reader.read(np.clip(page, 0, 1)).lines == ("27359",)


@pytest.mark.parametrize("turn", [1, 3])
def test_page_on_its_side_is_turned(reader: DigitReader, digits: Digits, turn: int) -> None:
    wanted = ("2345", "7342")
    page = np.rot90(write_lines([[digits[int(digit)] for digit in line] for line in wanted]), turn)

    reading = reader.read(page)

    assert reading.lines == wanted
    assert reading.turned in (90, 270)
    # The box is in pixels of the original image.
    left, top, width, height = reading.digits[0].box
    assert page[top : top + height, left : left + width].min() < 0.4
    assert left + width <= page.shape[1]
    assert top + height <= page.shape[0]


@pytest.mark.parametrize("pair", ["23", "56", "42"])
def test_touching_digits_are_separated(reader: DigitReader, digits: Digits, pair: str) -> None:
    page = np.full((120, 400), 0.9, np.float32)
    page[20:100, 40:120] -= 0.8 * enlarge_ink(digits[8], 80)
    left = 180
    for digit in pair:
        ink = enlarge_ink(digits[int(digit)], 80)
        columns = np.flatnonzero((ink > 0.4).any(axis=0))
        page[20:100, left - columns[0] : left - columns[0] + 80] -= 0.8 * ink
        left += int(np.ptp(columns)) + 1

    assert reader.read(np.clip(page, 0.1, 1)).text == "8" + pair


def test_blank_page_and_dark_edge_have_no_text(reader: DigitReader) -> None:
    paper = add_grain(np.full((400, 600), 0.85, np.float32), 0.015)
    edge = paper.copy()
    edge[:, :80] = 0.15

    assert reader.read(paper).text == ""
    assert reader.read(edge).text == ""
    assert reader.read(np.full((1, 1), 255, np.uint8)).digits == ()


def test_characters_that_are_not_digits_are_listed_outside_the_text(reader: DigitReader, digits: Digits) -> None:
    page = write_lines([[digits[3], digits[5], digits[8]]])
    blob = page[40:90, 230:280]
    blob[10:40, 5:45] = 0.1

    reading = reader.read(page)

    assert reading.text.startswith("35")
    assert "not_a_digit" in {one.verdict for one in reading.digits}


def test_neighbours_form_lines() -> None:
    def place(left: int, top: int) -> Character:
        return Character(left, top, left + 20, top + 30)

    upper, lower = [place(0, 0), place(40, 5), place(80, 10)], [place(0, 60), place(40, 62)]

    assert sort_to_lines([*lower, *upper]) == [upper, lower]
    assert sort_to_lines([]) == []


def test_letters_are_not_split_into_digits(reader: DigitReader) -> None:
    """With a seed that training does not use."""
    letters = draw_other_glyphs(40, np.random.default_rng(123))
    pages = [write_on_paper(letter, (160, 160), 110) for letter in letters]

    read = [reader.read(page).text for page in pages]

    assert sum(bool(text) for text in read) <= 3


@pytest.mark.parametrize("seed", range(6))
def test_specks_on_paper_are_not_read(reader: DigitReader, seed: int) -> None:
    generator = np.random.default_rng(seed)
    paper = np.full((480, 640), 0.85, np.float32)
    for _ in range(8):
        x, y = generator.integers(20, 620), generator.integers(20, 460)
        cv2.line(paper, (int(x), int(y)), (int(x) + 1, int(y) + int(generator.integers(4, 12))), (0.3,), 2)

    assert reader.read(add_grain(paper, 0.01)).text == ""


@pytest.mark.parametrize("scale", [0.5, 1, 4])
def test_single_digit_is_read_as_it_is_classified(reader: DigitReader, digits: Digits, scale: float) -> None:
    side = round(60 * scale)
    images = {digit: write_on_paper(image, (side, side), round(0.8 * side)) for digit, image in digits.items()}

    assert [reader.read(image).text for image in images.values()] == [str(digit) for digit in images]
    assert [one.digit for one in reader.classify(list(images.values()))] == list(images)


def test_small_lines_are_read(reader: DigitReader, digits: Digits) -> None:
    page = write_lines([[digits[digit] for digit in (3, 0, 6, 2)]], side=24, gap=8)

    assert reader.read(page).text == "3062"


def test_digit_in_a_word_is_not_read(reader: DigitReader, digits: Digits) -> None:
    """An l or an o in a word looks like a digit. In one of twenty words, most letters may."""
    texts = []
    for seed in range(20):
        letters = draw_other_glyphs(6, np.random.default_rng(seed))
        page = write_lines([[*letters[:3], digits[1], *letters[3:]], [digits[digit] for digit in (2, 5, 9, 3)]])
        texts.append(reader.read(page).text)

    assert texts.count("2593") >= 19, texts


def test_infinity_sign_is_not_read_as_two_0s(reader: DigitReader, digits: Digits) -> None:
    """It is as wide as two 0s, but lower than the digits beside it."""
    infinity = np.zeros((28, 28), np.uint8)
    for x in (10, 17):
        cv2.ellipse(infinity, (x, 14), (4, 3), 0, 0, 360, (255,), 2)
    page = write_lines([[digits[2], digits[5], infinity, digits[9], digits[3]]])

    assert reader.read(page).text == "2593"


def test_stroke_of_which_half_lies_on_the_frame_is_dropped() -> None:
    """The edge of a slanted sheet, which leaves the image half way. A digit that the frame cuts off is deeper."""
    edge, digit = (Piece(label, 0, 150, width, 140, 300.0, 0.55) for label, width in ((1, 9), (2, 60)))

    assert drop_dirt_and_margins([edge, digit], (300, 400)) == [digit]


def test_seam_avoids_the_ink() -> None:
    ink = np.zeros((9, 9), np.float32)
    ink[:6, 4] = 1  # a stroke from the top, with a free path around its end
    ink[7:, 2] = 1

    seam = find_seams(ink, np.array([3]), 3)[0]

    assert seam.cost == pytest.approx(0.1 * 1 / 9, abs=0.1)  # a sidestep or two, and no stroke
    assert np.abs(np.diff(seam.columns)).max() <= 1
    assert ink[np.arange(9), seam.columns].sum() == 0
    # Through nine pixels of ink in one stroke: the whole height, and the cost of a stroke.
    assert find_seams(np.ones((9, 7), np.float32), np.array([3]), 2)[0].cost == pytest.approx(1.25)


@pytest.mark.parametrize("count", [2, 3])
def test_zeros_that_share_a_wall_are_separated(reader: DigitReader, count: int) -> None:
    """A number with zeros in one stroke, beside a 1, as they are on receipts."""
    page = np.full((140, 190 + 46 * count), 0.9, np.float32)
    cv2.line(page, (52, 30), (46, 106), (0.1,), 6, cv2.LINE_AA)
    for number in range(count):
        cv2.ellipse(page, (100 + 52 * number, 70), (26, 38), 0, 0, 360, (0.1,), 6, cv2.LINE_AA)

    assert reader.read(page).text == "1" + "0" * count


def test_operator_is_a_mark_in_its_place(reader: DigitReader, digits: Digits) -> None:
    page = write_lines([[digits[3], np.zeros((28, 28), np.uint8), digits[5]]], side=90)
    left = 30 + 120
    cv2.line(page, (left + 25, 60), (left + 65, 100), (0.15,), 4)
    cv2.line(page, (left + 65, 60), (left + 25, 100), (0.15,), 4)

    reading = reader.read(page)

    assert reading.lines == ("35",)
    assert [(one.verdict == "not_a_digit", one.line) for one in reading.digits] == [(False, 0), (True, 0), (False, 0)]
    cross = reading.digits[1].box
    assert abs(cross[0] + cross[2] / 2 - (left + 45)) < 6


def test_print_is_text_like_and_fast(reader: DigitReader) -> None:
    """The time is the processor's, so other processes do not count."""
    page = np.full((900, 1200), 240, np.uint8)
    for row in range(22):
        cv2.putText(page, "the quick brown fox jumps over the lazy dog and runs", (20, 40 + 38 * row), 3, 1.0, (30,), 2)
    begin = time.process_time()

    reading = reader.read(page)

    assert (reading.text, reading.reason) == ("", "text_like")
    assert time.process_time() - begin < 2


def test_page_of_many_digits_is_not_text_like(reader: DigitReader, digits: Digits) -> None:
    generator = np.random.default_rng(8)
    wanted = ["".join(map(str, generator.integers(0, 10, 10))) for _ in range(6)]

    reading = reader.read(write_lines([[digits[int(digit)] for digit in line] for line in wanted]))

    assert reading.reason is None
    assert list(reading.lines) == wanted


def test_page_of_digits_is_unsure_for_classify(reader: DigitReader, digits: Digits) -> None:
    """Joined by a line below them, the digits are one piece of ink."""
    page = write_lines([[digits[digit] for digit in (4, 7, 2)], [digits[digit] for digit in (5, 0, 9)]])
    letters = write_lines([list(draw_other_glyphs(6, np.random.default_rng(4)))])

    several, word = reader.classify([page, letters])

    assert several.verdict == "unsure"
    assert several.other_pieces >= 1
    assert word.verdict in ("not_a_digit", "unsure")


def test_ruled_lines_in_perspective_are_not_read(reader: DigitReader, digits: Digits) -> None:
    page = write_lines([[digits[digit] for digit in (4, 7, 2, 8)], [digits[digit] for digit in (5, 3, 9, 6)]])
    height, width = page.shape
    for start, end in ((0.04, 0.1), (0.49, 0.51), (0.96, 0.93)):
        cv2.line(page, (0, round(start * height)), (width, round(end * height)), (0.45,), 2)

    assert reader.read(page).lines == ("4728", "5396")


@pytest.mark.parametrize("side", ["left", "right"])
def test_digits_on_a_line_that_fades_are_read(reader: DigitReader, digits: Digits, side: str) -> None:
    page = write_lines([[digits[digit] for digit in (5, 4, 8)]])
    top, bottom = 30, 30 + 60
    foot = bottom - 12
    line = np.clip(np.linspace(1, 0, page.shape[1]) * 5 - 1, 0, 1).astype(np.float32)  # four fifths of the width
    page[foot : foot + 3] = np.minimum(page[foot : foot + 3], 0.9 - 0.5 * (line if side == "left" else line[::-1]))
    assert (page[top:bottom] < 0.5).any(axis=0).mean() > 0.6  # the line joins the digits

    assert reader.read(add_grain(page, 0.01)).text == "548"


def test_rests_of_a_removed_line_are_removed() -> None:
    mask = np.zeros((80, 200), bool)
    mask[40:43] = True
    mask[38, 20:60] = True  # a ragged edge, one row apart
    mask[10:39, 100:104] = True  # a stroke that stands on the line

    lines, count = find_ruled_lines(mask, mask.astype(np.float32))

    assert count == 1
    assert lines[38, 20:60].all()
    assert not lines[10:37, 100:104].any()


def test_line_from_one_side_is_found_only_on_pages() -> None:
    mask = np.zeros((80, 200), bool)
    mask[40:43, :150] = True
    mask[10:30, 90:94] = mask[10:30, 180:184] = True

    assert find_ruled_lines(mask, mask.astype(np.float32))[1] == 0
    lines, count = find_ruled_lines(mask, mask.astype(np.float32), fading=True)
    assert count == 1
    assert (lines == mask & (np.arange(80) >= 40)[:, None]).all()


@pytest.mark.parametrize("sign", [(-24, 4), (-12, 6)], ids=["minus", "point"])
def test_sign_at_the_foot_of_a_digit_stays_apart(sign: tuple[int, int]) -> None:
    """(left, height): a minus or a decimal point in front of a 1. The flag of a 5 is at its top."""
    mask = np.zeros((100, 160), bool)
    mask[20:80, 60:66] = mask[20:80, 110:116] = True
    mask[24:30, 118:130] = True
    left, height = sign
    mask[66 : 66 + height, 60 + left : 58] = True

    characters, _ = find_characters(Ink("dark", mask.astype(np.float32), mask, 0.8, 0.01))

    boxes = sorted((one.left, one.right) for one in characters)
    assert boxes[0] == (60, 66)
    assert boxes[1] == (110, 130)


def test_digit_cut_off_by_the_frame_is_a_character() -> None:
    image = np.zeros((100, 160), np.uint8)
    image[20:80, 40:46] = 1
    cv2.ellipse(image, (138, 50), (24, 30), 0, 0, 360, (1,), 6)
    image[30:70, 157:] = 1  # two thirds of its height lie on the frame
    mask = image > 0
    edge = np.zeros((100, 160), bool)
    edge[5:95, 154:] = True

    found, _ = find_characters(Ink("dark", mask.astype(np.float32), mask, 0.8, 0.01))
    beside, _ = find_characters(Ink("dark", edge.astype(np.float32), edge, 0.8, 0.01))

    assert max(one.right for one in found) == 160
    assert beside == []
