"""How the workers of a distributed run divide a batch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """One worker's part of every batch: row `index` and every `count`-th row after it."""

    index: int = 0
    count: int = 1

    @property
    def rows(self) -> slice:
        return slice(self.index, None, self.count)


WHOLE_BATCH = Shard()
