"""Structure of HEIF and AVIF files. Source: ISO/IEC 23008-12:2022; AV1 Image File Format 1.1."""

import struct

from app.images.colour_tags import UNTAGGED, ColourTags, read_nclx_tags
from app.images.complexity import ComplexityCounter
from app.images.errors import CorruptImageError, ImageTooLargeError, UnreadableFormatError
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS, HEIC
from app.images.hevc import is_parameter_set, read_picture_size, split_configuration, split_stream
from app.images.isobmff import Box, BoxError, Item, ItemTable, iterate_boxes, read_items
from app.images.limits import ImageLimits

HEVC, DERIVED = b"hvc1", (b"grid", b"iovl", b"iden")
METADATA = (b"Exif", b"mime", b"uri ")
MAX_CODED_FACTOR = 3
"""Coded pixels may exceed the limit this many times: alpha is coded too, and tiles exceed the image."""
MAX_CONTENT_FACTOR = 4
"""The contents of all images together may exceed the file this many times. Equal tiles can share their content."""
MAX_DERIVATIONS = 8
VISUAL_ENTRY_BYTES = 78
"""Of the description of a video track before its boxes (ISO/IEC 14496-12, 12.1.3)."""
TRACK_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def inspect_avif(data: bytes, limits: ImageLimits) -> FileFacts:
    """Count the boxes and the metadata, and find the colour tags. Damage is left to the decoder."""
    counter = ComplexityCounter(len(data), limits)
    tags, has_profile = UNTAGGED, False
    positions: list[int] = []
    visible_size = None
    try:
        table = read_primary_table(data, counter)
        count_metadata(table, counter)
        positions = [item.kind_position for item in table.items.values() if item.kind in METADATA]
        visible_size = read_visible_size(data, table.find(table.primary or 0))
        boxes = find_colour_boxes(table) if table.primary is not None else find_track_colour(data, counter)
        tags, has_profile = read_colour(data, boxes)
    except BoxError:
        pass
    return FileFacts(
        FORMATS["avif"],
        metadata_positions=tuple(positions),
        visible_size=visible_size,
        colour=UNTAGGED if has_profile else tags,
    )


def inspect_heic(data: bytes, limits: ImageLimits) -> FileFacts:
    """Check everything that the decoder would allocate or decode for the primary image.

    Raises CorruptImageError for damaged boxes, UnreadableFormatError for another codec than HEVC, ImageTooLargeError
    and ImageTooComplexError.
    """
    counter = ComplexityCounter(len(data), limits)
    try:
        table = read_primary_table(data, counter)
        if table.primary is None:
            raise UnreadableFormatError("The HEIF has no still image. Send a photograph, not a video or a sequence.")
        count_metadata(table, counter)
        limiter = PixelLimiter(data, table, limits, counter)
        limiter.check(table.primary)
        tags, has_profile = read_colour(data, find_colour_boxes(table))
    except (BoxError, struct.error) as error:
        raise CorruptImageError(f"The HEIF is damaged or cut short: {error}.") from None
    return FileFacts(HEIC, colour=UNTAGGED if has_profile else tags)


def read_primary_table(data: bytes, counter: ComplexityCounter) -> ItemTable:
    """The items of the box `meta` at the top level."""
    boxes = [box for box in iterate_boxes(data, 0, len(data), counter) if box.kind == b"meta"]
    return read_items(data, boxes[0], counter) if boxes else ItemTable()


def count_metadata(table: ItemTable, counter: ComplexityCounter) -> None:
    """Add EXIF, XMP and colour profiles to the metadata."""
    for item in table.items.values():
        if item.kind in METADATA:
            counter.add_metadata(sum(max(end - start, 0) for start, end in item.extents))
    profiles = {box for item in table.items.values() for box in item.find_properties(b"colr")}
    counter.add_metadata(sum(box.end - box.start for box in profiles))


def find_colour_boxes(table: ItemTable) -> list[Box]:
    """The boxes `colr` of the primary image or, if it is a grid without, of its first tile."""
    item = table.find(table.primary or 0)
    boxes = list(item.find_properties(b"colr"))
    tiles = [target for kind, target in item.references if kind == b"dimg"]
    return boxes or (list(table.find(tiles[0]).find_properties(b"colr")) if tiles else [])


def find_track_colour(data: bytes, counter: ComplexityCounter) -> list[Box]:
    """The boxes `colr` of the first track of an image sequence."""
    start, end = 0, len(data)
    for kind in (*TRACK_PATH, b"stsd"):
        found = next((box for box in iterate_boxes(data, start, end, counter) if box.kind == kind), None)
        if found is None:
            return []
        start, end = found.start, found.end
    entry = next(iterate_boxes(data, start + 8, end, counter), None)
    if entry is None:
        return []
    boxes = iterate_boxes(data, entry.start + VISUAL_ENTRY_BYTES, entry.end, counter)
    return [box for box in boxes if box.kind == b"colr"]


def read_colour(data: bytes, boxes: list[Box]) -> tuple[ColourTags, bool]:
    """The code points, and whether there is an ICC profile, which has priority over them."""
    tags, has_profile = UNTAGGED, False
    for box in boxes:
        kind = data[box.start : box.start + 4]
        if kind == b"nclx":
            tags = read_nclx_tags(data[box.start + 4 : box.end])
        has_profile = has_profile or kind in (b"prof", b"rICC")
    return tags, has_profile


