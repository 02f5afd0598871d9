"""The format of a result: the parameter `format`, else the header `Accept`, else the format of the input."""

from collections.abc import Sequence
from functools import lru_cache

from app.errors import NotAcceptableError
from app.images.formats import FORMATS, FormatName
from app.middleware.accept_header import parse_weights
from app.tasks.filter import SAME_FORMAT, OutputFormat

PREFERENCE: tuple[FormatName, ...] = ("png", "webp", "jpeg", "avif", "gif", "tiff", "bmp", "npy", "json")
"""Decides between formats of equal weight if the format of the input is not one of them."""
MAX_QUOTED_CHARACTERS = 100
"""Of an Accept header in an error message."""


@lru_cache(maxsize=256)
def choose_output_format(requested: FormatName | None, accept: str | None, is_raw: bool) -> OutputFormat:
    """`requested` is the parameter `format`, `accept` the header (RFC 9110, 12.5.1). Raises NotAcceptableError.

    `is_raw`: the result is numbers, which only npy and json can hold.
    """
    if requested is not None:
        return OutputFormat(requested)
    if not accept:
        return SAME_FORMAT
    weights = parse_weights(accept)
    candidates: tuple[FormatName, ...] = ("npy", "json") if is_raw else PREFERENCE
    weight_of = {name: find_weight(FORMATS[name].media_type, weights) for name in candidates}
    best = max(weight_of.values())
    if best == 0:
        raise describe_not_acceptable(accept, [FORMATS[name].media_type for name in candidates])
    preferred = tuple(name for name in candidates if weight_of[name] == best)
    return OutputFormat(preferred[0], preferred)


def find_weight(media_type: str, weights: dict[str, float]) -> float:
    """The weight of the most specific media range that includes the type; 0 if there is none."""
    for media_range in (media_type, media_type.split("/")[0] + "/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0


def describe_not_acceptable(accept: str, media_types: Sequence[str]) -> NotAcceptableError:
    """The error for an Accept header that excludes all media types of a route."""
    return NotAcceptableError(
        f"The header Accept: {accept[:MAX_QUOTED_CHARACTERS]} allows none of {', '.join(media_types)}. "
        "Send the parameter format, or Accept: */*."
    )
