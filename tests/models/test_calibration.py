import numpy as np
import pytest

from models.calibration import (
    find_wilson_interval,
    fit_temperature,
    measure_calibration_error,
    score_not_a_digit,
    softmax,
)


def test_wilson_interval_equals_published_value() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263.
    low, high = find_wilson_interval(81, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert find_wilson_interval(0, 0) == (0, 1)
    assert find_wilson_interval(10, 10)[1] == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_fitted_temperature_is_the_factor_of_the_logits(temperature: float) -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 2, (20_000, 10))
    labels = (softmax(logits).cumsum(axis=1) > generator.random((20_000, 1))).argmax(axis=1)

    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_calibration_error_is_small_for_calibrated_and_large_for_overconfident_answers() -> None:
    correct = np.arange(1000) % 10 < 8

    assert measure_calibration_error(np.full(1000, 0.8), correct) < 0.05
    assert measure_calibration_error(np.full(1000, 1.0), correct) == pytest.approx(0.2)


def test_not_a_digit_score_is_the_log_odds_against_all_digits() -> None:
    logits = np.zeros((1, 11))

    assert score_not_a_digit(logits)[0] == pytest.approx(-np.log(10))