def read_visible_size(data: bytes, item: Item) -> tuple[int, int] | None:
    """Width and height that the clean aperture shows, if it begins in the upper left corner. Chromium ignores others.

    The box has fractions: width, height, and the distances of its centre from that of the image.
    """
    aperture = next(item.find_properties(b"clap"), None)
    image = next(item.find_properties(b"ispe"), None)
    if aperture is None or image is None or aperture.end - aperture.start < 32 or image.end - image.start < 12:
        return None
    values = struct.unpack_from(">IIIIiIiI", data, aperture.start)
    size = struct.unpack_from(">II", data, image.start + 4)
    for whole, part, distance in zip(size, (values[:2], values[2:4]), (values[4:6], values[6:8]), strict=True):
        # The centre of the part is (part - whole) / 2 from that of the image.
        if not (part[1] == 1 and distance[1] > 0 and 0 < part[0] <= whole):
            return None
        if 2 * distance[0] != (part[0] - whole) * distance[1]:
            return None
    return values[0], values[2]


class PixelLimiter:
    """Adds up what decoding an image of a HEIF costs, with its tiles and its alpha channel."""

    def __init__(self, data: bytes, table: ItemTable, limits: ImageLimits, counter: ComplexityCounter) -> None:
        self.data, self.table, self.limits, self.counter = data, table, limits, counter
        self.coded_pixels = 0
        self.content_bytes = 0
        self.coded_sizes: dict[int, int] = {}
        self.alphas = [
            (number, target)
            for number, item in table.items.items()
            for kind, target in item.references
            if kind == b"auxl"
        ]

    def check(self, number: int, depth: int = 0) -> None:
        """Raises as `inspect_heic`. Tiles that occur several times are decoded, and counted, several times."""
        item = self.table.items.get(number, Item())
        self.counter.add_blocks()
        if item.kind != HEVC and item.kind not in DERIVED:
            codec = item.kind.decode("latin-1").strip() or "none"
            raise UnreadableFormatError(f"The HEIF is coded as '{codec}'; only HEVC (hvc1) is read. Send a JPEG.")
        if depth > MAX_DERIVATIONS:
            raise BoxError(f"images are derived from each other more than {MAX_DERIVATIONS} times")
        for width, height in self.list_sizes(item):
            self.check_size(width, height)
        if item.kind == HEVC:
            if number not in self.coded_sizes:
                self.coded_sizes[number] = self.measure_stream(item)
            self.add_coded_pixels(self.coded_sizes[number])
        for kind, target in item.references:
            if kind == b"dimg":
                self.check(target, depth + 1)
        for alpha, target in self.alphas:
            if target == number and alpha != number:
                self.check(alpha, depth + 1)

    def list_sizes(self, item: Item) -> list[tuple[int, int]]:
        """Width and height of the image that the properties and, for a grid or an overlay, its content state."""
        sizes = []
        for box in item.find_properties(b"ispe"):
            if box.end - box.start >= 12:
                sizes.append(struct.unpack_from(">II", self.data, box.start + 4))
        if item.kind in (b"grid", b"iovl"):
            content = self.read_content(item)
            start = 4 if item.kind == b"grid" else 10
            if len(content) < start + 4:
                raise BoxError("a grid or an overlay has no size")
            is_wide = content[1] & 1 and len(content) >= start + 8
            sizes.append(struct.unpack_from(">II" if is_wide else ">HH", content, start))
        return sizes

    def check_size(self, width: int, height: int) -> None:
        if width * height > self.limits.max_pixels:
            raise ImageTooLargeError(
                f"The image has {width}×{height} pixels; the limit is {self.limits.max_pixels} in all "
                "(CONVSERVE_MAX_PIXELS). Send a smaller image."
            )

    def add_coded_pixels(self, pixels: int) -> None:
        self.coded_pixels += pixels
        if self.coded_pixels > MAX_CODED_FACTOR * self.limits.max_pixels:
            raise ImageTooLargeError(
                f"The HEIF codes {self.coded_pixels} pixels or more in its tiles; {MAX_CODED_FACTOR} times "
                f"the limit of {self.limits.max_pixels} (CONVSERVE_MAX_PIXELS) is accepted. Send a smaller image."
            )

    def measure_stream(self, item: Item) -> int:
        """Pixels of the largest picture that the stream of an HEVC image announces."""
        length_bytes, units = 4, []
        for box in item.find_properties(b"hvcC"):
            length_bytes, found = split_configuration(self.data[box.start : box.end])
            units += found
        for unit in split_stream(self.read_content(item), length_bytes):
            self.counter.add_blocks()
            units.append(unit)
        sizes = [read_picture_size(unit) for unit in units if is_parameter_set(unit)]
        return max((width * height for width, height in sizes), default=0)

    def read_content(self, item: Item) -> bytes:
        self.content_bytes += sum(max(end - start, 0) for start, end in item.extents)
        if self.content_bytes > MAX_CONTENT_FACTOR * len(self.data):
            raise BoxError("the parts of its images overlap")
        if any(not 0 < start <= end <= len(self.data) for start, end in item.extents):
            raise BoxError("a part of its images lies beyond the end of the file")
        return b"".join(self.data[start:end] for start, end in item.extents)
