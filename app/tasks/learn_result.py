"""The result of learning a kernel, as JSON."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from app.tasks.kernel_requests import format_chain_request, format_custom_request, format_weights
from kernels.catalogue import Catalogue
from kernels.learn.fractions import Fractions
from kernels.learn.learn import Learned
from kernels.learn.least_squares import Fit, LearnedResponse
from kernels.learn.nearest import find_nearest
from kernels.learn.verdict import Score, Verdict, measure_scores

Method = Literal["least-squares", "descent"]
LearnedChannels = Literal["rgb", "r", "g", "b"]


class FractionForm(BaseModel):
    """The simple fractions that the weights are close to."""

    weights: list[list[str]] = Field(description="Each in lowest terms, such as `1/16`.")
    numerators: list[list[int]] = Field(description="For the common divisor.")
    divisor: int


class NearestKernel(BaseModel):
    """The most similar kernel of the catalogue, up to a factor."""

    name: str
    parameters: dict[str, float]
    similarity: float = Field(description="Cosine similarity of the weights.")


class LearnedKernel(BaseModel):
    """The kernel of all channels, or of one channel."""

    channels: LearnedChannels
    weights: list[list[float]]
    bias: float = Field(description="In grey levels of 0..255.")
    fractions: FractionForm | None = Field(
        description="Given if the weights are close to simple fractions; `request` uses them."
    )
    residual: float = Field(description="RMS error of the fit, in grey levels.")
    r_squared: float = Field(description="Coefficient of determination of the result of `request`.")
    psnr_db: float = Field(description="PSNR of the result of `request`, at most 100.")
    rank: int
    ridge: float = Field(
        description="Ridge regularisation: added to the variance of each pixel of a patch, in grey levels²."
    )
    samples: int = Field(description="Number of values of the result that were used.")
    nearest: NearestKernel | None
    request: str = Field(description="The request that applies the kernel.")


class LearnResult(BaseModel):
    """The kernel between a pair of images."""

    method: Method
    is_convolution: bool
    reason: str
    shared: bool = Field(description="Whether all channels have the same kernel.")
    response: LearnedResponse = Field(description="`abs` if the result has absolute values.")
    kernels: list[LearnedKernel]
    request: str | None = Field(
        description="The request that gives the result from the image before, for all channels."
    )
    notes: list[str]


def describe_verdict(verdict: Verdict, method: Method, catalogue: Catalogue) -> LearnResult:
    found = verdict.learned
    cleaned, fractions = found.clean()
    letters: list[LearnedChannels] = ["rgb"] if found.shared else ["r", "g", "b"]
    kernels = [
        describe_fit(*parts, found, catalogue)
        for parts in zip(found.fits, cleaned.fits, fractions, measure_scores(found), letters, strict=True)
    ]
    request = format_request(cleaned, fractions) if verdict.is_convolution else verdict.request
    return LearnResult(
        method=method,
        is_convolution=verdict.is_convolution,
        reason=verdict.reason,
        shared=found.shared,
        response=found.response,
        kernels=kernels,
        request=request,
        notes=[*found.pair.notes, *list_notes(found)],
    )


def list_notes(learned: Learned) -> list[str]:
    notes = []
    if learned.pair.channels == 3:
        notes.append("One kernel fits all channels." if learned.shared else "Each channel has its own kernel.")
    height, width = (side - learned.size + 1 for side in learned.pair.before.shape[:2])
    values, samples = height * width * learned.pair.channels, sum(fit.count for fit in learned.fits)
    if samples < values:
        notes.append(
            f"Used {samples} of {values} values of the result: a sample if the image is large, and no values that may "
            "have been clipped."
        )
    return notes


def describe_fit(
    fit: Fit,
    cleaned: Fit,
    fractions: Fractions | None,
    score: Score,
    channels: LearnedChannels,
    learned: Learned,
    catalogue: Catalogue,
) -> LearnedKernel:
    nearest = find_nearest(cleaned.weights, catalogue)
    if nearest is None and learned.response == "abs":  # the sign is lost
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
        request=format_custom_request(list_custom_parameters(cleaned, fractions, learned, channels)),
    )


def list_custom_parameters(fit: Fit, fractions: Fractions | None, learned: Learned, channels: str) -> dict[str, str]:
    """The parameters of the kernel `custom` that apply a fit to the file before, whose values may have 16 bits."""
    step = {"weights": format_weights(fractions.numerators.astype(float) if fractions else fit.weights)}
    if fractions and fractions.divisor != 1:
        step["divisor"] = str(fractions.divisor)
    if fit.bias:
        step["bias"] = f"{fit.bias * learned.pair.white / 255:.6g}"
    step["response"] = learned.response
    return step if channels == "rgb" else step | {"channels": channels}


def format_request(learned: Learned, fractions: Sequence[Fractions | None]) -> str:
    """One request for all channels. If each has its own kernel, it has one step for each."""
    if learned.shared:
        return format_custom_request(list_custom_parameters(learned.fits[0], fractions[0], learned, "rgb"))
    return format_chain_request(
        [
            list_custom_parameters(fit, form, learned, letter)
            for fit, form, letter in zip(learned.fits, fractions, "rgb", strict=True)
        ]
    )
