"""The short form of `python -m benchmarks.soak`, with a wide limit for memory: a tight one needs many requests."""

import pytest

from benchmarks.soak import SHORT, soak


@pytest.mark.slow
def test_memory_does_not_grow() -> None:
    verdict = soak(SHORT)
    assert verdict.complaints == []
    assert verdict.statuses.total() == SHORT.requests
    assert verdict.statuses[200] > 0.8 * SHORT.requests
    assert verdict.statuses[422] > 0, "the traffic had no hostile file"
    assert verdict.growth < 0.2  # oneDNN still fills its caches
