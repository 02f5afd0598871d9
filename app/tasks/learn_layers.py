"""Learning two layers with Adam, as a stream of events, in pieces.

`layers-start` returns a state, `layers-continue` takes it and returns the next one, and `layers-finish` returns the
result.
"""

from collections.abc import AsyncIterator, Sequence
from types import NoneType
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from numpy.typing import NDArray

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks import pieces
from app.tasks.arrays import ArrayType, describe_arrays, encode_arrays, restore_array
from app.tasks.context import TaskContext
from app.tasks.learn import LearnParams, decode_pair
from app.tasks.learn_layers_result import LayersResult, LayersStart, describe_snapshot
from app.tasks.pieces import MAX_EVENTS, Event, Runner, continue_in_pieces
from kernels.errors import KernelParameterError, UndeterminedKernelError
from kernels.learn.layer_samples import LayerSamples
from kernels.learn.layer_training import (
    LayerTraining,
    finish_training,
    measure_held_out,
    prepare_training,
    train,
)
from kernels.learn.layers import describe_operations
from kernels.learn.learn import ROUNDING, Learned, learn_from_pair
from kernels.learn.samples import Pair, check_pair
from kernels.learn.verdict import Verdict, reach_verdict

FIXED, CHANGING = 6, 3
"""Arrays of a state: the samples, and the parameters with Adam's averages."""


UNDETERMINED = "Too few values of the result are between 0 and 255 to determine a single kernel."


class LayersParams(msgspec.Struct, frozen=True):
    """Of the task `layers-start`. The blobs are the images before and after."""

    learn: LearnParams
    filters: int
    max_steps: int


class LayersState(msgspec.Struct, frozen=True):
    """A `LayerTraining`. Its arrays are blobs."""

    arrays: Annotated[tuple[ArrayType, ...], Meta(min_length=FIXED + CHANGING, max_length=FIXED + CHANGING)]
    filters: int
    rate: float
    max_steps: int
    value_step: float
    step: int
    loss_sum: float
    loss_count: int
    seen: int
    has_converged: bool


class LayersProgress(msgspec.Struct, frozen=True):
    """The result of `layers-continue`. The blobs are the arrays that have changed."""

    state: LayersState
    steps: Annotated[tuple[str, ...], Meta(max_length=MAX_EVENTS)] = ()
    """`LayersStep`s as JSON."""

    @property
    def has_converged(self) -> bool:
        return self.state.has_converged


class LayersTarget(msgspec.Struct, frozen=True):
    """What the result says about the pair of images."""

    is_convolution: bool
    reason: str
    shared: bool
    kernel_psnr_db: float
    file_channels: tuple[int, int]
    white: int
    notes: tuple[str, ...]


class LayersBegun(msgspec.Struct, frozen=True):
    """The result of `layers-start`. The blobs are the arrays of the state."""

    progress: LayersProgress
    target: LayersTarget


class LayersFinishParams(msgspec.Struct, frozen=True):
    """Of the task `layers-finish`. The blobs are the arrays of the state."""

    state: LayersState
    target: LayersTarget


def run_start(
    context: TaskContext, params: LayersParams, blobs: Sequence[bytes], report: Report
) -> Answer[LayersBegun]:
    """Raises ImageError, PairError, UndeterminedKernelError, and KernelParameterError if one kernel suffices."""
    before, after = blobs
    pair = decode_pair(before, after, context, report)
    with report.time("learn"):
        learned, verdict = reject_kernel(pair, params.learn)
        size, shared = params.learn.size, params.learn.shared
        prepared = prepare_training(pair, size, params.filters, shared, params.max_steps, learned)
    target = LayersTarget(
        verdict is not None and verdict.is_convolution,
        verdict.reason if verdict else UNDETERMINED,
        prepared.shared,
        prepared.kernel_psnr_db,
        pair.file_channels,
        pair.white,
        pair.notes,
    )
    return Answer(LayersBegun(describe_progress(prepared.state), target), encode_arrays(list_arrays(prepared.state)))


def reject_kernel(pair: Pair, params: LearnParams) -> tuple[Learned | None, Verdict | None]:
    """The kernel of least squares and its verdict, if there is one.

    Raises KernelParameterError if it gives the result up to rounding, and UndeterminedKernelError for an image of one
    colour. A pair with errors as large as those of a lossy file is not rejected: a few clipped values cause them, too.
    """
    check_pair(pair, params.size)
    try:
        learned = learn_from_pair(pair, params.size, params.shared)
    except UndeterminedKernelError:
        return None, None
    verdict = reach_verdict(learned)
    if verdict.is_convolution and verdict.learned.residual <= ROUNDING:
        raise KernelParameterError(
            "layers",
            f"layers is 2, but a single kernel of {params.size}×{params.size} gives the result (is_convolution is "
            f"true): {lower_first(verdict.reason)} Send layers=1.",
        )
    return learned, verdict


def lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def run_continue(
    context: TaskContext, params: LayersState, blobs: Sequence[bytes], report: Report
) -> Answer[LayersProgress]:
    with report.time("learn"):
        state, snapshots = train(restore_training(params, blobs), pieces.CALL_SECONDS)
    events = tuple(describe_snapshot(snapshot).model_dump_json() for snapshot in snapshots)
    return Answer(describe_progress(state, events), encode_arrays(list_arrays(state)[FIXED:]))


def run_finish(
    context: TaskContext, params: LayersFinishParams, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    """The blob of the answer is a `LayersResult` as JSON."""
    state, target = restore_training(params.state, blobs), params.target
    with report.time("learn"):
        layers = finish_training(state)
        psnr_db = measure_held_out(layers, state.held_out, state.value_step)
    gain_db = psnr_db - target.kernel_psnr_db
    notes = [*target.notes, describe_ending(state)]
    if gain_db <= 0:
        notes.append("The layers are no better than a single kernel. Try more filters, a larger size or more steps.")
    result = LayersResult(
        layers=2,
        is_convolution=target.is_convolution,
        reason=target.reason,
        size=state.training.size,
        filters=state.filters,
        shared=target.shared,
        psnr_db=round(psnr_db, 2),
        kernel_psnr_db=round(target.kernel_psnr_db, 2),
        gain_db=round(gain_db, 2),
        training_values=state.training.count,
        held_out_values=state.held_out.count,
        parameters=layers.parameter_count,
        operations=describe_operations(layers, target.file_channels, target.white),
        notes=notes,
    )
    return Answer(None, [result.model_dump_json().encode()])


START = Task("layers-start", LayersParams, LayersBegun, run_start, blob_count=FIXED + CHANGING)
CONTINUE = Task("layers-continue", LayersState, LayersProgress, run_continue, blob_count=CHANGING)
FINISH = Task("layers-finish", LayersFinishParams, NoneType, run_finish)


def describe_ending(state: LayerTraining) -> str:
    if state.has_converged:
        return f"Trained for {state.step} steps, until only rounding errors were left."
    if state.step == state.max_steps:
        return f"Trained for {state.step} steps."
    return f"Trained for {state.step} of {state.max_steps} steps, which took {pieces.MAX_SECONDS} s, the limit."


def list_arrays(state: LayerTraining) -> list[NDArray[Any]]:
    samples = [(each.inputs, each.targets, each.usable) for each in (state.training, state.held_out)]
    return [*samples[0], *samples[1], state.parameters, state.mean, state.square]


def describe_progress(state: LayerTraining, events: tuple[str, ...] = ()) -> LayersProgress:
    names = [name for name in LayersState.__struct_fields__ if name != "arrays"]
    described = LayersState(
        arrays=describe_arrays(list_arrays(state)), **{name: getattr(state, name) for name in names}
    )
    return LayersProgress(described, events)


def restore_training(state: LayersState, blobs: Sequence[bytes]) -> LayerTraining:
    arrays = list(map(restore_array, state.arrays, blobs))
    names = [name for name in LayersState.__struct_fields__ if name != "arrays"]
    return LayerTraining(
        LayerSamples(*arrays[:3]),
        LayerSamples(*arrays[3:FIXED]),
        *arrays[FIXED:],  # type: ignore[arg-type]
        **{name: getattr(state, name) for name in names},
    )


async def follow_layers(runner: Runner, before: bytes, after: bytes, params: LayersParams) -> AsyncIterator[Event]:
    """The events of a training. The first raises what `run_start` raises."""
    begun, blobs = await runner.run(START, params, [before, after])
    progress, target, fixed, changing = begun.progress, begun.target, blobs[:FIXED], blobs[FIXED:]
    start = LayersStart(
        size=params.learn.size,
        filters=params.filters,
        shared=target.shared,
        steps=params.max_steps,
        reason=target.reason,
        kernel_psnr_db=round(target.kernel_psnr_db, 2),
    )
    yield Event("start", start.model_dump_json())

    async def proceed(progress: LayersProgress, changing: Sequence[bytes]) -> Answer[LayersProgress]:
        return await runner.run(CONTINUE, progress.state, [*fixed, *changing])

    async for piece in continue_in_pieces(proceed, progress, changing, params.max_steps):
        progress, changing = piece
        for document in progress.steps:
            yield Event("step", document)
    finish = LayersFinishParams(progress.state, target)
    _, (result,) = await runner.run(FINISH, finish, [*fixed, *changing])
    yield Event("lesson", result.decode())
