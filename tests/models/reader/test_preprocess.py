"""Each preprocessing step, on images made for it."""

import time
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import InvalidImageError
from models.mnist_field import BOX, CENTRE, fit_to_field
from models.reader.binarize import guess_polarity
from models.reader.components import choose_digit_ink, find_pieces
from models.reader.grayscale import convert_to_grey, flatten_transparency
from models.reader.preprocess import find_centre_of_mass, prepare_image
from models.reader.reader import DigitReader
from models.reader.ruled_lines import find_ruled_lines
from models.training.mnist import Mnist
from tests.support.paper import Digits, add_grain, enlarge_ink, write_lines, write_on_paper


def assert_all_read(reader: DigitReader, images: dict[int, NDArray[Any]], polarity: str = "auto") -> None:
    readings = reader.classify(list(images.values()), polarity)
    assert [one.digit for one in readings] == list(images)
    assert {one.verdict for one in readings} == {"digit"}


def write_all(digits: Digits, **options: Any) -> dict[int, NDArray[np.float32]]:
    return {digit: write_on_paper(image, **options) for digit, image in digits.items()}


def test_field_has_the_box_and_centre_of_mass_of_mnist(digits: Digits) -> None:
    for image in digits.values():
        field = fit_to_field(enlarge_ink(image, 200))
        rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == BOX
        x, y = find_centre_of_mass(field)
        assert max(abs(x - CENTRE), abs(y - CENTRE)) <= 0.5
        assert field.max() == pytest.approx(1)


def test_mnist_images_are_not_changed(excerpt: Mnist) -> None:
    kept = 0
    for image in excerpt.test.images:
        (first, *_) = prepare_image(image)
        if first.steps.as_is:
            kept += 1
            np.testing.assert_array_equal(first.field, image.astype(np.float32) / np.float32(255))
    assert kept >= 0.97 * len(excerpt.test.images)


def test_inverted_mnist_image_is_only_inverted(digits: Digits) -> None:
    (one,) = prepare_image(255 - digits[5])

    assert (one.steps.as_is, one.steps.polarity) == (True, "dark")
    np.testing.assert_allclose(one.field, digits[5] / 255, atol=1e-6)


def test_polarity_is_detected(reader: DigitReader, digits: Digits) -> None:
    dark = write_all(digits)
    light = {digit: 1 - image for digit, image in dark.items()}

    assert all(guess_polarity(image) > 0 for image in dark.values())
    assert all(guess_polarity(image) < 0 for image in light.values())
    assert_all_read(reader, dark)
    assert_all_read(reader, light)


def test_given_polarity_is_used(digits: Digits) -> None:
    image = write_on_paper(digits[3])

    assert {one.steps.polarity for one in prepare_image(image, "light")} <= {"light"}
    assert {one.steps.polarity for one in prepare_image(image, "dark")} == {"dark"}


def test_uneven_light_is_removed(reader: DigitReader, digits: Digits) -> None:
    light = np.linspace(0.25, 1, 200, dtype=np.float32)
    shaded = {digit: image * light for digit, image in write_all(digits).items()}
    half = {digit: image * np.where(np.arange(200) < 90, 0.5, 1) for digit, image in write_all(digits).items()}

    assert_all_read(reader, shaded)
    # The hard edge of a shadow through the digit leaves a line, which can look like a stroke.
    assert sum(one.digit == digit for one, digit in zip(reader.classify(list(half.values())), half, strict=True)) >= 9


def test_faint_pencil_on_grainy_paper_is_not_blank(reader: DigitReader, digits: Digits) -> None:
    faint = {digit: add_grain(image, 0.012) for digit, image in write_all(digits, paper=0.8, ink=0.68).items()}

    assert_all_read(reader, faint)


def test_ruled_lines_are_removed(reader: DigitReader, digits: Digits) -> None:
    ruled = write_all(digits)
    for image in ruled.values():
        image[26:28] = image[176:178] = 0.4

    assert_all_read(reader, ruled)


