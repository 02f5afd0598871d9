"""Whether an address of the page leads to something that exists: view, sample image, kernels and parameters."""

from functools import cache
from importlib.resources import files
from typing import get_args
from urllib.parse import parse_qsl, unquote

from pydantic import ValidationError

from app.tasks.operations import parse_operations_text
from app.tasks.samples import SampleName
from kernels.catalogue import Catalogue
from kernels.regions import Reads, parse_regions
from kernels.settings import FilterSettings

VIEWS = ("filter", "digits", "classes", "learn", "kernels")
PAGE_PARAMETERS = frozenset({"image", "view", "zoom", "split", "at", "step", "linear", "region", "reads"})
"""Parameters of the filter view that are not those of a kernel, as in app/static/js/filters/setting.js."""


@cache
def list_samples() -> tuple[str, ...]:
    """The names of the page's sample images: photographs among its files, and drawings of the service."""
    folder = files("app").joinpath("static/samples")
    photographs = (file.name.removesuffix(".jpg") for file in folder.iterdir() if file.name.endswith(".jpg"))
    return tuple(sorted({*(name for name in photographs if "thumbnail" not in name), *get_args(SampleName)}))


def check_page_address(address: str, catalogue: Catalogue) -> None:
    """`address` from `#` on. Raises ValueError, also KernelError."""
    location, _, search = address.removeprefix("#").partition("?")
    view, _, path = location.partition("/")
    pairs = parse_qsl(search, keep_blank_values=True)
    query = dict(pairs)
    if view not in VIEWS:
        raise ValueError(f"the page has no view '{view}'; the views are {', '.join(VIEWS)}")
    if view != "filter":
        return
    image = query.get("image")
    if image is not None and image not in list_samples():
        raise ValueError(f"there is no sample image '{image}'; the samples are {', '.join(list_samples())}")
    operations = query.pop("operations", None) or unquote(path)
    if not operations:
        raise ValueError("the address names no kernel; write #filter/KERNEL or #filter?operations=[...]")
    if "mask" in query:
        raise ValueError("the address has a mask, whose file is not part of it; use regions instead")
    check_area(regions=[value for name, value in pairs if name == "region"], reads=query.get("reads"))
    parameters = {name: value for name, value in query.items() if name not in PAGE_PARAMETERS}
    unknown = sorted(parameters.keys() - FilterSettings.model_fields.keys())
    if unknown:
        raise ValueError(f"no kernel has a parameter '{unknown[0]}'; correct or remove it")
    try:
        settings = FilterSettings.model_validate(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"parameter '{first['loc'][0]}': {first['msg'].removeprefix('Value error, ')}") from None
    parse_operations_text(operations, settings, catalogue)


def check_area(regions: list[str], reads: str | None) -> None:
    """Only the form of regions: whether they are inside depends on the image. Raises ValueError."""
    try:
        parse_regions(regions)
    except ValueError as error:
        raise ValueError(f"region is '{';'.join(regions)}': {error}") from None
    if reads is None:
        return
    if reads not in get_args(Reads):
        raise ValueError(f"reads is '{reads}'; it may be {' or '.join(get_args(Reads))}")
    if not regions:
        raise ValueError("the address has reads, which says what a region reads, but no region; add one")
