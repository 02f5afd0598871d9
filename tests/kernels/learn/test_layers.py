"""Two layers trained with Adam: gradients, samples, the document, and what they gain over a single kernel."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import signal

from kernels.errors import UndeterminedKernelError
from kernels.learn.layer_training import (
    LayerTraining,
    finish_training,
    measure_gradient,
    measure_held_out,
    prepare_training,
    train,
)
from kernels.learn.layers import Layers, describe_operations
from kernels.learn.samples import Pair, make_pair
from tests.support.images import Pixels
from tests.support.learning import PHOTOGRAPH
from tests.support.nonlinear import NONLINEAR, apply_operations, find_held_out, measure_psnr

FOREVER = 1e9
"""Seconds: the number of steps ends the training."""


def train_layers(pair: Pair, size: int = 3, filters: int = 8, shared: Any = "auto", steps: int = 150) -> LayerTraining:
    return train(prepare_training(pair, size, filters, shared, steps, None).state, FOREVER)[0]


def describe(state: LayerTraining, pair: Pair) -> list[dict[str, Any]]:
    return describe_operations(finish_training(state), pair.file_channels, pair.white)


def test_gradient_equals_differences_of_the_loss() -> None:
    """The reference is differences of the loss, in float64, with SciPy's correlation."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(2, 9, 9, 2)).astype(np.float32)
    targets = np.clip(random.normal(size=(2, 7, 7, 2)), -1, 1).astype(np.float32)
    targets[targets == 1], targets[targets == -1] = (255 - 127.5) / 64, -127.5 / 64  # white and black
    usable = (random.random((2, 7, 7, 1)) < 0.8).astype(np.float32)
    shapes = ((3, 3, 2, 4), (4,), (4, 2), (2,))
    arrays = [random.normal(size=shape) for shape in shapes]

    def measure(arrays: Any) -> float:
        filters, biases, mix, offsets = arrays
        hidden = np.zeros((2, 7, 7, 4))
        for image, unit, channel in np.ndindex(2, 4, 2):
            kernel = filters[:, :, channel, unit]
            hidden[image, ..., unit] += signal.correlate2d(inputs[image, ..., channel].astype(float), kernel, "valid")
        errors = np.maximum(hidden + biases, 0) @ mix + offsets - targets
        errors[(targets == targets.max()) & (errors > 0)] = 0
        errors[(targets == targets.min()) & (errors < 0)] = 0
        return float((usable * errors**2).sum() / (usable.sum() * 2))

    layers = Layers(*(array.astype(np.float32) for array in arrays))
    loss, gradient = measure_gradient(layers, inputs, targets, usable)
    assert loss / 64**2 == pytest.approx(measure(arrays), rel=1e-4)
    flat = np.concatenate([array.ravel() for array in arrays])
    ends = np.cumsum([array.size for array in arrays])[:-1]
    for place in range(len(flat)):
        sides = []
        for change in (1e-5, -1e-5):
            moved = flat.copy()
            moved[place] += change
            sides.append(measure([p.reshape(s) for p, s in zip(np.split(moved, ends), shapes, strict=True)]))
        assert gradient[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-2, abs=1e-3)


def test_adam_takes_the_steps_of_the_paper() -> None:
    """The reference follows algorithm 1 of Kingma and Ba, with the whole sample as the batch."""
    pair = make_pair(PHOTOGRAPH[:40, :40], NONLINEAR["gamma"](PHOTOGRAPH[:40, :40]))
    start = prepare_training(pair, 1, 3, True, 4, None).state
    # At the start, the gradient of the mix is 0: Adam would follow rounding errors.
    noise = np.random.default_rng(0).normal(0, 0.3, start.parameters.shape).astype(np.float32)
    start = replace(start, parameters=start.parameters + noise)
    batch = (start.training.inputs, start.training.targets, start.training.usable.astype(np.float32))
    theta: Any = start.parameters.astype(float)
    first: Any = 0.0
    second: Any = 0.0
    for t in (1, 2, 3, 4):
        one = replace(start, parameters=theta.astype(np.float32)).layers
        gradient = measure_gradient(one, *batch)[1].astype(float)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        rate = start.rate * t / 30 * (1 + np.cos(np.pi * t / 4)) / 2
        theta = theta - rate * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
    trained, _ = train(start, FOREVER)
    assert trained.step == 4
    np.testing.assert_allclose(trained.parameters, theta, atol=1e-5)
    assert np.abs(trained.parameters - start.parameters).max() > 1e-4