def test_hairlines_are_thickened_to_the_stroke_width_of_mnist(reader: DigitReader) -> None:
    image = np.full((600, 600), 255, np.uint8)
    points = np.array([[200, 120], [400, 120], [280, 480]], np.int32)
    cv2.polylines(image, [points], False, (0,), 2, cv2.LINE_AA)

    reading = reader.classify([image])[0]

    assert (reading.digit, reading.verdict) == (7, "digit")
    assert reading.steps is not None
    assert reading.seen is not None
    assert reading.steps.stroke_width < 0.5
    stem = reading.seen[12:22].sum(axis=1)  # across a slanted stem, so a little more than its width
    assert 2 <= np.median(stem) <= 4


@pytest.mark.parametrize("side", [20, 60, 900])
def test_tiny_and_huge_digits_are_read(reader: DigitReader, digits: Digits, side: int) -> None:
    shape = (max(28, side * 3 // 2),) * 2

    assert_all_read(reader, write_all(digits, shape=shape, side=side))


def test_small_digit_on_a_large_sheet_is_found(reader: DigitReader, digits: Digits) -> None:
    image = write_on_paper(digits[2], (800, 1100), 90)

    reading = reader.classify([image])[0]

    assert reading.digit == 2
    assert reading.box is not None
    left, top, width, height = reading.box
    assert 505 < left < 595
    assert 355 < top < 445
    assert 40 < max(width, height) < 95


def test_tight_crop_is_read_although_it_touches_the_frame(reader: DigitReader, digits: Digits) -> None:
    crops = {}
    for digit, image in digits.items():
        ink = enlarge_ink(image, 200)
        rows, columns = np.flatnonzero((ink > 0.3).any(axis=1)), np.flatnonzero((ink > 0.3).any(axis=0))
        crops[digit] = 1 - ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    readings = reader.classify(list(crops.values()))
    # A 1 that fills its image has a single colour and cannot be read.
    assert [one.digit for one in readings if one.digit != 1][1:] == [digit for digit in crops if digit > 1]


def test_transparent_pixels_become_white_unless_the_ink_is_white(digits: Digits) -> None:
    ink = enlarge_ink(digits[4], 100)
    black_ink = np.dstack([np.zeros_like(ink)] * 3 + [ink])
    white_ink = np.dstack([np.ones_like(ink)] * 3 + [ink])

    np.testing.assert_allclose(flatten_transparency(black_ink)[..., 0], 1 - ink, atol=1e-6)
    np.testing.assert_allclose(flatten_transparency(white_ink)[..., 0], ink, atol=1e-6)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [((1, 1, 0.1), (1, 1, 1)), ((0.2, 0.2, 0.8), (1, 0.8, 0.85)), ((0.85, 0.2, 0.2), (0.2, 0.62, 0.2))],
    ids=["yellow on white", "blue on pink", "red on green of the same brightness"],
)
def test_coloured_ink_is_read_along_the_axis_of_most_contrast(
    reader: DigitReader, digits: Digits, ink: tuple[float, ...], paper: tuple[float, ...]
) -> None:
    images = {}
    for digit, image in digits.items():
        stroke = np.zeros((160, 160, 1), np.float32)
        stroke[20:140, 20:140, 0] = enlarge_ink(image, 120)
        images[digit] = (np.array(paper) * (1 - stroke) + np.array(ink) * stroke).astype(np.float32)

    grey = convert_to_grey(images[8])
    assert np.ptp(grey) > 0.25
    assert_all_read(reader, images)


def test_all_dtypes_give_the_same_field(digits: Digits) -> None:
    eight = np.round(write_on_paper(digits[6]) * 255).astype(np.uint8)
    (first,) = prepare_image(eight)[:1]

    for same in (eight.astype(np.uint16) * 257, eight.astype(np.float64) / 255, np.dstack([eight] * 3)):
        np.testing.assert_allclose(prepare_image(same)[0].field, first.field, atol=0.02)


@pytest.mark.parametrize(
    "image",
    [np.zeros((5,)), np.zeros((5, 5, 5)), np.zeros((0, 5)), np.zeros((5, 5), np.int32), np.zeros((5, 5), complex)],
    ids=["one axis", "five channels", "no rows", "int32", "complex"],
)
def test_unsupported_array_is_rejected(image: NDArray[Any]) -> None:
    with pytest.raises(InvalidImageError):
        prepare_image(image)


def test_stages_are_kept_in_order(digits: Digits) -> None:
    (one,) = prepare_image(write_on_paper(digits[0]), keep_stages=True)[:1]

    assert list(one.stages) == ["grey", "ink", "digit", "strokes"]
    assert all(stage.dtype == np.uint8 and stage.ndim == 2 for stage in one.stages.values())


@pytest.mark.parametrize("ink", [0.15, 0.45], ids=["paler than the pen", "as strong as the pen"])
@pytest.mark.parametrize("slope", [0.0, 0.03])
def test_squared_paper_is_removed(reader: DigitReader, digits: Digits, ink: float, slope: float) -> None:
    squared = write_all(digits, ink=ink)
    for image in squared.values():
        for position in range(11, 200, 36):
            cv2.line(image, (0, position), (199, round(position + 199 * slope)), (0.45,), 2)
            cv2.line(image, (position, 0), (round(position - 199 * slope), 199), (0.45,), 2)

    readings = reader.classify(list(squared.values()))
    assert sum(one.digit == digit for one, digit in zip(readings, squared, strict=True)) >= 9
    assert sum(one.verdict == "digit" for one in readings) >= 8


def test_ruled_lines_are_found_and_crossing_strokes_are_kept() -> None:
    mask = np.zeros((100, 120), bool)
    mask[30:33] = mask[70:73] = True
    mask[10:90, 50:56] = True

    lines, count = find_ruled_lines(mask, mask.astype(np.float32))

    assert count == 2
    assert lines[31, :45].all()
    assert lines[71, 62:].all()
    assert not lines[:, 51:55].any()
    alone, none = find_ruled_lines(mask & (np.arange(120) > 40) & (np.arange(120) < 70), mask.astype(np.float32))
    assert not alone.any()
    assert none == 0


@pytest.mark.parametrize("slant", [0, 40])
@pytest.mark.parametrize("dark", [0.2, 0.5])
def test_edge_of_a_sheet_is_not_a_digit(reader: DigitReader, slant: int, dark: float) -> None:
    image = np.full((300, 400), 0.85, np.float32)
    cv2.fillPoly(image, [np.array([[0, 0], [120 + slant, 0], [120, 299], [0, 299]], np.int32)], (dark,))
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.float32)

    assert reader.classify([add_grain(image, 0.01)])[0].verdict in ("not_a_digit", "blank")
    assert reader.read(add_grain(image, 0.01)).text == ""


