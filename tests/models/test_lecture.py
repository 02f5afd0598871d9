from typing import Any

import numpy as np
import pytest

from models.lecture import VARIABLES, LectureNetwork
from models.network import LECTURE_PARAMETERS, build_lecture_layers


@pytest.fixture(scope="module")
def images() -> Any:
    return np.random.default_rng(1).random((16, 28, 28, 1)).astype(np.float32)


def test_both_networks_have_the_lectures_parameters_in_the_same_order() -> None:
    by_hand, layered = LectureNetwork(), build_lecture_layers()

    assert by_hand.count_params() == layered.count_params() == LECTURE_PARAMETERS == 3_274_634
    shapes = [weight.shape for weight in layered.get_weights()]
    assert shapes == [weight.shape for weight in by_hand.get_weights()] == list(VARIABLES.values())


def test_initial_values_have_standard_deviation_one() -> None:
    kernel, bias = LectureNetwork(3).get_weights()[4:6]

    assert kernel.std() == pytest.approx(1, abs=0.13)  # truncated at two standard deviations, so a little less
    assert bias.std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("direction", ["by hand to layers", "layers to by hand"])
def test_same_weights_give_same_logits(direction: str, images: Any) -> None:
    by_hand, layered = LectureNetwork(1), build_lecture_layers(2)
    source, target = (by_hand, layered) if direction == "by hand to layers" else (layered, by_hand)
    # Scaled so that logits are around 1; with the initial standard deviation they are in the thousands.
    source.set_weights([weight * 0.05 for weight in source.get_weights()])
    target.set_weights(source.get_weights())

    expected = source(images, training=False).numpy()
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(target(images, training=False).numpy(), expected, atol=1e-5)


def test_dropout_is_active_only_in_training(images: Any) -> None:
    network = LectureNetwork()

    first = network(images).numpy()
    np.testing.assert_array_equal(first, network(images).numpy())
    assert not np.allclose(first, network(images, training=True).numpy())
    assert not np.allclose(network(images, training=True).numpy(), network(images, training=True).numpy())
