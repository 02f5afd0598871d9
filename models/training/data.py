"""Training batches that depend only on the seed, the epoch and the batch number.

A resumed run therefore equals an uninterrupted one, and several workers can each take their shard of the same batch.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS, NOT_A_DIGIT
from models.sharding import WHOLE_BATCH, Shard
from models.training.augmentation import augment_fields
from models.training.mnist import LabelledImages
from models.training.negatives import draw_negatives
from models.training.synthetic_digits import draw_digits
from models.types import ByteFields

PREFETCHED = 6  # batches
THREADS = 2  # that prepare batches; OpenCV and NumPy release the interpreter lock

Batch = tuple[NDArray[np.float32], NDArray[np.int32]]  # images (n, 28, 28, 1) in 0..1, labels (n,)


@dataclass(frozen=True)
class TrainingSet:
    """The data of all epochs. An epoch has all of `real` and a random part of `synthetic` and `negatives`."""

    real: LabelledImages
    synthetic: LabelledImages | None = None
    negatives: LabelledImages | None = None
    synthetic_per_epoch: int = 0
    negatives_per_epoch: int = 0
    augmented: bool = False

    def count_batches(self, batch: int) -> int:
        """The number of full batches of `batch` images in an epoch."""
        return (len(self.real.images) + self.synthetic_per_epoch + self.negatives_per_epoch) // batch

    def iterate_epoch(self, seed: int, epoch: int, batch: int, shard: Shard = WHOLE_BATCH) -> Iterator[Batch]:
        """The batches of one epoch, or the worker's shard of each."""
        fields, labels = self._select(np.random.default_rng([seed, epoch]))
        order = np.random.default_rng([seed, epoch, 1]).permutation(len(fields))

        def prepare(number: int) -> Batch:
            rows = order[number * batch : (number + 1) * batch]
            if self.augmented:
                generator = np.random.default_rng([seed, epoch, 2, number])
                images = augment_fields(fields[rows], generator)
            else:
                images = fields[rows].astype(np.float32) / np.float32(255)
            return images[shard.rows, ..., None], labels[rows][shard.rows].astype(np.int32)

        yield from prefetch(prepare, self.count_batches(batch))

    def _select(self, generator: np.random.Generator) -> tuple[ByteFields, NDArray[np.uint8]]:
        fields, labels = [self.real.images], [self.real.labels]
        for pool, count in ((self.synthetic, self.synthetic_per_epoch), (self.negatives, self.negatives_per_epoch)):
            if pool is not None and count:
                rows = generator.choice(len(pool.images), count, replace=False)
                fields.append(pool.images[rows])
                labels.append(pool.labels[rows])
        return np.concatenate(fields), np.concatenate(labels)


def split_validation(images: LabelledImages, count: int) -> tuple[LabelledImages, LabelledImages]:
    """(training, validation): the last `count` images are held out."""
    cut = len(images.images) - count
    return (
        LabelledImages(images.images[:cut], images.labels[:cut]),
        LabelledImages(images.images[cut:], images.labels[cut:]),
    )


def draw_digit_pool(count: int, seed: int) -> LabelledImages:
    """`count` synthetic handwritten digits. 0, 1, 4, 7 and 9, which have the most variants, are twice as frequent."""
    generator = np.random.default_rng([seed, 11])
    shares = np.ones(DIGITS)
    shares[[0, 1, 4, 7, 9]] = 2
    labels = generator.choice(DIGITS, count, p=shares / shares.sum()).astype(np.uint8)
    return LabelledImages(draw_digits(labels, generator), labels)


def draw_negative_pool(count: int, digits: LabelledImages, seed: int) -> LabelledImages:
    """`count` negatives, some of them made from parts of `digits`."""
    fields = draw_negatives(count, digits, np.random.default_rng([seed, 12]))
    return LabelledImages(fields, np.full(count, NOT_A_DIGIT, np.uint8))


def prefetch(prepare: Callable[[int], Batch], count: int) -> Iterator[Batch]:
    """`prepare(0)` to `prepare(count - 1)` in order, computed ahead of time in threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        pending: deque[Future[Batch]] = deque(pool.submit(prepare, n) for n in range(min(PREFETCHED, count)))
        for number in range(count):
            if number + PREFETCHED < count:
                pending.append(pool.submit(prepare, number + PREFETCHED))
            yield pending.popleft().result()
