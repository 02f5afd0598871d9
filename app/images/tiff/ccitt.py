"""Damage to segments with facsimile compression (CCITT Group 3 and 4).

libtiff fills rows that it cannot decode, without an error. Here the codes are read without drawing anything,
which tells whether every row has the right number of pixels. Sources: ITU-T T.4 and T.6; TIFF 6.0, sections 10 and 11.
"""

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.images.errors import CorruptImageError, ImageTooComplexError
from app.images.tiff.ccitt_codes import BLACK_RUNS, MODE_BITS, MODES, RUN_CODE_BITS, WHITE_RUNS
from app.images.tiff.directory import follow_directories
from app.images.tiff.layout import (
    CCITT_GROUP_3,
    CCITT_GROUP_4,
    CCITT_RLE,
    CCITT_RLE_WORDS,
    ROWS_PER_STRIP,
    STRIP_BYTE_COUNTS,
    STRIP_OFFSETS,
    T4_OPTIONS,
)

PILLOW_NAMES = {CCITT_RLE: "tiff_ccitt", CCITT_GROUP_3: "group3", CCITT_GROUP_4: "group4"}
TWO_DIMENSIONAL = 1
"""Bit of T4Options."""
PADDING = bytes(8)
MAX_CHECKED_BYTES = 2_000_000
"""Read code by code, which takes 3 s for a million bytes. A page of 600 dots per inch has 0.1 to 0.3 million."""
END_OF_LINE_ZEROS = 11


class FaxError(ValueError):
    """A code that does not exist, or a row of the wrong length."""


@cache
def make_tables() -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[tuple[int, int | str]]]:
    """For white runs, black runs and modes: length and meaning of the code with which each number of bits begins.

    A length of 0 means that there is no such code.
    """
    return (
        spread_codes(WHITE_RUNS, RUN_CODE_BITS),
        spread_codes(BLACK_RUNS, RUN_CODE_BITS),
        spread_codes(MODES, MODE_BITS),  # type: ignore[arg-type, return-value]
    )


def spread_codes(codes: dict[str, int], bits: int) -> list[tuple[int, int]]:
    table = [(0, 0)] * 2**bits
    for code, meaning in codes.items():
        free = bits - len(code)
        start = int(code, 2) << free
        table[start : start + 2**free] = [(len(code), meaning)] * 2**free
    return table


def reject_damaged_fax(
    segments: Sequence[bytes | memoryview],
    rows: NDArray[np.uint8],
    compression: int,
    width: int,
    segment_rows: int,
    options: int,
) -> None:
    """Raise CorruptImageError if a segment does not hold all its rows, ImageTooComplexError if that takes too long.

    `rows` is what libtiff made of the segments.
    """
    checked_bytes = 0
    for index, segment in enumerate(segments):
        decoded = rows[index * segment_rows : (index + 1) * segment_rows]
        if encode_facsimile(decoded, width, compression, options) == bytes(segment):
            continue  # libtiff wrote the segment, so it is undamaged; this is 20 times as fast
        checked_bytes += len(segment)
        if checked_bytes > MAX_CHECKED_BYTES:
            raise ImageTooComplexError(
                f"The TIFF has more than {MAX_CHECKED_BYTES} bytes of facsimile data that libtiff did not write. Save "
                "it with another compression."
            )
        reader = FaxReader(bytes(segment), width, compression, options)
        try:
            for _ in decoded:
                reader.read_row()
        except FaxError as error:
            raise CorruptImageError(
                f"The TIFF is damaged or cut short: row {reader.row} of strip or tile {index} {error}."
            ) from None


def encode_facsimile(rows: NDArray[np.uint8], width: int, compression: int, options: int) -> bytes:
    """What libtiff writes for (rows, bytes); nothing for a compression that Pillow does not write."""
    if compression not in PILLOW_NAMES:
        return b""
    tags = {ROWS_PER_STRIP: len(rows)} | ({T4_OPTIONS: options} if compression == CCITT_GROUP_3 else {})
    buffer = io.BytesIO()
    image = Image.frombytes("1", (width, len(rows)), rows.tobytes())
    image.save(buffer, "TIFF", compression=PILLOW_NAMES[compression], tiffinfo=tags)
    page = next(iter(follow_directories(buffer.getvalue())))
    start, size = page.read_number(STRIP_OFFSETS, 0), page.read_number(STRIP_BYTE_COUNTS, 0)
    return buffer.getvalue()[start : start + size]


