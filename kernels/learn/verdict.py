"""Whether the kernel that was found explains the result; and if not, what does."""

from dataclasses import dataclass

import numpy as np

from kernels.errors import UndeterminedKernelError
from kernels.learn.alternatives import list_rivals
from kernels.learn.learn import ROUNDING, Learned, learn_absolute, learn_from_pair
from kernels.learn.phase_retrieval import find_starts
from kernels.learn.samples import take_brightness

CLOSE_DB = 35.0
"""A JPEG of quality 90 leaves as much over."""
NEARLY_DB, NEARLY_SHARE = 30.0, 0.98
"""A JPEG of a harsh result loses more, and it is little beside the result all the same."""
CLOSE_SHARE = 0.5
"""R² at least: a faint result is near to any faint image."""
CLEARLY = 0.8
"""Another explanation must leave less than this much of what the kernel leaves over."""
MOST_LEFT = 8.0
"""Grey levels (30 dB) that another explanation may leave over: a coarse JPEG of a grainy image does."""
BLOCK = 16
"""Pixels a side within which a JPEG makes colours alike."""


@dataclass(frozen=True)
class Score:
    """How near the reproduction comes, rounded and cut off as an image is. Levels of 0..255."""

    rms: float
    r_squared: float

    @property
    def psnr_db(self) -> float:
        """100 at most."""
        return min(100.0, 20 * float(np.log10(255 / max(self.rms, 1e-9))))

    @property
    def is_close(self) -> bool:
        return (self.psnr_db >= CLOSE_DB and self.r_squared >= CLOSE_SHARE) or (
            self.psnr_db >= NEARLY_DB and self.r_squared >= NEARLY_SHARE
        )


@dataclass(frozen=True)
class Judgement:
    """`learned` is what the reason speaks of: it may have become absolute values, or brightness alone."""

    is_convolution: bool
    reason: str
    learned: Learned
    request: str | None = None
    """That gives the result, where it is no single kernel and a named one does."""


def measure(learned: Learned) -> list[Score]:
    """Of the kernels, with clean fractions where they have them: one for all channels, or one for each kernel."""
    learned, _ = learned.clean()
    step = learned.pair.step
    sums = np.zeros((len(learned.fits), 4))
    for channel, again, result, opaque in learned.reproduce():
        after = result[opaque]
        errors = np.rint(again[opaque] / step) * step - after
        sums[channel % len(sums)] += len(after), errors @ errors, after.sum(), after @ after
    scores = []
    for count, squares, total, total_squares in sums:
        spread = total_squares - total**2 / max(count, 1)
        rms = float(np.sqrt(squares / max(count, 1)))
        scores.append(Score(rms, float(1 - squares / spread) if spread > 0 else float(squares == 0)))
    return scores


def find_worst(learned: Learned) -> Score:
    return max(measure(learned), key=lambda score: score.rms)


def judge(learned: Learned) -> Judgement:
    pair, size = learned.pair, learned.size
    if pair.is_identical:
        return Judgement(True, "The images are identical: the kernel is the identity.", learned)
    score = find_worst(learned)
    if score.rms == 0:
        return Judgement(True, "The kernel gives the result to the last level.", learned)
    rival = min(list_rivals(pair), key=lambda one: one.residual)
    if learned.residual > ROUNDING and rival.residual > 0:
        absolute = find_absolute(learned)
        if absolute is not None and find_worst(absolute).rms < CLEARLY * min(score.rms, rival.residual):
            reason = "The result is the absolute value of what the kernel gives (response=abs); its sign is lost."
            return Judgement(True, reason, absolute)
    if rival.residual < min(CLEARLY * score.rms, MOST_LEFT):
        return Judgement(False, rival.reason, learned, rival.request)
    if learned.residual <= ROUNDING:
        return Judgement(
            True, f"The kernel gives the result up to rounding (residual {learned.residual:.2f} levels).", learned
        )
    if score.is_close:
        return Judgement(
            True, f"The kernel gives the result up to noise of {score.rms:.1f} levels, as a lossy file has it.", learned
        )
    brightness = find_brightness(learned)
    if brightness is not None:
        reason = (
            "The kernel gives the brightness of the result up to noise of "
            f"{find_worst(brightness).rms:.1f} levels. Its colours differ by more, but not on average over "
            f"{BLOCK}×{BLOCK} pixels: a lossy file with fewer pixels for colour has it so."
        )
        return Judgement(True, reason, brightness)
    return Judgement(
        False,
        f"No kernel of {size}×{size} gives the result: {score.rms:.1f} levels are left over (PSNR {score.psnr_db:.1f} "
        "dB). Try a larger size, if it was a larger kernel. Turning by other than right angles, a change of size and "
        "absolute values of most kernels larger than 5×5 are not told apart: of an edge kernel send what "
        "response=offset gives.",
        learned,
    )


def find_absolute(learned: Learned) -> Learned | None:
    """The kernel whose absolute values come near the result; None where they do not."""
    try:
        start = min(find_starts(learned.pair, learned.size), key=lambda fit: fit.misfit)
        found = learn_absolute(learned.pair, learned.size, start)
    except (UndeterminedKernelError, ValueError, np.linalg.LinAlgError):  # too few equations, or none
        return None
    return found if found.residual <= ROUNDING or find_worst(found).is_close else None


def find_brightness(learned: Learned) -> Learned | None:
    """The kernel of the brightness, where it is close and so are the colours of whole blocks."""
    pair = learned.pair
    if pair.channels != 3:
        return None
    found = learn_from_pair(take_brightness(pair), learned.size)
    if not find_worst(found).is_close:
        return None
    sums = np.zeros((3, 2))
    for channel, again, after, opaque in Learned(pair, learned.size, found.fits, True).reproduce():
        down, across = (side // BLOCK for side in after.shape)
        errors = np.where(opaque, again - after, 0)[: down * BLOCK, : across * BLOCK]
        means = errors.reshape(down, BLOCK, across, BLOCK).mean(axis=(1, 3))
        sums[channel] += means.size, float((means**2).sum())
    worst = Score(float(np.sqrt((sums[:, 1] / np.maximum(sums[:, 0], 1)).max())), 1.0)
    return found if worst.is_close else None
