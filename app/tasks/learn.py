"""An image before and after an unknown filter to the kernel that explains it, with a word on whether one does."""

import json
from collections.abc import Sequence
from types import NoneType
from typing import Literal
from urllib.parse import quote

import msgspec
import numpy as np
from pydantic import BaseModel, Field

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.codecs import decode
from app.tasks.composed_kernel import format_weights
from app.tasks.context import TaskContext
from kernels.catalogue import Catalogue
from kernels.learn.fractions import Fractions
from kernels.learn.learn import Learned, Shared, learn_from_pair
from kernels.learn.least_squares import Fit, LearnedResponse
from kernels.learn.nearest import find_nearest
from kernels.learn.samples import Pair, make_pair
from kernels.learn.verdict import Score, Verdict, measure_scores, reach_verdict

Method = Literal["least-squares", "descent"]
LearnedChannels = Literal["rgb", "r", "g", "b"]


class FractionForm(BaseModel):
    """Weights as the fractions that they are near to."""

    weights: list[list[str]] = Field(description="Each reduced on its own, such as `1/16`.")
    numerators: list[list[int]] = Field(description="Over the common divisor.")
    divisor: int


class NearestKernel(BaseModel):
    """A kernel of the catalogue with the shape of the weights, up to a factor."""

    name: str
    parameters: dict[str, float]
    similarity: float = Field(description="Cosine between the weights.")


class LearnedKernel(BaseModel):
    """One for all channels, or one of several for a channel each."""

    channels: LearnedChannels
    weights: list[list[float]]
    bias: float = Field(description="In grey levels of 0..255.")
    fractions: FractionForm | None = Field(description="Where the weights are near clean ones; the request has them.")
    residual: float = Field(description="Root mean square of what the fit leaves over, in grey levels.")
    r_squared: float = Field(description="Of the reproduction by the request.")
    psnr_db: float = Field(description="Of the reproduction by the request; 100 at most.")
    rank: int
    ridge: float = Field(description="Added to the variance of each pixel of a patch, in grey levels².")
    samples: int = Field(description="Values it was found from.")
    nearest: NearestKernel | None
    request: str = Field(description="That applies it.")


class Lesson(BaseModel):
    """What was learnt of a pair of images."""

    method: Method
    is_convolution: bool
    reason: str
    shared: bool = Field(description="One kernel explains all channels.")
    response: LearnedResponse = Field(description="`abs`: the result has the absolute values.")
    kernels: list[LearnedKernel]
    request: str | None = Field(description="That gives the result from the image before, all channels at once.")
    notes: list[str]


class LearnParams(msgspec.Struct, frozen=True):
    """Of the tasks `learn` and `learn-start`. The blobs are the image before and the image after."""

    size: int
    shared: Shared


def run_learn(context: TaskContext, params: LearnParams, blobs: Sequence[bytes], report: Report) -> Answer[None]:
    before, after = blobs
    lesson = learn_from_images(before, after, params, context, report)
    return Answer(None, [lesson.model_dump_json().encode()])


LEARN = Task("learn", LearnParams, NoneType, run_learn)


def learn_from_images(before: bytes, after: bytes, params: LearnParams, context: TaskContext, report: Report) -> Lesson:
    """The kernel of size × size between the first frames. Raises ImageError, PairError, UndeterminedKernelError."""
    pair = decode_pair(before, after, context, report)
    with report.time("learn"):
        judgement = reach_verdict(learn_from_pair(pair, params.size, params.shared))
    return describe_lesson(judgement, "least-squares", context.catalogue)


def decode_pair(before: bytes, after: bytes, context: TaskContext, report: Report) -> Pair:
    return make_pair(
        *(decode(data, context.image_limits, report, "first").frames[0].pixels for data in (before, after))
    )


def describe_lesson(judgement: Verdict, method: Method, catalogue: Catalogue) -> Lesson:
    found = judgement.learned
    cleaned, fractions = found.clean()
    letters: list[LearnedChannels] = ["rgb"] if found.shared else ["r", "g", "b"]
    kernels = [
        describe_fit(*parts, found.response, catalogue)
        for parts in zip(found.fits, cleaned.fits, fractions, measure_scores(found), letters, strict=True)
    ]
    request = format_request(cleaned, fractions) if judgement.is_convolution else judgement.request
    return Lesson(
        method=method,
        is_convolution=judgement.is_convolution,
        reason=judgement.reason,
        shared=found.shared,
        response=found.response,
        kernels=kernels,
        request=request,
        notes=[*found.pair.notes, *list_notes(found)],
    )


def list_notes(learned: Learned) -> list[str]:
    notes = []
    if learned.pair.channels == 3:
        notes.append("One kernel fits all channels." if learned.shared else "Each channel has a kernel of its own.")
    height, width = (side - learned.size + 1 for side in learned.pair.before.shape[:2])
    values, samples = height * width * learned.pair.channels, sum(fit.count for fit in learned.fits)
    if samples < values:
        notes.append(
            f"Of {values} values of the result {samples} were used: of large images a sample, and no values that "
            "may have been cut off."
        )
    return notes


def describe_fit(
    fit: Fit,
    cleaned: Fit,
    fractions: Fractions | None,
    score: Score,
    channels: LearnedChannels,
    response: LearnedResponse,
    catalogue: Catalogue,
) -> LearnedKernel:
    nearest = find_nearest(cleaned.weights, catalogue)
    if nearest is None and response == "abs":  # the sign is lost
        nearest = find_nearest(-cleaned.weights, catalogue)
    return LearnedKernel(
        channels=channels,
        weights=(np.round(fit.weights, 6) + 0.0).tolist(),
        bias=round(fit.bias, 4) + 0.0,
        fractions=fractions
        and FractionForm(weights=fractions.texts, numerators=fractions.numerators.tolist(), divisor=fractions.divisor),
        residual=round(fit.residual, 4),
        r_squared=round(score.r_squared, 6),
        psnr_db=round(score.psnr_db, 2),
        rank=int(np.linalg.matrix_rank(cleaned.weights, tol=max(1e-6, 3 * float(fit.errors.max())))),
        ridge=fit.ridge,
        samples=fit.count,
        nearest=nearest
        and NearestKernel(
            name=nearest.name, parameters=dict(nearest.parameters), similarity=round(nearest.similarity, 6)
        ),
        request="/filter/custom?" + format_query(describe_step(cleaned, fractions, response, channels)),
    )


def describe_step(fit: Fit, fractions: Fractions | None, response: LearnedResponse, channels: str) -> dict[str, str]:
    """The parameters of `custom` that apply a kernel."""
    step = {"weights": format_weights(fractions.numerators.astype(float) if fractions else fit.weights)}
    if fractions and fractions.divisor != 1:
        step["divisor"] = str(fractions.divisor)
    if fit.bias:
        step["bias"] = f"{fit.bias:.6g}"
    step["response"] = response
    return step if channels == "rgb" else step | {"channels": channels}


def format_request(learned: Learned, fractions: Sequence[Fractions | None]) -> str:
    """One request for all channels: where each has its own kernel, a step for each."""
    if learned.shared:
        return "/filter/custom?" + format_query(describe_step(learned.fits[0], fractions[0], learned.response, "rgb"))
    operations = [
        {"kernel": "custom"} | describe_step(fit, form, learned.response, letter)
        for fit, form, letter in zip(learned.fits, fractions, "rgb", strict=True)
    ]
    return f"/filter?operations={quote(json.dumps(operations, separators=(',', ':')), safe=',;:')}"


def format_query(step: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe=',;')}" for name, value in step.items())
