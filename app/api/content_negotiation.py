"""Which format a result has: that of the parameter `format`, else by the header `Accept`, else that of the input."""

from functools import lru_cache

from app.errors import NotAcceptableError
from app.images.formats import FORMATS, FormatName
from app.tasks.filter import SAME_FORMAT, OutputFormat

PREFERENCE: tuple[FormatName, ...] = ("png", "webp", "jpeg", "avif", "gif", "tiff", "bmp", "npy")
"""Among formats with the same weight, when the input's is not among them."""
MAX_QUOTED_CHARACTERS = 100


@lru_cache(maxsize=256)
def choose_output_format(asked: FormatName | None, accept: str | None, is_raw: bool) -> OutputFormat:
    """`asked` is the parameter `format`, and `accept` the header (RFC 9110, section 12.5.1).

    `is_raw`: the result is numbers, which only npy can hold. Raises NotAcceptableError.
    """
    if asked is not None:
        return OutputFormat(asked)
    if not accept:
        return SAME_FORMAT
    weights = parse_accept(accept)
    candidates: tuple[FormatName, ...] = ("npy",) if is_raw else PREFERENCE
    weight_of = {name: find_weight(FORMATS[name].media_type, weights) for name in candidates}
    best = max(weight_of.values())
    if best == 0:
        raise NotAcceptableError(
            f"The header Accept: {accept[:MAX_QUOTED_CHARACTERS]} admits none of "
            f"{', '.join(FORMATS[name].media_type for name in candidates)}. Say format=, or Accept: */*."
        )
    liked = tuple(name for name in candidates if weight_of[name] == best)
    return OutputFormat(liked[0], liked)


def parse_accept(accept: str) -> dict[str, float]:
    """Media ranges and their weights 0..1; a weight that is no number counts as 0."""
    weights = {}
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = min(max(float(parameter[2:]), 0.0), 1.0)
                except ValueError:
                    weight = 0.0
        weights[media_range] = weight
    return weights


def find_weight(media_type: str, weights: dict[str, float]) -> float:
    """By the most specific range that holds the type."""
    for media_range in (media_type, media_type.split("/")[0] + "/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0
