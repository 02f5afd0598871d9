"""The task `learn`: two images in, the kernel between them as JSON out."""

from collections.abc import Sequence
from types import NoneType

import msgspec

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.codecs import decode
from app.tasks.context import TaskContext
from app.tasks.learn_result import LearnResult, describe_verdict
from kernels.learn.learn import Shared, learn_from_pair
from kernels.learn.samples import Pair, make_pair
from kernels.learn.verdict import reach_verdict


class LearnParams(msgspec.Struct, frozen=True):
    """Of the tasks `learn` and `learn-start`. The blobs are the images before and after."""

    size: int
    shared: Shared


def run_learn(context: TaskContext, params: LearnParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    """The blob of the answer is a `LearnResult` as JSON."""
    before, after = blobs
    result = learn_from_images(before, after, params, context, report)
    return Answer(None, [result.model_dump_json().encode()])


LEARN = Task("learn", LearnParams, NoneType, run_learn)


def learn_from_images(
    before: bytes, after: bytes, params: LearnParams, context: TaskContext, report: Report
) -> LearnResult:
    """The kernel of size × size between the first frames. Raises ImageError, PairError or UndeterminedKernelError."""
    pair = decode_pair(before, after, context, report)
    with report.time("learn"):
        verdict = reach_verdict(learn_from_pair(pair, params.size, params.shared))
    return describe_verdict(verdict, "least-squares", context.catalogue)


def decode_pair(before: bytes, after: bytes, context: TaskContext, report: Report) -> Pair:
    """The first frames of two images. Raises ImageError or PairError."""
    return make_pair(
        *(decode(data, context.image_limits, report, "first").frames[0].pixels for data in (before, after))
    )