def test_training_in_pieces_equals_training_in_one_piece() -> None:
    pair = make_pair(PHOTOGRAPH, NONLINEAR["median"](PHOTOGRAPH))
    start = prepare_training(pair, 3, 4, True, 12, None).state
    whole, snapshots = train(start, FOREVER)
    pieces, steps = start, 0
    while pieces.step < 12:
        pieces, more = train(pieces, 0)  # one step
        steps += 1
        assert [one.psnr_db for one in more] == [one.psnr_db for one in snapshots if one.step == pieces.step]
    assert steps == 12
    np.testing.assert_array_equal(pieces.parameters, whole.parameters)
    again, _ = train(prepare_training(pair, 3, 4, True, 12, None).state, FOREVER)
    np.testing.assert_array_equal(again.parameters, whole.parameters)


def test_held_out_pixels_take_no_part_in_the_training() -> None:
    after = NONLINEAR["gamma"](PHOTOGRAPH)
    held_out = find_held_out(240, 320, 3, 32)
    assert 0.15 < held_out.mean() < 0.25
    noise = np.random.default_rng(0).integers(0, 256, after.shape, np.uint8)
    states = [
        train_layers(make_pair(PHOTOGRAPH, each), steps=3)
        for each in (after, np.where(held_out[..., None], noise, after), np.where(held_out[..., None], after, noise))
    ]
    np.testing.assert_array_equal(states[0].parameters, states[1].parameters)
    assert np.abs(states[0].parameters - states[2].parameters).max() > 0.1
    assert (states[0].held_out.targets != states[1].held_out.targets).any()


@pytest.mark.parametrize(
    ("name", "gain_db"),
    [("gradient magnitude", 6), ("median", 0.7), ("threshold", 6), ("gamma", 6), ("clipped sharpening", 6)],
)
def test_layers_gain_over_the_best_kernel(name: str, gain_db: float) -> None:
    """The best kernel is NumPy's least squares over the training pixels; SciPy applies the layers."""
    after = NONLINEAR[name](PHOTOGRAPH)
    pair = make_pair(PHOTOGRAPH, after)
    prepared = prepare_training(pair, 3, 8, "auto", 300, None)
    assert prepared.shared
    state, snapshots = train(prepared.state, FOREVER)
    held_out = find_held_out(240, 320, 3, 32)
    layers_db = measure_psnr(apply_operations(PHOTOGRAPH, describe(state, pair)), after, held_out)
    assert measure_held_out(finish_training(state), state.held_out, 1) == pytest.approx(layers_db, abs=0.02)
    kernel_db = measure_psnr(fit_best_kernels(PHOTOGRAPH, after, held_out), after, held_out)
    assert prepared.kernel_psnr_db == pytest.approx(kernel_db, abs=0.1)
    assert layers_db > kernel_db + gain_db
    assert snapshots[-1].loss < snapshots[0].loss


