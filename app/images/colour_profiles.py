"""ICC profiles: conversion to sRGB."""

import io
from typing import Any

from PIL import Image, ImageCms

INTENTS = (ImageCms.Intent.PERCEPTUAL, ImageCms.Intent.RELATIVE_COLORIMETRIC)
"""The first that the profile has a table for, as in Chromium. docs/engineering/decisions/0021-colour.md compares."""


def convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert from the profile to RGB in sRGB. None if the profile is unusable or describes another kind of pixels."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
    except ImageCms.PyCMSError:
        return None
    return convert(image, source)


def convert_lab_to_srgb(image: Image.Image) -> Image.Image | None:
    """Convert a LAB image to RGB in sRGB. None if that fails."""
    return convert(image, ImageCms.createProfile("LAB"))


def convert(image: Image.Image, source: Any) -> Image.Image | None:
    for intent in INTENTS:
        try:
            return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), intent, outputMode="RGB")
        except ImageCms.PyCMSError:
            continue
    return None
