"""Damage valid images at random and decode them: each is decoded or refused, none takes long, nothing grows.

.venv/bin/python -m benchmarks.fuzz [MUTANTS] [SEED]     # 10,000 by default, a few minutes
"""

import resource
import sys
import time
import traceback

from app.images.decode import decode_image
from app.images.errors import ImageError
from app.images.limits import ImageLimits
from tests.support.mutants import make_mutants, make_seeds

MAX_SECONDS = 5


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    times, decoded, unexpected = [], 0, 0
    peak_kb = 0
    for index, mutant in enumerate(make_mutants(make_seeds(), count, seed)):
        if index == count // 10:
            peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        try:
            decode_image(mutant, ImageLimits())
            decoded += 1
        except ImageError:
            pass
        except Exception:
            unexpected += 1
            traceback.print_exc()
        times.append(time.perf_counter() - started)
    times.sort()
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kb) / 1024
    print(
        f"{count} mutants of seed {seed}: {decoded} decoded, {count - decoded - unexpected} refused, {unexpected} "
        f"unexpected errors; p50 {1000 * times[count // 2]:.1f} ms, p99.9 {1000 * times[count * 999 // 1000]:.0f} ms, "
        f"longest {times[-1]:.2f} s; peak memory grew by {grown_mb:.0f} MB after the first tenth"
    )
    return int(unexpected > 0 or times[-1] > MAX_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