def test_specks_of_a_bad_threshold_are_ignored(reader: DigitReader, digits: Digits) -> None:
    generator = np.random.default_rng(8)
    speckled = write_all(digits, paper=1, ink=0)
    for image in speckled.values():
        flipped = generator.random(image.shape) < 0.02
        image[flipped] = 1 - np.round(image[flipped])

    readings = reader.classify(list(speckled.values()))
    assert [one.digit for one in readings] == list(speckled)


def test_search_for_near_pieces_equals_comparison_of_all_pairs_and_is_fast() -> None:
    """Coarse grain gives thousands of pieces."""
    random = np.random.default_rng(3)
    mask = np.zeros((200, 300), bool)
    ys, xs = random.integers(1, 99, 3500) * 2, random.integers(1, 149, 3500) * 2  # not on the frame
    mask[ys, xs] = (abs(xs - 90) > 10) & (abs(xs - 210) > 10)  # two gaps, too wide for parts of one digit
    mask[85:115, 135:165] = False
    mask[90:110, 140:150] = True  # the main piece: pieces within 7 pixels belong to it, transitively
    density = np.where(mask, random.uniform(0.5, 1, mask.shape), 0).astype(np.float32)
    density[90:110, 140:150] = 0.15  # so little ink that specks are not too small beside it
    started = time.process_time()
    chosen, _ = choose_digit_ink(mask, density)
    assert time.process_time() - started < 2

    pieces, labels = find_pieces(mask, density)
    main = max(pieces, key=lambda piece: piece.size)
    rest = [piece for piece in pieces if piece is not main and piece.ink > 0.02 * main.ink]
    corners = np.array([[one.left, one.top, one.right, one.bottom] for one in [main, *rest]], float)
    left, top, right, bottom = corners.T[:, :, None]
    apart = [np.maximum(0, np.maximum(low.T - high, low - high.T)) for low, high in ((left, right), (top, bottom))]
    near = np.hypot(*apart) <= 0.35 * main.size
    reached = near[0]
    while (further := near[reached].any(axis=0)).sum() > reached.sum():
        reached = further
    assert 100 < reached.sum() < len(reached) - 100
    wanted = [piece.label for piece, is_in in zip([main, *rest], reached, strict=True) if is_in]
    np.testing.assert_array_equal(chosen, np.isin(labels, wanted))


