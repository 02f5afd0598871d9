import numpy as np
import pytest

from models.network import NOT_A_DIGIT
from models.sharding import Shard
from models.training.augmentation import augment_fields
from models.training.data import TrainingSet, draw_digit_pool, draw_negative_pool, split_validation
from models.training.degradations import DEGRADATIONS
from models.training.mnist import Mnist
from models.training.negatives import NEGATIVES


def test_same_seed_gives_same_augmentation(excerpt: Mnist) -> None:
    images = excerpt.train.images[:64]

    first = augment_fields(images, np.random.default_rng(1))

    assert first.shape == (64, 28, 28)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 1
    np.testing.assert_array_equal(first, augment_fields(images, np.random.default_rng(1)))
    assert not np.allclose(first, augment_fields(images, np.random.default_rng(2)))


@pytest.mark.parametrize("degrade", DEGRADATIONS, ids=lambda one: one.__name__)
def test_degradation_does_not_change_its_argument(degrade: object, excerpt: Mnist) -> None:
    assert callable(degrade)
    field = excerpt.train.images[0].astype(np.float32) / np.float32(255)
    before = field.copy()

    for seed in range(5):
        degraded = degrade(field, np.random.default_rng(seed))
        assert degraded.shape == (28, 28)
        assert np.isfinite(degraded).all()
    np.testing.assert_array_equal(field, before)


@pytest.mark.parametrize("draw", NEGATIVES, ids=lambda one: one.__name__)
def test_every_kind_of_negative_is_a_field(draw: object, excerpt: Mnist) -> None:
    assert callable(draw)
    for seed in range(20):
        field = draw(excerpt.train, np.random.default_rng(seed))
        assert field.shape == (28, 28)
        assert field.dtype == np.uint8


def test_same_seed_gives_same_pools(excerpt: Mnist) -> None:
    drawn, again = draw_digit_pool(40, 5), draw_digit_pool(40, 5)
    negatives = draw_negative_pool(40, excerpt.train, 5)

    np.testing.assert_array_equal(drawn.images, again.images)
    assert drawn.labels.max() <= 9
    assert set(negatives.labels.tolist()) == {NOT_A_DIGIT}
    assert (negatives.images != draw_negative_pool(40, excerpt.train, 6).images).any()


def test_shards_together_are_the_whole_batch(excerpt: Mnist) -> None:
    batches = TrainingSet(excerpt.train, draw_digit_pool(64, 1), None, synthetic_per_epoch=40, augmented=True)

    whole = list(batches.iterate_epoch(1, 0, 64))
    parts = [list(batches.iterate_epoch(1, 0, 64, Shard(worker, 2))) for worker in range(2)]

    assert len(whole) == batches.count_batches(64) == 10
    for one, left, right in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(one[0][0::2], left[0])
        np.testing.assert_array_equal(one[1][1::2], right[1])
    assert not np.array_equal(whole[0][1], next(batches.iterate_epoch(1, 1, 64))[1])


def test_validation_images_are_held_out(excerpt: Mnist) -> None:
    training, validation = split_validation(excerpt.train, 100)

    assert (len(training.images), len(validation.images)) == (500, 100)
    np.testing.assert_array_equal(validation.images, excerpt.train.images[500:])
