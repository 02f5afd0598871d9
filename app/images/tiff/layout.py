"""How the samples of a TIFF page are stored, and which kinds of page are read.

| read                | values                                                                                     |
|---------------------|--------------------------------------------------------------------------------------------|
| samples             | unsigned integers of 1, 2, 4, 8 or 16 bits                                                 |
| colours             | grey, palette, RGB, CMYK, YCbCr and LAB of 8 bits, each with or without alpha              |
| order               | pixel by pixel or in separate planes, in strips or tiles                                   |
| compression         | none, CCITT, LZW, deflate, PackBits, LZMA, Zstandard, JPEG of 8 bits, WebP                 |

Sources: TIFF 6.0; TIFF Technical Note 2 (JPEG); libtiff for compressions that came later.
"""

from dataclasses import dataclass

from app.images.errors import CorruptImageError, UnreadableFormatError
from app.images.tiff.directory import Directory

IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, SAMPLES_PER_PIXEL, ROWS_PER_STRIP, PLANAR_CONFIGURATION = 266, 277, 278, 284
PREDICTOR, TILE_WIDTH, TILE_LENGTH, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 317, 322, 323, 332, 338, 339
STRIP_OFFSETS, STRIP_BYTE_COUNTS, TILE_OFFSETS, TILE_BYTE_COUNTS = 273, 279, 324, 325
T4_OPTIONS, T6_OPTIONS, JPEG_TABLES, YCBCR_SUBSAMPLING = 292, 293, 347, 530

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CIE_LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
COLOURS = {
    WHITE_IS_ZERO: ("grey", 1), BLACK_IS_ZERO: ("grey", 1), RGB: ("RGB", 3), PALETTE: ("palette", 1),
    SEPARATED: ("CMYK", 4), YCBCR: ("YCbCr", 3), CIE_LAB: ("CIELAB", 3), ICC_LAB: ("ICCLAB", 3),
}  # fmt: skip
"""Name and number of samples."""
CONVERTED_TO_SRGB = (SEPARATED, CIE_LAB, ICC_LAB)
OTHER_COLOURS = {4: "a transparency mask", 10: "ITULAB", 32803: "a raw camera image", 32844: "LogL", 32845: "LogLuv"}
SAMPLE_FORMATS = {2: "signed ", 3: "float ", 5: "complex integer ", 6: "complex float "}
UNSIGNED, UNDEFINED = 1, 4

