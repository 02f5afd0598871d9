"""What a network is trained on, in batches that depend on the seed, the epoch and their number alone.

That is what makes a resumed run equal an unbroken one, and lets several workers each take their part of the
same batch.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS, RUBBISH
from models.training.augmentation import augment_fields
from models.training.distributed.cluster_spec import WHOLE, Share
from models.training.mnist import LabelledImages
from models.training.negatives import make_rubbish
from models.training.synthetic_digits import draw_digits

AHEAD = 6  # batches prepared before they are needed
PREPARERS = 2  # threads; OpenCV and NumPy let go of the interpreter while they work

Batch = tuple[NDArray[np.float32], NDArray[np.int32]]  # (n, 28, 28, 1) in 0..1, (n,)


@dataclass(frozen=True)
class TrainingSet:
    """Fields and labels; an epoch takes all digits of `real` and a share of `drawn` and `rubbish`."""

    real: LabelledImages
    drawn: LabelledImages | None = None
    rubbish: LabelledImages | None = None
    drawn_an_epoch: int = 0
    rubbish_an_epoch: int = 0
    augmented: bool = False

    def count_batches(self, batch: int) -> int:
        return (len(self.real.images) + self.drawn_an_epoch + self.rubbish_an_epoch) // batch

    def iterate_epoch(self, seed: int, epoch: int, batch: int, share: Share = WHOLE) -> Iterator[Batch]:
        """The batches of one epoch; with several workers, this one's part of each."""
        fields, labels = self._choose(np.random.default_rng([seed, epoch]))
        order = np.random.default_rng([seed, epoch, 1]).permutation(len(fields))

        def prepare(number: int) -> Batch:
            rows = order[number * batch : (number + 1) * batch]
            if self.augmented:
                generator = np.random.default_rng([seed, epoch, 2, number])
                images = augment_fields(fields[rows], generator)
            else:
                images = fields[rows].astype(np.float32) / np.float32(255)
            own = slice(share.index, None, share.count)
            return images[own, ..., None], labels[rows][own].astype(np.int32)

        yield from _prepare_ahead(prepare, self.count_batches(batch))

    def _choose(self, generator: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        fields, labels = [self.real.images], [self.real.labels]
        for pool, count in ((self.drawn, self.drawn_an_epoch), (self.rubbish, self.rubbish_an_epoch)):
            if pool is not None and count:
                rows = generator.choice(len(pool.images), count, replace=False)
                fields.append(pool.images[rows])
                labels.append(pool.labels[rows])
        return np.concatenate(fields), np.concatenate(labels)


def split_validation(images: LabelledImages, count: int) -> tuple[LabelledImages, LabelledImages]:
    """(training, validation): the last `count` are kept out of training."""
    cut = len(images.images) - count
    return (
        LabelledImages(images.images[:cut], images.labels[:cut]),
        LabelledImages(images.images[cut:], images.labels[cut:]),
    )


def draw_digit_pool(count: int, seed: int) -> LabelledImages:
    """`count` synthetic handwritten digits; sevens and ones, of which there are most ways, twice as often."""
    generator = np.random.default_rng([seed, 11])
    shares = np.ones(DIGITS)
    shares[[1, 7]] = 2
    labels = generator.choice(DIGITS, count, p=shares / shares.sum()).astype(np.uint8)
    return LabelledImages(draw_digits(labels, generator), labels)


def draw_rubbish_pool(count: int, digits: LabelledImages, seed: int) -> LabelledImages:
    fields = make_rubbish(count, digits, np.random.default_rng([seed, 12]))
    return LabelledImages(fields, np.full(count, RUBBISH, np.uint8))


def _prepare_ahead(prepare: Callable[[int], Batch], count: int) -> Iterator[Batch]:
    with ThreadPoolExecutor(PREPARERS) as pool:
        waiting: deque[Future[Batch]] = deque(pool.submit(prepare, n) for n in range(min(AHEAD, count)))
        for number in range(count):
            if number + AHEAD < count:
                waiting.append(pool.submit(prepare, number + AHEAD))
            yield waiting.popleft().result()
