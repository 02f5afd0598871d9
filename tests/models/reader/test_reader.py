import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.reader.reader import DigitReader
from models.reader.results import Reading
from models.training.data import draw_digit_pool
from models.training.mnist import Mnist
from models.training.synthetic_digits import draw_other_glyphs
from tests.support.paper import Digits, add_grain, write_on_paper


def test_real_digits_are_read(reader: DigitReader, excerpt: Mnist) -> None:
    readings = reader.classify(list(excerpt.test.images))

    correct = [one.digit == label for one, label in zip(readings, excerpt.test.labels, strict=True)]
    assert np.mean(correct) >= 0.99
    assert np.mean([one.verdict == "digit" for one in readings]) >= 0.95
    assert np.mean([one.verdict == "not_a_digit" for one in readings]) <= 0.03


def test_reading_is_complete(reader: DigitReader, digits: Digits) -> None:
    reading = reader.classify([write_on_paper(digits[8])], keep_stages=True)[0]

    assert (reading.verdict, reading.digit) == ("digit", 8)
    assert len(reading.probabilities) == 10
    assert sum(reading.probabilities) == pytest.approx(1)
    assert reading.confidence == max(reading.probabilities) == reading.probabilities[8]
    assert all(one.digit != 8 for one in reading.alternatives)
    assert reading.model == reader.card["version"]
    assert reading.steps is not None
    assert reading.steps.polarity == "dark"
    assert reading.steps.contrast == pytest.approx(0.83, abs=0.05)
    assert 0.02 < reading.steps.ink_share < 0.3
    assert reading.seen is not None
    assert reading.seen.shape == (28, 28)
    assert "ink" in reading.stages


def test_readings_keep_the_order_of_images_of_all_sizes(reader: DigitReader, digits: Digits) -> None:
    wanted = [3, 1, 4, 1, 5, 9, 2, 6]
    images = [write_on_paper(digits[digit], (60 + 40 * n, 80 + 30 * n), 50) for n, digit in enumerate(wanted)]

    assert [one.digit for one in reader.classify(images)] == wanted
    assert reader.classify([]) == []


@pytest.mark.parametrize(
    "image",
    [
        np.full((300, 200, 3), 240, np.uint8),
        np.zeros((28, 28), np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.zeros((100, 100, 4), np.uint8),
        add_grain(np.full((300, 300), 0.8, np.float32), 0.02),
        np.full((200, 200), np.nan, np.float32),
    ],
    ids=["white paper", "black field", "one pixel", "transparent", "grainy paper", "not a number"],
)
def test_image_without_ink_is_blank(reader: DigitReader, image: NDArray[Any]) -> None:
    reading = reader.classify([image])[0]

    assert (reading.verdict, reading.digit, reading.confidence) == ("blank", None, 0)
    assert reading.box is None


def is_rejected(reading: Reading) -> bool:
    return reading.verdict in ("not_a_digit", "blank")


def test_noise_is_rejected(reader: DigitReader) -> None:
    generator = np.random.default_rng(1)
    shapes = [(28, 28), (64, 64), (300, 200), (2, 2), (1, 50)]
    images = [generator.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes]

    assert [is_rejected(one) for one in reader.classify(images)] == [True] * len(shapes)


def test_letters_and_signs_are_refused(reader: DigitReader) -> None:
    """The glyphs are those of the training; their variations are new."""
    classified = reader.classifier.classify(
        draw_other_glyphs(500, np.random.default_rng(77)).astype(np.float32) / np.float32(255)
    )

    assert np.mean([one.verdict == "not_a_digit" for one in classified]) >= 0.95


def test_european_handwriting_is_read(reader: DigitReader) -> None:
    drawn = draw_digit_pool(3000, seed=78)
    classified = reader.classifier.classify(drawn.images.astype(np.float32) / np.float32(255))

    correct = np.array([one.digit == label for one, label in zip(classified, drawn.labels, strict=True)])
    assert correct.mean() >= 0.99
    assert min(correct[drawn.labels == digit].mean() for digit in range(10)) >= 0.98


def test_logits_do_not_depend_on_the_batch(reader: DigitReader, excerpt: Mnist) -> None:
    """To the last bit: an answer must not reveal which other images were in its batch."""
    fields = excerpt.test.images[:70].astype(np.float32) / np.float32(255)
    together = reader.classifier.compute_logits(fields)

    assert together.shape == (70, 11)
    for size in (1, 2, 3, 8, 9, 17, 64, 66):
        np.testing.assert_array_equal(reader.classifier.compute_logits(fields[:size]), together[:size])
        np.testing.assert_array_equal(reader.classifier.compute_logits(fields[-size:]), together[-size:])
    assert reader.classifier.compute_logits(fields[:0]).shape == (0, 11)


def test_logits_equal_those_of_the_keras_model(reader: DigitReader, excerpt: Mnist) -> None:
    noise = np.random.default_rng(3).random((9, 28, 28), np.float32)
    fields = np.concatenate([excerpt.test.images[::7].astype(np.float32) / np.float32(255), noise])
    wanted = reader.network.predict(fields[..., None], verbose=0)

    assert np.abs(wanted).max() > 10
    np.testing.assert_allclose(reader.classifier.compute_logits(fields), wanted, atol=1e-4)
    for index in (0, 30, -1):
        np.testing.assert_allclose(reader.classifier.compute_logits(fields[[index]]), wanted[[index]], atol=1e-4)


def test_network_of_another_shape_is_rejected(reader: DigitReader) -> None:
    with pytest.raises(ValueError, match="2 weights"):
        DigitReader([np.zeros((5, 5, 1, 32), np.float32)] * 2, reader.card)


def test_reader_is_thread_safe(reader: DigitReader, digits: Digits) -> None:
    answers: dict[int, int | None] = {}

    def read(digit: int) -> None:
        answers[digit] = reader.classify([write_on_paper(digits[digit])])[0].digit

    threads = [threading.Thread(target=read, args=(digit,)) for digit in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {digit: digit for digit in range(10)}
