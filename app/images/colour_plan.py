"""What happens to the colour space of an image in the format of the result.

It is kept if the format can state it, otherwise the pixels are converted to sRGB. If neither is possible, the pixels
are written as they are, and the service says so.
"""

from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from app.images import colour_profiles
from app.images.colour_conversion import convert_to_srgb
from app.images.colour_tags import UNTAGGED, VIDEO_CURVES, ColourTags
from app.images.formats import Format
from app.images.image import DecodedImage

ColourOutcome = Literal["kept", "converted", "dropped"]


@dataclass(frozen=True)
class ColourPlan:
    """The colour space of the input, for people, and what happens to it."""

    space: str
    outcome: ColourOutcome
    source: Literal["tags", "profile"]
    """What states the colour space."""


def plan_colour(image: DecodedImage, format: Format) -> ColourPlan | None:
    """None for an image in sRGB."""
    tags = image.colour
    if tags.cicp is not None and (tags.is_known or image.profile is None):
        return plan_tags(tags, format) if tags.differs_from_srgb else None
    if image.profile is not None:
        return ColourPlan("ICC profile", choose_profile_outcome(image, format), "profile")
    return plan_tags(tags, format) if tags.differs_from_srgb else None


def plan_tags(tags: ColourTags, format: Format) -> ColourPlan:
    if holds_tags(format, tags):
        return ColourPlan(tags.describe(), "kept", "tags")
    can_convert = tags.is_known and not format.holds_numbers
    return ColourPlan(tags.describe(), "converted" if can_convert else "dropped", "tags")


def holds_tags(format: Format, tags: ColourTags) -> bool:
    """Whether the format can state the colour space, and browsers then display it as in the input."""
    if format.name == "avif":  # browsers display the curves of video as sRGB in AVIF, but not in PNG
        return tags.cicp is not None and tags.cicp[1] not in VIDEO_CURVES and tags.is_known
    return format.holds_cicp


def choose_profile_outcome(image: DecodedImage, format: Format) -> ColourOutcome:
    profile = pick_profile(image)
    if profile is None or format.holds_numbers:
        return "dropped"
    if holds_profile_of(format, image.channels):
        return "kept"
    pixel = Image.new("L" if profile[16:20] == b"GRAY" else "RGB", (1, 1))
    return "dropped" if colour_profiles.convert_to_srgb(pixel, profile) is None else "converted"


def holds_profile_of(format: Format, channels: int) -> bool:
    """Whether the format can hold the profile of an image with this number of channels."""
    return format.holds_profile and (format.holds_grey or channels >= 3)


def pick_profile(image: DecodedImage) -> bytes | None:
    """The profile, if it still matches the pixels: a filter can turn colour into grey and grey into colour."""
    if image.profile is None:
        return None
    space = image.profile[16:20]
    return image.profile if space == (b"RGB " if image.channels >= 3 else b"GRAY") else None


def fit_colour(image: DecodedImage, format: Format) -> DecodedImage:
    """Convert the pixels to sRGB if the format cannot state the colour tags, and leave out what has no effect."""
    plan = plan_colour(image, format)
    if plan is not None and plan.source == "profile":
        return image if format.name == "png" else replace(image, colour=UNTAGGED)
    if plan is not None and plan.outcome == "converted":
        converted = image.with_pixels([convert_to_srgb(frame.pixels, image.colour) for frame in image.frames])
        return replace(converted, colour=UNTAGGED, profile=None)
    return image if format.name == "png" or image.colour.cicp is None else replace(image, profile=None)