NO_COMPRESSION, CCITT_RLE, CCITT_GROUP_3, CCITT_GROUP_4, LZW, JPEG = 1, 2, 3, 4, 5, 7
ADOBE_DEFLATE, CCITT_RLE_WORDS, PACKBITS, DEFLATE, LZMA, ZSTANDARD, WEBP = 8, 32771, 32773, 32946, 34925, 50000, 50001
CCITT = (CCITT_RLE, CCITT_GROUP_3, CCITT_GROUP_4, CCITT_RLE_WORDS)
BYTE_COMPRESSIONS = (NO_COMPRESSION, LZW, ADOBE_DEFLATE, PACKBITS, DEFLATE, LZMA, ZSTANDARD)
PREDICTED = (LZW, ADOBE_DEFLATE, DEFLATE, LZMA, ZSTANDARD)
"""Compressions that can follow a predictor; others ignore the tag."""
OTHER_COMPRESSIONS = {
    6: "old-style JPEG", 9: "JBIG", 10: "JBIG", 32766: "NeXT", 32809: "ThunderScan", 34661: "JBIG", 34676: "SGILog",
    34677: "SGILog", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC", 34892: "lossy DNG",
    50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
NO_PREDICTOR, HORIZONTAL_PREDICTOR = 1, 2
SEPARATE_PLANES = 2
REVERSED_FILL_ORDER = 2
"""The first pixel is in the lowest bit."""
MAX_SAMPLES = 8
"""Samples per pixel. Samples beyond colours and alpha cost memory and are not used."""
UNSPECIFIED, PREMULTIPLIED_ALPHA, STRAIGHT_ALPHA, COREL_ALPHA = 0, 1, 2, 999


@dataclass(frozen=True)
class Layout:
    """The layout of one page. Sizes are in pixels."""

    width: int
    height: int
    bits: int
    """1, 2, 4, 8 or 16, the same for all samples."""
    samples: int
    photometric: int
    compression: int
    predictor: int
    fill_order: int
    is_planar: bool
    is_tiled: bool
    segment_width: int
    segment_height: int
    """Of a tile, or of a strip."""
    subsampling: tuple[int, int]
    """Pixels per chroma sample, horizontally and vertically; (1, 1) unless the page is YCbCr."""
    alpha: int | None
    """Index of the alpha sample."""
    is_premultiplied: bool

    @property
    def colours(self) -> int:
        """Number of samples that are colour."""
        return COLOURS[self.photometric][1]

    @property
    def segments(self) -> tuple[int, int]:
        """Segments in one plane: down and across."""
        return -(-self.height // self.segment_height), -(-self.width // self.segment_width)

    @property
    def stored_pixels(self) -> int:
        """Pixels of all segments, with those of tiles beyond the edges."""
        down, across = self.segments
        return across * self.segment_width * (down * self.segment_height if self.is_tiled else self.height)


def read_layout(page: Directory) -> Layout:
    """Raises UnreadableFormatError naming the kind of a page that is not read, CorruptImageError for nonsense."""
    width, height = page.read_number(IMAGE_WIDTH, 0), page.read_number(IMAGE_LENGTH, 0)
    if width < 1 or height < 1:
        raise CorruptImageError(f"The TIFF is damaged: a page has {width}×{height} pixels.")
    samples, photometric = page.read_number(SAMPLES_PER_PIXEL, 1), page.read_number(PHOTOMETRIC, -1)
    compression = page.read_number(COMPRESSION, NO_COMPRESSION)
    if photometric == -1:
        raise CorruptImageError("The TIFF is damaged: a page does not say what its samples mean (tag 262).")
    bits = check_kind(page, samples, photometric, compression)
    subsampling = (1, 1)
    if photometric == YCBCR:
        values = page.read(YCBCR_SUBSAMPLING)
        subsampling = (2, 2) if values is None or len(values) < 2 else (int(values[0]), int(values[1]))
    planar, fill_order = page.read_number(PLANAR_CONFIGURATION, 1), page.read_number(FILL_ORDER, 1)
    if planar not in (1, SEPARATE_PLANES) or fill_order not in (1, REVERSED_FILL_ORDER):
        raise CorruptImageError(
            f"The TIFF is damaged: the planar configuration {planar} or the fill order {fill_order} does not exist."
        )
    alpha, is_premultiplied = find_alpha(page, samples, photometric)
    is_tiled = TILE_WIDTH in page.entries
    layout = Layout(
        width,
        height,
        bits,
        samples,
        photometric,
        compression,
        page.read_number(PREDICTOR, NO_PREDICTOR) if compression in PREDICTED else NO_PREDICTOR,
        fill_order,
        samples > 1 and planar == SEPARATE_PLANES,
        is_tiled,
        page.read_number(TILE_WIDTH, 0) if is_tiled else width,
        page.read_number(TILE_LENGTH, 0) if is_tiled else min(page.read_number(ROWS_PER_STRIP, height), height),
        subsampling,
        alpha,
        is_premultiplied,
    )
    if layout.segment_width < 1 or layout.segment_height < 1:
        raise CorruptImageError("The TIFF is damaged: its strips or tiles have no pixels.")
    check_storage(layout)
    return layout


def check_kind(page: Directory, samples: int, photometric: int, compression: int) -> int:
    """Bits per sample, if samples, colours and compression are of a kind that is read."""
    depths = page.read(BITS_PER_SAMPLE)
    depth_list = [1] if depths is None else sorted({int(bits) for bits in depths[:samples]})
    formats = page.read(SAMPLE_FORMAT)
    format = UNSIGNED if formats is None else int(formats.max())
    if photometric not in COLOURS:
        kind = OTHER_COLOURS.get(photometric, f"the photometric interpretation {photometric}")
        raise UnreadableFormatError(f"A TIFF of {kind} is not supported; grey, palette, RGB, CMYK, YCbCr and LAB are.")
    name, colours = COLOURS[photometric]
    depth = " and ".join(f"{bits}-bit" for bits in depth_list)
    kind = f"{depth} {SAMPLE_FORMATS.get(format, '')}{name}"
    if format not in (UNSIGNED, UNDEFINED) or len(depth_list) > 1 or depth_list[0] not in (1, 2, 4, 8, 16):
        raise UnreadableFormatError(f"{kind} is not supported; 8 and 16 bits are. Convert the TIFF.")
    if photometric in (CIE_LAB, ICC_LAB, YCBCR) and depth_list != [8]:
        raise UnreadableFormatError(f"{kind} is not supported; 8 bits are. Convert the TIFF.")
    if photometric == SEPARATED and page.read_number(INK_SET, 1) != 1:
        raise UnreadableFormatError("A TIFF with inks other than CMYK is not supported; convert it to CMYK or RGB.")
    if samples < colours:
        raise UnreadableFormatError(f"{name} with {samples} samples per pixel is not supported; {colours} or more are.")
    if samples > MAX_SAMPLES:
        raise UnreadableFormatError(
            f"A TIFF with {samples} samples per pixel is not supported; up to {MAX_SAMPLES} are."
        )
    if compression not in (*BYTE_COMPRESSIONS, *CCITT, JPEG, WEBP):
        kind = OTHER_COMPRESSIONS.get(compression, f"number {compression}")
        raise UnreadableFormatError(
            f"A TIFF with the compression {kind} is not supported; none, CCITT, LZW, deflate, PackBits, LZMA, "
            "Zstandard, JPEG and WebP are."
        )
    return depth_list[0]


def find_alpha(page: Directory, samples: int, photometric: int) -> tuple[int | None, bool]:
    """Index of the alpha sample, and whether colours are multiplied by it.

    Without the tag ExtraSamples, the first extra sample is straight alpha: programs that omit the tag mean that.
    """
    colours = COLOURS[photometric][1]
    kinds = page.read(EXTRA_SAMPLES)
    if kinds is None:
        return (colours, False) if samples == colours + 1 else (None, False)
    extras = kinds[: samples - colours].tolist()
    for kind in extras:
        if kind not in (UNSPECIFIED, PREMULTIPLIED_ALPHA, STRAIGHT_ALPHA, COREL_ALPHA):
            raise CorruptImageError(f"The TIFF is damaged: there is no extra sample of the kind {kind} (tag 338).")
    for index, kind in enumerate(extras):
        if kind != UNSPECIFIED:
            return colours + index, kind == PREMULTIPLIED_ALPHA
    return None, False


def check_storage(layout: Layout) -> None:
    """Raise UnreadableFormatError for a combination of compression, colours and order that is not read."""
    name = COLOURS[layout.photometric][0]
    if layout.predictor not in (NO_PREDICTOR, HORIZONTAL_PREDICTOR):
        raise UnreadableFormatError(f"A TIFF with the predictor {layout.predictor} is not supported; 1 and 2 are.")
    if layout.predictor == HORIZONTAL_PREDICTOR and layout.bits < 8:
        raise UnreadableFormatError(
            f"{layout.bits}-bit {name} with a predictor is not supported; save the TIFF without a predictor."
        )
    if layout.compression in CCITT and (layout.bits > 1 or (layout.samples > 1 and not layout.is_planar)):
        raise UnreadableFormatError(f"{layout.bits}-bit {name} with CCITT compression is not supported; 1-bit grey is.")
    if layout.compression == JPEG and (layout.bits != 8 or (not layout.is_planar and layout.samples not in (1, 3, 4))):
        raise UnreadableFormatError(
            f"{layout.bits}-bit {name} of {layout.samples} samples with JPEG compression is not supported; 8 bits with "
            "1, 3 or 4 samples are."
        )
    if layout.compression == WEBP and (layout.bits != 8 or layout.samples not in (3, 4) or layout.is_planar):
        raise UnreadableFormatError(f"{layout.bits}-bit {name} with WebP compression is not supported; 8-bit RGB is.")
    if layout.subsampling == (1, 1) or layout.compression == JPEG:
        if layout.subsampling != (1, 1) and layout.is_planar:
            raise UnreadableFormatError("Subsampled YCbCr in separate planes is not supported; interleaved is.")
        return
    horizontal, vertical = layout.subsampling
    is_even = layout.segment_height % vertical == 0 or layout.segment_height == layout.height
    if horizontal not in (1, 2, 4) or vertical not in (1, 2, 4):
        raise UnreadableFormatError(
            f"YCbCr with a subsampling of {horizontal}×{vertical} is not supported; 1, 2 and 4 are."
        )
    if layout.is_planar or layout.samples != 3 or layout.predictor != NO_PREDICTOR or not is_even:
        raise UnreadableFormatError(
            "Subsampled YCbCr in separate planes, with alpha, a predictor or strips of uneven height is not "
            "supported; interleaved is."
        )