def test_several_digits_are_counted_and_make_the_answer_unsure(reader: DigitReader, digits: Digits) -> None:
    page = write_lines([[digits[8], digits[3]], [digits[5], digits[2]]])

    reading = reader.classify([page])[0]

    assert (reading.verdict, reading.other_pieces) == ("unsure", 3)


@pytest.mark.parametrize("turn", range(4))
def test_thick_border_of_a_cell_is_not_part_of_the_digit(reader: DigitReader, digits: Digits, turn: int) -> None:
    cells = {}
    for digit, image in digits.items():
        cell = np.rot90(write_on_paper(image, (100, 100), 64), turn).copy()
        cell[1:12] = 0.2
        cells[digit] = np.ascontiguousarray(np.rot90(cell, -turn))

    assert sum(one.digit == digit for one, digit in zip(reader.classify(list(cells.values())), cells, strict=True)) >= 9


@pytest.mark.parametrize("turn", range(4))
def test_thick_borders_that_meet_in_a_corner_are_not_part_of_the_digit(
    reader: DigitReader, digits: Digits, turn: int
) -> None:
    cells = {}
    for digit, image in digits.items():
        cell = np.rot90(write_on_paper(image, (100, 100), 50), turn).copy()
        cell[6:15] = cell[:, 6:15] = 0.2
        cells[digit] = np.ascontiguousarray(np.rot90(cell, -turn))

    assert sum(one.digit == digit for one, digit in zip(reader.classify(list(cells.values())), cells, strict=True)) >= 9


def test_line_may_be_thicker_at_the_edge_of_the_image_than_in_its_middle() -> None:
    edge, middle = np.zeros((100, 80), bool), np.zeros((100, 80), bool)
    edge[4:14] = middle[45:55] = True
    edge[40:80, 30:50] = middle[70:90, 30:50] = True

    assert find_ruled_lines(edge, edge.astype(np.float32))[0][5:13].all()
    assert find_ruled_lines(middle, middle.astype(np.float32))[1] == 0


def test_bar_of_a_tightly_cropped_7_is_not_a_ruled_line() -> None:
    seven, ruled = np.zeros((40, 30), bool), np.zeros((40, 30), bool)
    seven[:2] = True
    cv2.line(seven.view(np.uint8), (28, 0), (10, 39), (1,), 3)
    ruled[20:22] = True
    cv2.line(ruled.view(np.uint8), (20, 4), (12, 36), (1,), 3)

    assert find_ruled_lines(seven, seven.astype(np.float32))[1] == 0
    assert find_ruled_lines(ruled, ruled.astype(np.float32))[1] == 1


def test_picture_is_not_blank(reader: DigitReader) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(3).random((120, 160)), (0, 0), 3)
    texture = (noise - noise.min()) / np.ptp(noise)

    assert reader.classify([texture])[0].verdict == "not_a_digit"
