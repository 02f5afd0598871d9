"""ICC profiles: conversion to sRGB."""

import io
from typing import Any

from PIL import Image, ImageCms


def convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert from the profile to RGB in sRGB. None if the profile is unusable or describes another kind of pixels."""
    return convert(image, io.BytesIO(profile))


def convert_lab_to_srgb(image: Image.Image) -> Image.Image | None:
    """Convert a LAB image to RGB in sRGB. None if that fails."""
    return convert(image, ImageCms.createProfile("LAB"))


def convert(image: Image.Image, source: Any) -> Image.Image | None:
    try:
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        return None
