import numpy as np
import pytest

from models.calibration import (
    find_wilson_interval,
    fit_temperature,
    measure_calibration_error,
    score_not_a_digit,
    softmax,
)


def test_wilson_s_interval_is_the_textbook_s() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263.
    low, high = find_wilson_interval(81, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert find_wilson_interval(0, 0) == (0, 1)
    assert find_wilson_interval(10, 10)[1] == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_logits_were_multiplied_by_is_found(temperature: float) -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 2, (20_000, 10))
    labels = (softmax(logits).cumsum(axis=1) > generator.random((20_000, 1))).argmax(axis=1)

    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_calibration_error_is_nought_for_honest_and_large_for_boastful_confidence() -> None:
    right = np.arange(1000) % 10 < 8

    assert measure_calibration_error(np.full(1000, 0.8), right) < 0.05
    assert measure_calibration_error(np.full(1000, 1.0), right) == pytest.approx(0.2)


def test_the_rubbish_score_is_the_log_odds_against_all_digits_together() -> None:
    logits = np.zeros((1, 11))

    assert score_not_a_digit(logits)[0] == pytest.approx(-np.log(10))