class FaxReader:
    """Reads the codes of one segment, row by row. A row is the list of positions at which the colour changes."""

    def __init__(self, segment: bytes, width: int, compression: int, options: int) -> None:
        self.data = segment + PADDING
        self.end_bits = 8 * len(segment)
        self.width = width
        self.compression = compression
        self.is_two_dimensional = bool(options & TWO_DIMENSIONAL) and compression == CCITT_GROUP_3
        self.position, self.row = 0, -1
        self.changes: list[int] = []
        self.white, self.black, self.modes = make_tables()

    def read_row(self) -> None:
        """Raises FaxError."""
        self.row += 1
        if self.compression == CCITT_GROUP_4:
            self.changes = self.read_relative_row()
        elif self.compression == CCITT_GROUP_3:
            self.skip_end_of_line()
            is_relative = self.is_two_dimensional and not self.read_bit()
            self.changes = self.read_relative_row() if is_relative else self.read_runs_row()
        else:
            self.changes = self.read_runs_row()
            unit = 16 if self.compression == CCITT_RLE_WORDS else 8
            self.position = -(-self.position // unit) * unit
        if self.position > self.end_bits + 7:
            raise FaxError("is missing")

    def peek(self, bits: int) -> int:
        place = self.position >> 3
        if place + 3 >= len(self.data):
            raise FaxError("is missing")
        window = self.data[place] << 16 | self.data[place + 1] << 8 | self.data[place + 2]
        return window >> (24 - bits - (self.position & 7)) & ((1 << bits) - 1)

    def read_bit(self) -> int:
        bit = self.peek(1)
        self.position += 1
        return bit

    def skip_end_of_line(self) -> None:
        """At least eleven zeros and a one."""
        zeros = 0
        while not self.read_bit():
            zeros += 1
        if zeros < END_OF_LINE_ZEROS:
            raise FaxError("does not begin with the end of the line before it")

    def read_run(self, is_black: bool) -> int:
        table, run = self.black if is_black else self.white, 0
        while True:
            length, pixels = table[self.peek(RUN_CODE_BITS)]
            if not length:
                raise FaxError("has a code that does not exist")
            self.position += length
            run += pixels
            if pixels < 64:
                return run

    def read_runs_row(self) -> list[int]:
        changes, place, is_black = [], 0, False
        while place < self.width:
            place += self.read_run(is_black)
            changes.append(place)
            is_black = not is_black
        if place > self.width:
            raise FaxError(f"has {place} pixels instead of {self.width}")
        return changes

    def read_relative_row(self) -> list[int]:
        """A row coded by its difference from the row above. Source: T.6, 2.2."""
        above, width = [*self.changes, self.width, self.width, self.width], self.width
        changes: list[int] = []
        place, index = -1, 0
        while place < width:
            is_black = len(changes) % 2
            # b1: the first change above, right of the place, to the colour opposite to the present one
            while index > 0 and above[index - 1] > place:
                index -= 1
            while above[index] <= place and above[index] < width:
                index += 1
            first = index + ((index ^ is_black) & 1)
            length, mode = self.modes[self.peek(MODE_BITS)]
            if not length:
                raise FaxError("has a code that does not exist")
            self.position += length
            if mode == "pass":
                place = above[first + 1] if first + 1 < len(above) else width
                continue
            if mode == "horizontal":
                start = max(place, 0)
                middle = start + self.read_run(bool(is_black))
                place = middle + self.read_run(not is_black)
                changes += [middle, place]
            else:
                change = above[min(first, len(above) - 1)] + int(mode)
                if change < place or change < 0:
                    raise FaxError("goes backwards")
                place = change
                changes.append(place)
            if place > width:
                raise FaxError(f"has {place} pixels instead of {width}")
        return changes
