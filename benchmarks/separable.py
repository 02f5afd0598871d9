"""A Gaussian in one 2-D pass against two 1-D passes, by side: CPU time of this thread, best of three, and the ratio.

.venv/bin/python benchmarks/separable.py
"""

import time
from collections.abc import Callable

import numpy as np

from kernels import engine
from kernels.factors import split_weights
from kernels.parametric import make_gaussian

SIDES = (3, 5, 7, 9, 11, 13, 15, 21, 31, 61)
ROUNDS = 3


def measure_cpu_ms(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work()
        spent.append(1000 * (time.thread_time() - started))
    return min(spent)


def main() -> None:
    engine.warm_up(threads_per_convolution=1)
    picture = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3)).astype(np.float32)
    print("side  one pass  two passes  ratio   (ms, 1920x1080 RGB)")
    for side in SIDES:
        weights = make_gaussian(side / 6, side)
        factors = split_weights(weights)
        whole = measure_cpu_ms(lambda weights=weights: engine.correlate(picture, weights))  # type: ignore[misc]
        passes = measure_cpu_ms(
            lambda factors=factors: engine.correlate_factors(picture, factors, (1, 1), (1, 1))  # type: ignore[misc]
        )
        print(f"{side:4} {whole:9.0f} {passes:11.0f} {whole / passes:6.2f}")


if __name__ == "__main__":
    main()
