"""What a file says about the colour of its pixels, apart from an ICC profile.

A browser takes the first of these that a file has: code points (cICP, nclx), the ICC profile, sRGB, gamma with
chromaticities. Source: PNG specification, 3rd edition, table 10.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

CHROMATICITIES = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, 0.3127, 0.3290),
    4: (0.670, 0.330, 0.210, 0.710, 0.140, 0.080, 0.3100, 0.3160),
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, 0.3127, 0.3290),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.3100, 0.3160),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    10: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3140, 0.3510),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, 0.3127, 0.3290),
}
"""x and y of red, green, blue and white, by the code of the primaries. Source: ITU-T H.273, table 2."""
BT709, UNSPECIFIED, BT2020 = 1, 2, 9
"""Codes of primaries."""
SRGB_CURVE, PQ, HLG = 13, 16, 18
"""Codes of transfer characteristics."""
VIDEO_CURVES = (1, 6, 14, 15)
"""BT.709, BT.601 and BT.2020."""
TRANSFERS = {1: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.601", 7: "SMPTE 240M", 8: "linear", 11: "xvYCC",
             13: "sRGB", 14: "BT.2020", 15: "BT.2020", 16: "PQ", 17: "SMPTE 428", 18: "HLG"}  # fmt: skip
"""Transfer characteristics that are converted. Source: ITU-T H.273, table 3."""
PRIMARIES = {1: "BT.709", 4: "BT.470M", 5: "BT.470BG", 6: "BT.601", 7: "SMPTE 240M", 8: "film", 9: "BT.2020",
             10: "XYZ", 11: "DCI-P3", 12: "Display P3", 22: "EBU 3213"}  # fmt: skip
SRGB_GAMMA = range(43_182, 47_728)
"""Within 5 % of 1/2.2. Alone, it means sRGB: a few old encoders write it without chromaticities."""
DEFAULT_PEAK_NITS = 1000.0


@dataclass(frozen=True)
class ColourTags:
    """The statements of one file. Without any, the pixels are sRGB."""

    cicp: tuple[int, int] | None = None
    """Codes of primaries and transfer characteristics, ITU-T H.273."""
    is_srgb: bool = False
    """The file states that it is sRGB."""
    gamma: int | None = None
    """100,000 times the exponent of the encoder."""
    chromaticities: tuple[int, ...] | None = None
    """100,000 times x and y of white, red, green and blue."""
    peak_nits: float = DEFAULT_PEAK_NITS
    """Luminance of the brightest pixel, for PQ."""
    png_chunks: tuple[tuple[bytes, bytes], ...] = ()
    """Type and body of the chunks of a PNG that stated this."""

    @property
    def is_known(self) -> bool:
        """Whether the code points, if any, can be converted."""
        return self.cicp is None or (self.cicp[0] in CHROMATICITIES and self.cicp[1] in TRANSFERS)

    @property
    def differs_from_srgb(self) -> bool:
        """Whether pixels without an ICC profile are displayed differently from sRGB."""
        if self.cicp is not None:
            return self.cicp != (BT709, SRGB_CURVE)
        return self.gamma is not None and not self.is_srgb

    def describe(self) -> str:
        """For people, such as `BT.2020 primaries, PQ`."""
        if self.cicp is not None:
            primaries, transfer = self.cicp
            return (
                f"{PRIMARIES.get(primaries, f'unknown ({primaries})')} primaries, "
                f"{TRANSFERS.get(transfer, f'unknown transfer ({transfer})')}"
            )
        if self.differs_from_srgb and self.gamma:
            return f"gamma {100_000 / self.gamma:.4g}" + (", own primaries" if self.chromaticities else "")
        return "sRGB"


UNTAGGED = ColourTags()


def read_png_tags(chunks: Mapping[bytes, bytes]) -> ColourTags:
    """The tags in the bodies of the chunks cICP, sRGB, gAMA, cHRM, mDCV and cLLI; invalid ones are left out."""
    cicp = chunks.get(b"cICP", b"")
    is_cicp_valid = len(cicp) == 4 and cicp[2] == 0 and cicp[3] < 2
    is_srgb = len(chunks.get(b"sRGB", b"")) == 1
    gamma = read_integers(chunks.get(b"gAMA"), 1)
    chromaticities = read_integers(chunks.get(b"cHRM"), 8)
    levels = read_integers(chunks.get(b"cLLI"), 2)
    is_usable = is_calibration_usable(gamma, chromaticities, b"cHRM" in chunks)
    kept = {b"cICP": is_cicp_valid, b"sRGB": is_srgb, b"gAMA": gamma is not None, b"cHRM": chromaticities is not None,
            b"mDCV": len(chunks.get(b"mDCV", b"")) == 24, b"cLLI": levels is not None}  # fmt: skip
    return ColourTags(
        cicp=(cicp[0], cicp[1]) if is_cicp_valid else None,
        is_srgb=is_srgb,
        gamma=gamma[0] if gamma and is_usable else None,
        chromaticities=chromaticities if is_usable else None,
        peak_nits=levels[0] / 10_000 if levels and levels[0] else DEFAULT_PEAK_NITS,
        png_chunks=tuple((kind, chunks[kind]) for kind, is_kept in kept.items() if is_kept and kind in chunks),
    )


def is_calibration_usable(
    gamma: tuple[int, ...] | None, chromaticities: tuple[int, ...] | None, has_chromaticities: bool
) -> bool:
    """Whether browsers apply them. Chromaticities without a gamma, and impossible ones, have no effect."""
    if not gamma or gamma[0] == 0:
        return False
    if not has_chromaticities:
        return gamma[0] not in SRGB_GAMMA
    if chromaticities is None:
        return False
    (_, yw, *rest) = chromaticities
    xr, yr, xg, yg, xb, yb = rest
    return yw > 0 and xr * (yg - yb) + xg * (yb - yr) + xb * (yr - yg) != 0


def read_nclx_tags(body: bytes) -> ColourTags:
    """The tags in a box `colr` of the kind `nclx`, after the kind. Unspecified codes are those of sRGB.

    As in browsers, the curves of BT.709 and BT.2020 are displayed as that of sRGB, because cameras encode so.
    """
    if len(body) < 4:
        return ColourTags()
    primaries, transfer = struct.unpack_from(">HH", body)
    primaries = BT709 if primaries == UNSPECIFIED else primaries
    transfer = SRGB_CURVE if transfer == UNSPECIFIED or transfer in VIDEO_CURVES else transfer
    return ColourTags() if (primaries, transfer) == (BT709, SRGB_CURVE) else ColourTags(cicp=(primaries, transfer))


def read_integers(body: bytes | None, count: int) -> tuple[int, ...] | None:
    """Unsigned 32-bit integers; None unless the body has exactly `count`."""
    return struct.unpack(f">{count}I", body) if body is not None and len(body) == 4 * count else None
