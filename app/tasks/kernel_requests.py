"""Requests that apply a kernel of one's own, as URLs such as `/filter/custom?weights=0,1,0;1,-4,1;0,1,0`."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from kernels.types import Weights


def format_custom_request(parameters: Mapping[str, str]) -> str:
    """The request for one step with the kernel `custom`."""
    return "/filter/custom?" + "&".join(f"{name}={quote(value, safe=',;')}" for name, value in parameters.items())


def format_chain_request(steps: Sequence[Mapping[str, str]]) -> str:
    """The request for several steps with the kernel `custom`."""
    operations = json.dumps([{"kernel": "custom"} | dict(step) for step in steps], separators=(",", ":"))
    return f"/filter?operations={quote(operations, safe=',;:')}"


def format_weights(weights: Weights) -> str:
    """The parameter `weights` of `custom`. A single row ends with `;` to distinguish it from a flat list."""
    rows = [",".join(f"{weight:.9g}" for weight in row) for row in weights]
    return ";".join(rows) + (";" if len(rows) == 1 else "")
