"""Learning a kernel by gradient descent, as a stream of events, in pieces.

`learn-start` returns a state, `learn-continue` takes it and returns the next one, and `learn-finish` returns the
result.
"""

from collections.abc import AsyncIterator, Sequence
from types import NoneType
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks import pieces
from app.tasks.arrays import ArrayType, describe_arrays, encode_arrays, restore_array
from app.tasks.context import TaskContext
from app.tasks.learn import LearnParams, decode_pair
from app.tasks.learn_result import describe_verdict
from app.tasks.pieces import MAX_EVENTS, Event, Runner, continue_in_pieces
from kernels.learn.gradient_descent import Descent, Snapshot, descend, measure_loss, split_kernels, start_descent
from kernels.learn.learn import adopt_kernels, learn_from_pair
from kernels.learn.verdict import Verdict, reach_verdict

WEIGHT_ERROR = 1e-3
"""Error of the weights that descent reaches, relative to the largest weight."""
WEIGHTS = 3
"""Index of the weights among the arrays of a state."""


class DescentStart(BaseModel):
    """Event `start`."""

    size: int
    shared: bool = Field(description="One kernel for all channels.")
    steps: int = Field(description="Maximum number of steps.")
    floor: float = Field(description="The loss of the least-squares kernel, a lower bound for descent.")


class DescentStep(BaseModel):
    """Event `step`: every step at first, fewer later."""

    step: int
    loss: float = Field(description="Mean square error of the decorrelated images, in grey levels².")
    weights: list[list[list[float]]] = Field(description="One kernel for all channels, or one for each.")


class DescentState(msgspec.Struct, frozen=True):
    """A `Descent`. Its arrays are blobs: inputs, targets, usable, weights, before."""

    arrays: Annotated[tuple[ArrayType, ...], Meta(min_length=5, max_length=5)]
    rate: float
    momentum: float
    step: int
    losses: tuple[float, ...]
    seen: int

    @property
    def kernel_count(self) -> int:
        """1 if all channels share a kernel."""
        return self.arrays[WEIGHTS].shape[-1]


class DescentVerdict(msgspec.Struct, frozen=True):
    """The verdict of least squares about the images. It also holds for descent."""

    is_convolution: bool
    reason: str
    is_linear: bool
    """Whether the result has no absolute values. Descent finds only such kernels."""


class DescentProgress(msgspec.Struct, frozen=True):
    """The result of `learn-continue`. The blobs are the arrays that have changed: weights and before."""

    state: DescentState
    has_converged: bool
    steps: Annotated[tuple[str, ...], Meta(max_length=MAX_EVENTS)] = ()
    """`DescentStep`s as JSON."""


class DescentBegun(msgspec.Struct, frozen=True):
    """The result of `learn-start`. The blobs are the arrays of the state."""

    progress: DescentProgress
    floor: float
    verdict: DescentVerdict


class ContinueParams(msgspec.Struct, frozen=True):
    """Of the task `learn-continue`. The blobs are the arrays of the state."""

    state: DescentState
    max_steps: int


class FinishParams(msgspec.Struct, frozen=True):
    """Of the task `learn-finish`. The blobs are both images and the weights."""

    weights: ArrayType
    verdict: DescentVerdict
    ending: str
    """A sentence on how the descent ended."""


def run_start(
    context: TaskContext, params: LearnParams, blobs: Sequence[bytes], report: Report
) -> Answer[DescentBegun]:
    """Raises as `learn_from_images`."""
    before, after = blobs
    pair = decode_pair(before, after, context, report)
    with report.time("learn"):
        learned = learn_from_pair(pair, params.size, params.shared)
        found = reach_verdict(learned)
        descent = start_descent(pair, params.size, learned.shared)
        floor = measure_loss(descent, [fit.weights for fit in learned.fits])
    verdict = DescentVerdict(found.is_convolution, found.reason, found.learned.response == "clip")
    begun = DescentBegun(DescentProgress(describe_state(descent), descent.has_converged), floor, verdict)
    return Answer(begun, encode_arrays(list_arrays(descent)))


