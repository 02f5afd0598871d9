"""Decides whether the learnt kernel explains the result and, if not, what does."""

from dataclasses import dataclass

import numpy as np

from kernels.errors import UndeterminedKernelError
from kernels.learn.alternatives import list_alternatives
from kernels.learn.learn import ROUNDING, Learned, learn_absolute, learn_from_pair
from kernels.learn.phase_retrieval import find_starts
from kernels.learn.samples import convert_pair_to_grey

CLOSE_DB = 35.0
"""The error of a JPEG of quality 90."""
CLOSE_R_SQUARED = 0.5
"""A faint result has a high PSNR with any faint image: R² must be at least this high."""
CONTRASTY_DB, CONTRASTY_R_SQUARED = 30.0, 0.98
"""A JPEG of a contrasty result has a larger error, which is small compared with the result."""
CLEARLY_BETTER = 0.8
"""An alternative must have at most this share of the residual of the kernel."""
MAX_ALTERNATIVE_RESIDUAL = 8.0
"""Grey levels (30 dB): the error of a strongly compressed JPEG of a noisy image."""
CHROMA_BLOCK = 16
"""Pixels of each side of a block over which a JPEG averages colours."""


@dataclass(frozen=True)
class Score:
    """How close the reproduction is to the result, rounded and clipped as an image. In levels of 0..255."""

    rms: float
    r_squared: float

    @property
    def psnr_db(self) -> float:
        """At most 100."""
        return min(100.0, 20 * float(np.log10(255 / max(self.rms, 1e-9))))

    @property
    def is_close(self) -> bool:
        return (self.psnr_db >= CLOSE_DB and self.r_squared >= CLOSE_R_SQUARED) or (
            self.psnr_db >= CONTRASTY_DB and self.r_squared >= CONTRASTY_R_SQUARED
        )


@dataclass(frozen=True)
class Verdict:
    """Whether a kernel explains the result. `learned` is the kernel that `reason` describes.

    It differs from the given one if the result has absolute values, or if only the brightness is explained.
    """

    is_convolution: bool
    reason: str
    learned: Learned
    request: str | None = None
    """A request that gives the result, if not one kernel but a named filter does."""


def measure_scores(learned: Learned) -> list[Score]:
    """The score of each kernel, with fractions as weights if there are any."""
    learned, _ = learned.clean()
    step = learned.pair.step
    sums = np.zeros((len(learned.fits), 4))
    for tile in learned.reproduce():
        after = tile.after[tile.opaque]
        errors = np.rint(tile.reproduced[tile.opaque] / step) * step - after
        sums[tile.channel % len(sums)] += len(after), errors @ errors, after.sum(), after @ after
    scores = []
    for count, squares, total, total_squares in sums:
        spread = total_squares - total**2 / max(count, 1)
        rms = float(np.sqrt(squares / max(count, 1)))
        scores.append(Score(rms, float(1 - squares / spread) if spread > 0 else float(squares == 0)))
    return scores


def find_worst_score(learned: Learned) -> Score:
    return max(measure_scores(learned), key=lambda score: score.rms)


def reach_verdict(learned: Learned) -> Verdict:
    """Compare the kernel with the alternatives. The first explanation that is good enough is the verdict."""
    pair, size = learned.pair, learned.size
    if pair.is_identical:
        return Verdict(True, "The images are identical: the kernel is the identity.", learned)
    score = find_worst_score(learned)
    if score.rms == 0:
        return Verdict(True, "The kernel reproduces the result exactly.", learned)
    alternative = min(list_alternatives(pair), key=lambda each: each.residual)
    if learned.residual > ROUNDING and alternative.residual > 0:
        absolute = find_absolute(learned)
        limit = CLEARLY_BETTER * min(score.rms, alternative.residual)
        if absolute is not None and find_worst_score(absolute).rms < limit:
            reason = "The result is the absolute value of the result of the kernel (response=abs); its sign is lost."
            return Verdict(True, reason, absolute)
    if alternative.residual < min(CLEARLY_BETTER * score.rms, MAX_ALTERNATIVE_RESIDUAL):
        return Verdict(False, alternative.reason, learned, alternative.request)
    if learned.residual <= ROUNDING:
        reason = f"The kernel reproduces the result up to rounding (RMS error {learned.residual:.2f} of 255 levels)."
        return Verdict(True, reason, learned)
    if score.is_close:
        reason = f"The kernel reproduces the result up to the noise of a lossy file (RMS error {score.rms:.1f} levels)."
        return Verdict(True, reason, learned)
    brightness = find_brightness(learned)
    if brightness is not None:
        reason = (
            "The kernel reproduces the brightness of the result up to noise (RMS error "
            f"{find_worst_score(brightness).rms:.1f} levels). The colours differ by more, but not in their averages "
            f"over {CHROMA_BLOCK}×{CHROMA_BLOCK} pixels: the result is a lossy file with reduced colour resolution."
        )
        return Verdict(True, reason, brightness)
    return Verdict(
        False,
        f"No kernel of {size}×{size} gives the result: the RMS error is {score.rms:.1f} levels (PSNR "
        f"{score.psnr_db:.1f} dB). Try a larger size. Rotation by other than right angles, a change of size, and "
        "absolute values of most kernels larger than 5×5 are not recognised: for an edge kernel, send the result of "
        "response=offset.",
        learned,
    )


def find_absolute(learned: Learned) -> Learned | None:
    """The kernel whose absolute values are close to the result, or None."""
    try:
        start = min(find_starts(learned.pair, learned.size), key=lambda fit: fit.misfit)
        found = learn_absolute(learned.pair, learned.size, start)
    except (UndeterminedKernelError, ValueError, np.linalg.LinAlgError):  # too few equations
        return None
    return found if found.residual <= ROUNDING or find_worst_score(found).is_close else None


def find_brightness(learned: Learned) -> Learned | None:
    """The kernel of the brightness, if it is close and the average colours of blocks are close. Otherwise None."""
    pair = learned.pair
    if pair.channels != 3:
        return None
    found = learn_from_pair(convert_pair_to_grey(pair), learned.size)
    if not find_worst_score(found).is_close:
        return None
    sums = np.zeros((3, 2))
    for tile in Learned(pair, learned.size, found.fits, True).reproduce():
        down, across = (side // CHROMA_BLOCK for side in tile.after.shape)
        errors = np.where(tile.opaque, tile.reproduced - tile.after, 0)
        blocks = errors[: down * CHROMA_BLOCK, : across * CHROMA_BLOCK]
        means = blocks.reshape(down, CHROMA_BLOCK, across, CHROMA_BLOCK).mean(axis=(1, 3))
        sums[tile.channel] += means.size, float((means**2).sum())
    worst = Score(float(np.sqrt((sums[:, 1] / np.maximum(sums[:, 0], 1)).max())), 1.0)
    return found if worst.is_close else None
