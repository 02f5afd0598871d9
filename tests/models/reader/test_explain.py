"""Explanations: every stage equals SciPy and NumPy, both maps equal their definitions."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate2d

from models.model_folder import read_model_folder
from models.network import MAPS
from models.reader.explain import Explainer, Explanation, cover_patches
from models.reader.reader import DigitReader
from models.reader.weights import BUNDLED_FOLDER
from tests.support.paper import Digits

BATCH_NORM_EPSILON = 1e-3  # Keras's default
Field = NDArray[np.float32]
Values = NDArray[np.float64]


@pytest.fixture(scope="module")
def explainer(reader: DigitReader) -> Explainer:
    return Explainer(reader)


@pytest.fixture(scope="module")
def fields(digits: Digits) -> dict[int, Field]:
    return {digit: (image / 255).astype(np.float32) for digit, image in digits.items()}


@pytest.fixture(scope="module")
def seven(explainer: Explainer, fields: dict[int, Field]) -> Explanation:
    return explainer.explain(fields[7], 7)


def test_stages_have_the_shapes_of_the_lectures_network(explainer: Explainer, seven: Explanation) -> None:
    assert [(stage.name, stage.kind, stage.values.shape) for stage in seven.stages] == [
        ("conv1", "conv", (28, 28, 32)),
        ("pool1", "pool", (14, 14, 32)),
        ("conv2", "conv", (14, 14, 64)),
        ("pool2", "pool", (7, 7, 64)),
        ("dense", "dense", (1024,)),
        ("output", "output", (11,)),
    ]
    assert {stage.name: stage.values.shape[2] for stage in seven.stages if stage.values.ndim == 3} == MAPS
    assert seven.occlusion.shape == (14, 14)
    assert seven.gradient.shape == (28, 28)


def test_conv1_maps_equal_scipy(seven: Explanation, fields: dict[int, Field]) -> None:
    kernels, gamma, beta, mean, variance = read_model_folder(BUNDLED_FOLDER)[0][:5]
    for number in range(32):
        correlated = correlate2d(fields[7], kernels[:, :, 0, number], mode="same")
        normalized = (correlated - mean[number]) / np.sqrt(variance[number] + BATCH_NORM_EPSILON)
        expected = np.maximum(gamma[number] * normalized + beta[number], 0)
        np.testing.assert_allclose(seven.stages[0].values[..., number], expected, atol=1e-4)
    assert seven.stages[0].values.max() > 1


class NumpyNetwork:
    """The bundled network in float64, from the definitions of its layers, without TensorFlow."""

    def __init__(self) -> None:
        self.weights = [weight.astype(np.float64) for weight in read_model_folder(BUNDLED_FOLDER)[0]]

    def compute_stages(self, field: NDArray[np.floating]) -> list[Values]:
        conv1 = self.normalize(self.convolve(field[..., None], self.weights[0]), 1)
        pool1 = self.pool(conv1)
        conv2 = self.normalize(self.convolve(pool1, self.weights[5]), 6)
        pool2 = self.pool(conv2)
        dense = self.normalize(pool2.reshape(-1) @ self.weights[10], 11)
        return [conv1, pool1, conv2, pool2, dense, dense @ self.weights[15] + self.weights[16]]

    def find_log_odds(self, field: NDArray[np.floating], digit: int, temperature: float) -> float:
        odds = np.exp(self.compute_stages(field)[-1][:10] / temperature)
        return float(np.log(odds[digit] / (odds.sum() - odds[digit])))

    def convolve(self, values: NDArray[np.floating], kernels: Values) -> Values:
        padded = np.pad(values.astype(np.float64), ((2, 2), (2, 2), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1))
        return np.tensordot(windows, kernels.transpose(2, 0, 1, 3), 3)

    def normalize(self, values: Values, first: int) -> Values:
        """Batch norm by its definition (Ioffe and Szegedy 2015), then relu."""
        gamma, beta, mean, variance = self.weights[first : first + 4]
        return np.maximum(gamma * (values - mean) / np.sqrt(variance + BATCH_NORM_EPSILON) + beta, 0)

    def pool(self, values: Values) -> Values:
        height, width, maps = values.shape
        return values.reshape(height // 2, 2, width // 2, 2, maps).max(axis=(1, 3))


def test_every_stage_equals_numpy(seven: Explanation, fields: dict[int, Field]) -> None:
    for stage, expected in zip(seven.stages, NumpyNetwork().compute_stages(fields[7]), strict=True):
        np.testing.assert_allclose(stage.values, expected, atol=1e-3, err_msg=stage.name)


def test_log_odds_match_the_probabilities_of_the_answer(
    explainer: Explainer, reader: DigitReader, fields: dict[int, Field]
) -> None:
    probabilities = reader.classifier.classify(fields[7][None])[0].probabilities
    for digit in (0, 1, 2, 3, 4, 5, 6, 8, 9):
        expected = np.log(probabilities[digit]) - np.log1p(-probabilities[digit])
        assert explainer.explain(fields[7], digit).log_odds == pytest.approx(expected, abs=1e-3)


def test_occlusion_equals_the_log_odds_lost_by_covering_the_patch(seven: Explanation, explainer: Explainer) -> None:
    row, column = np.unravel_index(seven.occlusion.argmax(), seven.occlusion.shape)
    covered = seven.field.copy()
    for y in range(2 * row - 2, 2 * row + 4):
        for x in range(2 * column - 2, 2 * column + 4):
            covered[y, x] = 0
    assert seven.occlusion[row, column] == pytest.approx(
        seven.log_odds - explainer.explain(covered, 7).log_odds, abs=1e-3
    )


def test_occlusion_is_zero_on_empty_paper_and_large_on_the_stroke(
    explainer: Explainer, fields: dict[int, Field]
) -> None:
    for digit, field in fields.items():
        occlusion = explainer.occlude(field, digit)
        inked = np.array([(covered != field).any() for covered in cover_patches(field)]).reshape(14, 14)
        assert not inked[0, 0]
        assert np.abs(occlusion[~inked]).max() < 1e-3
        assert occlusion[inked].max() > 1


def test_patches_cover_six_pixels_around_squares_of_two() -> None:
    covered = 1 - cover_patches(np.ones((28, 28), np.float32)).reshape(14, 14, 28, 28)
    assert covered[5, 8].sum() == 36
    assert covered[5, 8][8:14, 14:20].all()
    assert covered[0, 0].sum() == 16  # at the corner
    assert covered[0, 0][:4, :4].all()


def test_gradient_matches_finite_differences(explainer: Explainer, fields: dict[int, Field]) -> None:
    # On empty paper all inputs of a pool are equal and the derivative is not unique; noise makes it unique.
    noisy = np.clip(fields[7] + np.random.default_rng(3).uniform(0, 0.1, (28, 28)), 0, 1).astype(np.float32)
    gradient = explainer.explain(noisy, 7).gradient
    network, temperature, step = NumpyNetwork(), explainer.reader.classifier.temperature, 1e-6
    strongest = np.argsort(-np.abs(gradient), axis=None)[:20]
    measured = []
    for place in strongest:
        nudge = step * (np.arange(784) == place).reshape(28, 28)
        more, less = (network.find_log_odds(noisy + sign * nudge, 7, temperature) for sign in (1, -1))
        measured.append((more - less) / (2 * step))
    assert np.abs(measured).min() > 0.1
    np.testing.assert_allclose(gradient.reshape(-1)[strongest], measured, rtol=1e-2)


def test_explanation_refers_to_the_given_digit(explainer: Explainer, seven: Explanation) -> None:
    as_one = explainer.explain(seven.field, 1)
    assert as_one.log_odds < 0 < seven.log_odds
    assert np.abs(as_one.gradient - seven.gradient).max() > 0.1


def test_explainer_is_thread_safe(explainer: Explainer, fields: dict[int, Field]) -> None:
    alone = {digit: explainer.explain(field, digit) for digit, field in fields.items()}
    with ThreadPoolExecutor(4) as executor:
        together = list(executor.map(explainer.explain, fields.values(), fields.keys()))
    for explanation in together:
        np.testing.assert_allclose(explanation.gradient, alone[explanation.digit].gradient, atol=1e-5)
        np.testing.assert_allclose(explanation.occlusion, alone[explanation.digit].occlusion, atol=1e-3)
