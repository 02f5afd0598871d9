"""Headers that say what a client accepts, each item with a weight (RFC 9110, 12.4.2)."""

from starlette.datastructures import Headers


def parse_weights(text: str) -> dict[str, float]:
    """Items, such as media ranges or codings, and their weights 0..1. A weight that is not a number counts as 0."""
    weights = {}
    for item in text.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = min(max(float(parameter[2:]), 0.0), 1.0)
                except ValueError:
                    weight = 0.0
        weights[name] = weight
    return weights


def prefers_gzip(headers: Headers) -> bool:
    """Whether a client accepts gzip, and does not like uncompressed responses better (RFC 9110, 12.5.3)."""
    weights = parse_weights(",".join(headers.getlist("accept-encoding")))
    weight = weights.get("gzip", weights.get("*", 0.0))
    return weight > 0 and weight >= weights.get("identity", 0.0)
