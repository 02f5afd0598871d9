"""Learning by gradient descent in short pieces of work, so that it can be watched, given up and shares the workers.

A worker process starts it, and each piece goes on from the state that the last one handed back; it does not matter in
which process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from app.context import TimedStep, timed
from app.errors import OverloadedError
from app.settings import Settings
from app.tasks.learn import Lesson, decode_pair, describe_lesson
from kernels.learn.gradient_descent import Descent, Snapshot, descend, measure_loss, start_descent
from kernels.learn.learn import Shared, adopt_kernels, learn_from_pair
from kernels.learn.verdict import Verdict, reach_verdict

PIECE_SECONDS = 0.2
WEIGHT_ERROR = 1e-3
"""Of the largest weight: as near as descent comes."""
MAX_SECONDS = 60
"""From the first step on; then the descent ends with what it has."""

Run = Callable[..., Coroutine[Any, Any, Any]]


class DescentStart(BaseModel):
    """Event `start`."""

    size: int
    shared: bool = Field(description="One kernel for all channels.")
    steps: int = Field(description="At most.")
    floor: float = Field(description="The loss of the kernel that least squares finds, which descent cannot pass.")


class DescentStep(BaseModel):
    """Event `step`: at first every step, later fewer."""

    step: int
    loss: float = Field(description="Mean square in grey levels², of images in which neighbours were made unlike.")
    weights: list[list[list[float]]] = Field(description="One kernel, or one for each channel.")


@dataclass(frozen=True)
class ImagePair:
    """What a descent is about, as it came."""

    before: bytes
    after: bytes
    size: int
    shared: Shared
    settings: Settings


@dataclass(frozen=True)
class Judged:
    """What least squares said of the pair, which goes for the descent, too."""

    is_convolution: bool
    reason: str
    plain: bool
    """It is a kernel whose values are seen as they are, which is all that descent looks for."""


def begin(images: ImagePair) -> tuple[Descent, Judged, float]:
    """The descent at its start, the judgement, and the loss of least squares. Raises as `learn_from_images`."""
    pair = decode_pair(images.before, images.after, images.settings)
    with TimedStep("learn"):
        learned = learn_from_pair(pair, images.size, images.shared)
        judgement = reach_verdict(learned)
        descent = start_descent(pair, images.size, learned.shared)
        floor = measure_loss(descent, [fit.weights for fit in learned.fits])
    plain = judgement.learned.response == "clip"
    return descent, Judged(judgement.is_convolution, judgement.reason, plain), floor


def finish(images: ImagePair, descent: Descent, judged: Judged, ended: str) -> Lesson:
    """The answer, with the kernels that descent has found."""
    pair = decode_pair(images.before, images.after, images.settings)
    error = WEIGHT_ERROR * max(float(np.abs(weights).max()) for weights in descent.kernels)
    learned = adopt_kernels(pair, descent.kernels, error)
    reason = judged.reason
    if judged.is_convolution and not judged.plain:
        reason += " Descent looks for no such kernel: choose method=least-squares."
    elif judged.is_convolution:
        reason += f" What descent has found leaves {learned.residual:.2f} levels over."
    judgement = Verdict(judged.is_convolution and judged.plain, reason, learned)
    lesson = describe_lesson(judgement, "descent", images.settings)
    return lesson.model_copy(update={"notes": [*lesson.notes, ended]})


@timed("learn")
def go_on(descent: Descent, most_steps: int) -> tuple[Descent, list[Snapshot]]:
    """One piece of work further."""
    return descend(descent, most_steps, PIECE_SECONDS)


def describe_snapshot(snapshot: Snapshot) -> DescentStep:
    weights = [np.round(kernel, 5).tolist() for kernel in snapshot.kernels]
    return DescentStep(step=snapshot.step, loss=round(snapshot.loss, 4), weights=weights)


async def follow_descent(
    run: Run, images: ImagePair, most_steps: int
) -> AsyncIterator[DescentStart | DescentStep | Lesson]:
    """Start, steps and the answer, each piece of work by `run`, which hands it to a worker process or does it itself.

    The start raises as `learn_from_images`. A line of waiting work that is full is waited for.
    """
    descent, judged, floor = await run(begin, images)
    yield DescentStart(size=images.size, shared=descent.weights.shape[3] == 1, steps=most_steps, floor=floor)
    started = time.monotonic()
    while not descent.has_converged and descent.step < most_steps and time.monotonic() - started < MAX_SECONDS:
        try:
            descent, snapshots = await run(go_on, descent, most_steps - descent.step)
        except OverloadedError as error:
            await asyncio.sleep(error.retry_after_s)
            continue
        for snapshot in snapshots:
            yield describe_snapshot(snapshot)
    if descent.has_converged:
        ended = f"Descent arrived after {descent.step} steps."
    else:
        ended = f"Descent was stopped after {descent.step} steps, while the loss was still falling."
    yield await run(finish, images, descent, judged, ended)
