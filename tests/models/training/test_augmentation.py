import numpy as np
import pytest

from models.network import NOT_A_DIGIT
from models.sharding import Shard
from models.training.augmentation import DEGRADATIONS, augment_fields
from models.training.data import TrainingSet, draw_digit_pool, draw_negative_pool, split_validation
from models.training.mnist import Mnist
from models.training.negatives import NEGATIVES


def test_augmented_fields_are_changed_alike_by_the_same_generator(excerpt: Mnist) -> None:
    images = excerpt.train.images[:64]

    first = augment_fields(images, np.random.default_rng(1))

    assert first.shape == (64, 28, 28)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 1
    np.testing.assert_array_equal(first, augment_fields(images, np.random.default_rng(1)))
    assert not np.allclose(first, augment_fields(images, np.random.default_rng(2)))


@pytest.mark.parametrize("soiling", DEGRADATIONS, ids=lambda one: one.__name__)
def test_no_soiling_writes_to_what_it_was_given(soiling: object, excerpt: Mnist) -> None:
    assert callable(soiling)
    field = excerpt.train.images[0].astype(np.float32) / np.float32(255)
    before = field.copy()

    for seed in range(5):
        soiled = soiling(field, np.random.default_rng(seed))
        assert soiled.shape == (28, 28)
        assert np.isfinite(soiled).all()
    np.testing.assert_array_equal(field, before)


@pytest.mark.parametrize("maker", NEGATIVES, ids=lambda one: one.__name__)
def test_all_kinds_of_rubbish_are_fields(maker: object, excerpt: Mnist) -> None:
    assert callable(maker)
    for seed in range(20):
        field = maker(excerpt.train, np.random.default_rng(seed))
        assert field.shape == (28, 28)
        assert field.dtype == np.uint8


def test_pools_are_the_same_for_the_same_seed(excerpt: Mnist) -> None:
    drawn, again = draw_digit_pool(40, 5), draw_digit_pool(40, 5)
    rubbish = draw_negative_pool(40, excerpt.train, 5)

    np.testing.assert_array_equal(drawn.images, again.images)
    assert drawn.labels.max() <= 9
    assert set(rubbish.labels.tolist()) == {NOT_A_DIGIT}
    assert (rubbish.images != draw_negative_pool(40, excerpt.train, 6).images).any()


def test_workers_share_the_batches_of_one(excerpt: Mnist) -> None:
    batches = TrainingSet(excerpt.train, draw_digit_pool(64, 1), None, synthetic_per_epoch=40, augmented=True)

    whole = list(batches.iterate_epoch(1, 0, 64))
    parts = [list(batches.iterate_epoch(1, 0, 64, Shard(worker, 2))) for worker in range(2)]

    assert len(whole) == batches.count_batches(64) == 10
    for one, left, right in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(one[0][0::2], left[0])
        np.testing.assert_array_equal(one[1][1::2], right[1])
    assert not np.array_equal(whole[0][1], next(batches.iterate_epoch(1, 1, 64))[1])


def test_validation_is_kept_out_of_training(excerpt: Mnist) -> None:
    training, validation = split_validation(excerpt.train, 100)

    assert (len(training.images), len(validation.images)) == (500, 100)
    np.testing.assert_array_equal(validation.images, excerpt.train.images[500:])
