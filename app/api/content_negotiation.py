"""Which format the answer has: what was asked for, else what `Accept` asks, else what came in."""

from app.errors import NotAcceptableError
from app.images.formats import FORMATS, Format

PREFERENCE = ("png", "webp", "jpeg", "avif", "gif", "tiff", "bmp", "npy")
"""Among formats that a client likes equally, when the one that came in is not among them."""


def choose_format(asked: str | None, accept: str | None, came_in: Format) -> Format:
    """`asked` is the parameter `format`, `accept` the header (RFC 9110, 12.5.1). Raises NotAcceptableError."""
    if asked is not None:
        return FORMATS[asked]
    if not accept:
        return came_in
    weights = parse_accept(accept)
    candidates = [came_in, *(FORMATS[name] for name in PREFERENCE)]
    if came_in.name == "npy":  # numbers that fit no image
        candidates = [came_in]
    best = max(candidates, key=lambda format: find_weight(format.media_type, weights))  # the first of equals
    if find_weight(best.media_type, weights) == 0:
        raise NotAcceptableError(
            f"The header Accept: {accept[:100]} admits none of "
            f"{', '.join(dict.fromkeys(format.media_type for format in candidates))}. Say format=, or Accept: */*."
        )
    return best


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