def run_continue(
    context: TaskContext, params: ContinueParams, blobs: Sequence[bytes], report: Report
) -> Answer[DescentProgress]:
    descent = restore_descent(params.state, blobs)
    with report.time("learn"):
        descent, snapshots = descend(descent, params.max_steps, pieces.CALL_SECONDS)
    events = tuple(describe_snapshot(snapshot).model_dump_json() for snapshot in snapshots)
    progress = DescentProgress(describe_state(descent), descent.has_converged, events)
    return Answer(progress, encode_arrays(list_arrays(descent)[-2:]))


def run_finish(context: TaskContext, params: FinishParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """The blob of the answer is a `LearnResult` as JSON, with the kernels that descent has found."""
    before, after, weights = blobs
    kernels = split_kernels(restore_array(params.weights, weights))
    verdict = params.verdict
    pair = decode_pair(before, after, context, report)
    error = WEIGHT_ERROR * max(float(np.abs(kernel).max()) for kernel in kernels)
    learned = adopt_kernels(pair, kernels, error)
    reason = verdict.reason
    if verdict.is_convolution and not verdict.is_linear:
        reason += " Gradient descent cannot find it: choose method=least-squares."
    elif verdict.is_convolution:
        reason += f" The kernel found by gradient descent has an RMS error of {learned.residual:.2f} of 255 levels."
    final = Verdict(verdict.is_convolution and verdict.is_linear, reason, learned)
    result = describe_verdict(final, "descent", context.catalogue)
    result.notes.append(params.ending)
    return Answer(None, [result.model_dump_json().encode()])


START = Task("learn-start", LearnParams, DescentBegun, run_start, blob_count=5)
CONTINUE = Task("learn-continue", ContinueParams, DescentProgress, run_continue, blob_count=2)
FINISH = Task("learn-finish", FinishParams, NoneType, run_finish)


def describe_snapshot(snapshot: Snapshot) -> DescentStep:
    weights = [np.round(kernel, 5).tolist() for kernel in snapshot.kernels]
    return DescentStep(step=snapshot.step, loss=round(snapshot.loss, 4), weights=weights)


def list_arrays(descent: Descent) -> list[NDArray[Any]]:
    return [descent.inputs, descent.targets, descent.usable, descent.weights, descent.before]


def describe_state(descent: Descent) -> DescentState:
    arrays = describe_arrays(list_arrays(descent))
    return DescentState(arrays, descent.rate, descent.momentum, descent.step, descent.losses, descent.seen)


def restore_descent(state: DescentState, blobs: Sequence[bytes]) -> Descent:
    inputs, targets, usable, weights, before = map(restore_array, state.arrays, blobs)
    return Descent(
        inputs, targets, usable, weights, before, state.rate, state.momentum, state.step, state.losses, state.seen
    )


async def follow_descent(
    runner: Runner, before: bytes, after: bytes, params: LearnParams, max_steps: int
) -> AsyncIterator[Event]:
    """The events of a descent. The first raises what `learn_from_images` raises."""
    begun, blobs = await runner.run(START, params, [before, after])
    progress, fixed, changing = begun.progress, blobs[:3], blobs[3:]
    shared = progress.state.kernel_count == 1
    start = DescentStart(size=params.size, shared=shared, steps=max_steps, floor=begun.floor)
    yield Event("start", start.model_dump_json())

    async def proceed(progress: DescentProgress, changing: Sequence[bytes]) -> Answer[DescentProgress]:
        remaining = ContinueParams(progress.state, max_steps - progress.state.step)
        return await runner.run(CONTINUE, remaining, [*fixed, *changing])

    async for piece in continue_in_pieces(proceed, progress, changing, max_steps):
        progress, changing = piece
        for document in progress.steps:
            yield Event("step", document)
    if progress.has_converged:
        ending = f"Converged in {progress.state.step} steps."
    else:
        ending = f"Stopped after {progress.state.step} steps, while the loss was still falling."
    finish = FinishParams(progress.state.arrays[WEIGHTS], begun.verdict, ending)
    _, (result,) = await runner.run(FINISH, finish, [before, after, changing[0]])
    yield Event("lesson", result.decode())
