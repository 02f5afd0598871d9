"""Learn the kernel that turns one picture into another."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

from numpy.typing import NDArray

from kernels.pairs import check_pair, make_pair
from kernels.regression import Fit, gather_sums, solve

Shared = Literal["auto"] | bool
MAX_LEARNT_SIDE = 31
SHARED_EXCESS = 1.02
"""One kernel for all channels may leave this much more of the squares over than a kernel for each."""


@dataclass(frozen=True)
class Learned:
    """One fit for all channels, or one for each."""

    fits: tuple[Fit, ...]
    shared: bool
    notes: tuple[str, ...]


def learn_kernel(before: NDArray[Any], after: NDArray[Any], size: int, shared: Shared = "auto") -> Learned:
    """The kernel of size × size (1..31) and the bias that turn `before` into `after`, by least squares.

    before, after: (height, width, 1..4) uint8 or uint16, of one size. Raises PairError, UndeterminedKernelError.
    """
    if not 1 <= size <= MAX_LEARNT_SIDE:
        raise ValueError(f"size is {size}; it may be 1 to {MAX_LEARNT_SIDE}.")
    pair = make_pair(before, after)
    check_pair(pair, size)
    sums = gather_sums(pair, size)
    together = solve(reduce(add, sums), size)
    if shared is True or pair.channels == 1:
        return Learned((together,), True, pair.notes)
    single = tuple(solve(total, size) for total in sums)
    rounding = pair.step**2 / 12 * together.count
    fits_all = together.misfit <= SHARED_EXCESS * max(sum(fit.misfit for fit in single), rounding)
    if shared == "auto" and fits_all:
        return Learned((together,), True, pair.notes)
    return Learned(single, False, pair.notes)
