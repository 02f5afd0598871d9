"""The short form of `python -m benchmarks.soak`: nothing but memory, which takes thousands of requests to judge."""

import pytest

from benchmarks.soak import SHORT, soak


@pytest.mark.slow
def test_the_service_does_not_grow() -> None:
    verdict = soak(SHORT)
    assert verdict.complaints == []
    assert verdict.statuses.total() == SHORT.requests
    assert verdict.statuses[200] > 0.8 * SHORT.requests
    assert verdict.statuses[422] > 0, "no hostile file was among them"
    assert verdict.growth < 0.2  # the caches of oneDNN are still filling