def fit_best_kernels(before: Pixels, after: Pixels, held_out: Any) -> Any:
    """The results of a kernel of 3×3 and a bias for each channel."""
    padded = np.pad(before.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = before.shape[:2]
    columns = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    patches = np.stack([*columns, np.ones(before.shape)], axis=-1)
    trained = ~held_out
    trained[:1] = trained[-1:] = trained[:, :1] = trained[:, -1:] = False
    results = np.empty(before.shape)
    for channel in range(3):
        rows = patches[:, :, channel]
        found = np.linalg.lstsq(rows[trained], after[:, :, channel][trained].astype(float), rcond=None)[0]
        results[..., channel] = rows @ found
    return results


def test_channels_that_depend_on_each_other_are_seen_together() -> None:
    """The larger of red and blue, in all channels."""
    after = np.repeat(np.maximum(PHOTOGRAPH[..., :1], PHOTOGRAPH[..., 2:]), 3, axis=2)
    pair = make_pair(PHOTOGRAPH, after)
    prepared = prepare_training(pair, 1, 6, "auto", 200, None)
    assert not prepared.shared
    state, _ = train(prepared.state, FOREVER)
    operations = describe(state, pair)
    assert np.array(operations[0]["weights"]).shape == (6, 3, 1, 1)
    result = apply_operations(PHOTOGRAPH, operations)
    assert measure_psnr(result, after, np.s_[:]) > prepared.kernel_psnr_db + 10


@pytest.mark.parametrize("size", [2, 5])
def test_filters_of_every_size_are_above_their_pixel(size: int) -> None:
    """A shifted curve: the weight must be at the right place."""
    before = PHOTOGRAPH[..., 0]
    after = np.roll(NONLINEAR["gamma"](before), (-1, -1), axis=(0, 1))  # the pixel below to the right
    pair = make_pair(before[..., None], after[..., None])
    state = train_layers(pair, size, 6)
    result = apply_operations(before, describe(state, pair))
    assert measure_psnr(result[3:-3, 3:-3], after[3:-3, 3:-3], np.s_[:]) > 35


def test_sixteen_bits_have_biases_in_their_own_units() -> None:
    before = PHOTOGRAPH.astype(np.uint16) * 257 + 100 * (PHOTOGRAPH < 200).astype(np.uint16)
    after = np.rint(65535 * (before / 65535) ** 0.5).astype(np.uint16)
    pair = make_pair(before, after)
    result = apply_operations(before, describe(train_layers(pair, 1), pair))
    assert measure_psnr(result, after, np.s_[:], 65535) > 40


def test_grey_result_of_a_colour_image_is_learned_from_its_luma() -> None:
    grey = PHOTOGRAPH @ [0.299, 0.587, 0.114]
    after = np.rint(255 * (grey / 255) ** 0.5).astype(np.uint8)[..., None]
    pair = make_pair(PHOTOGRAPH, after)
    operations = describe(train_layers(pair, 1), pair)
    assert np.array(operations[0]["weights"]).shape == (8, 3, 1, 1)
    result = apply_operations(PHOTOGRAPH, operations)
    assert result.shape[2] == 1
    assert measure_psnr(result, after, np.s_[:]) > 40


def test_transparent_pixels_are_not_used() -> None:
    after = NONLINEAR["gamma"](PHOTOGRAPH)
    alpha = np.full((240, 320, 1), 255, np.uint8)
    alpha[60:120, 40:200] = 0
    hidden = np.where(alpha > 0, after, np.random.default_rng(0).integers(0, 256, after.shape, np.uint8))
    pairs = [make_pair(np.dstack([PHOTOGRAPH, alpha]), np.dstack([one, alpha])) for one in (after, hidden)]
    first, second = (train_layers(pair, steps=5) for pair in pairs)
    np.testing.assert_array_equal(first.parameters, second.parameters)
    assert first.training.count < train_layers(make_pair(PHOTOGRAPH, after), steps=1).training.count


def test_too_few_pixels_are_rejected_with_the_numbers() -> None:
    small = make_pair(PHOTOGRAPH[:12, :12], NONLINEAR["gamma"](PHOTOGRAPH[:12, :12]))
    with pytest.raises(UndeterminedKernelError, match="the layers have 1329 weights, which need 5316"):
        prepare_training(small, 9, 16, "auto", 10, None)
    with pytest.raises(UndeterminedKernelError, match="Only"):
        prepare_training(make_pair(PHOTOGRAPH[:1, :2], PHOTOGRAPH[1:2, :2]), 1, 2, True, 10, None)


def test_a_large_image_is_sampled() -> None:
    large = np.tile(PHOTOGRAPH, (6, 6, 1))
    state = prepare_training(make_pair(large, NONLINEAR["gamma"](large)), 9, 16, False, 10, None).state
    assert state.training.inputs.nbytes <= 1_000_000
    assert state.held_out.inputs.nbytes <= 640_000
    assert state.training.count > 100_000
