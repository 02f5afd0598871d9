"""Scans of a JPEG that lack data, which libjpeg fills with grey. Source: ITU-T T.81, A.2, B.2.3 and B.2.4.4."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers."""
PROGRESSIVE_FRAMES = {0xC2, 0xC6, 0xCA, 0xCE}
LOSSLESS_FRAMES = {0xC3, 0xC7, 0xCB, 0xCF}
RESTART_INTERVAL, START_OF_SCAN, END_OF_IMAGE = 0xDD, 0xDA, 0xD9
BLOCK_SIDE_PX = 8

Segment = tuple[int, int, int]


@dataclass
class JpegFrame:
    """What the headers read so far say about the scans that follow."""

    width: int = 0
    height: int = 0
    is_progressive: bool = False
    is_lossless: bool = False
    samplings: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Horizontal and vertical sampling factors of each component."""
    restart_units: int = 0
    """Minimum coded units between two restart markers; 0 for none."""

    def read_segment(self, data: bytes, segment: Segment) -> None:
        marker, start, end = segment
        body = data[start:end]
        if marker in FRAMES and len(body) >= 6 and not self.samplings:
            self.height, self.width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            self.is_progressive, self.is_lossless = marker in PROGRESSIVE_FRAMES, marker in LOSSLESS_FRAMES
            for place in range(6, min(len(body) - 2, 6 + 3 * body[5]), 3):
                self.samplings[body[place]] = (body[place + 1] >> 4, body[place + 1] & 15)
        elif marker == RESTART_INTERVAL and len(body) >= 2:
            self.restart_units = int.from_bytes(body[:2])

    def count_restarts(self, components: list[int]) -> int:
        """Restart markers of a scan of these components; 0 if the headers do not say it."""
        samplings = [self.samplings.get(component, (0, 0)) for component in components]
        if not (self.restart_units and self.width and self.height) or self.is_lossless or (0, 0) in samplings:
            return 0
        most_x = max(x for x, _ in self.samplings.values())
        most_y = max(y for _, y in self.samplings.values())
        side_x, side_y = BLOCK_SIDE_PX * most_x, BLOCK_SIDE_PX * most_y
        if len(samplings) == 1:  # the unit of such a scan is one block
            (x, y) = samplings[0]
            across = -(-divide_up(self.width * x, most_x) // BLOCK_SIDE_PX)
            units = across * divide_up(divide_up(self.height * y, most_y), BLOCK_SIDE_PX)
        else:
            units = divide_up(self.width, side_x) * divide_up(self.height, side_y)
        return divide_up(units, self.restart_units) - 1


def divide_up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor) if divisor else 0


def find_missing_data(data: bytes, segments: list[Segment], later: Iterable[Segment]) -> str:
    """A sentence about a component without its first scan or a scan without a restart interval; empty for none.

    `later` are the segments after the header of the first scan. They are read only if the file can lack data.
    """
    frame = JpegFrame()
    for segment in segments:
        frame.read_segment(data, segment)
    if not segments or segments[-1][0] != START_OF_SCAN or not frame.samplings:
        return ""
    components = read_components(data, segments[-1])
    if not frame.restart_units and not frame.is_progressive and len(components) == len(frame.samplings):
        return ""
    scan, begun = segments[-1], begin_components(data, segments[-1], frame)
    for segment in later:
        if segment[0] in (START_OF_SCAN, END_OF_IMAGE) or segment[0] == RESTART_INTERVAL:
            damage = find_missing_restart(data, frame, scan, segment[1])
            if damage:
                return damage
        if segment[0] == START_OF_SCAN:
            begun |= begin_components(data, segment, frame)
        if segment[0] == START_OF_SCAN:
            scan = segment
        frame.read_segment(data, segment)
    missing = [str(component) for component in frame.samplings if component not in begun]
    if missing:
        return f"The image is damaged: the JPEG has no scan with the mean colours of component {', '.join(missing)}."
    return ""


def read_components(data: bytes, scan: Segment) -> list[int]:
    _, start, end = scan
    count = data[start] if start < len(data) else 0
    return list(data[start + 1 : min(start + 1 + 2 * count, end) : 2])


def begin_components(data: bytes, scan: Segment, frame: JpegFrame) -> set[int]:
    """The components whose coefficients of frequency 0 begin in this scan: all but those of a refinement."""
    components = read_components(data, scan)
    parameters = data[scan[1] + 1 + 2 * len(components) :][:3]
    if frame.is_progressive and len(parameters) == 3 and (parameters[0] != 0 or parameters[2] >> 4 != 0):
        return set()
    return set(components)


def find_missing_restart(data: bytes, frame: JpegFrame, scan: Segment, end: int) -> str:
    expected = frame.count_restarts(read_components(data, scan))
    found = len(find_restarts(data, scan[2], end)) if expected else 0
    if found >= expected:
        return ""
    return f"The image is damaged or cut short: a scan of the JPEG has {found} restart markers of {expected}."


def renumber_restarts(data: bytes, segments: list[Segment], position: int) -> bytes:
    """Number the restart markers of a file with one scan from 0 to 7 and again from 0.

    Some programs number them otherwise. libjpeg then takes intervals for lost, and fills them. Returns `data` itself
    if the numbers are right.
    """
    frame = JpegFrame()
    for segment in segments:
        frame.read_segment(data, segment)
    if not frame.restart_units or frame.is_progressive or not segments or segments[-1][0] != START_OF_SCAN:
        return data
    expected = frame.count_restarts(read_components(data, segments[-1]))
    places = find_restarts(data, position, len(data))[:expected]
    values = np.frombuffer(data, np.uint8)[places]
    in_order = (0xD0 + np.arange(len(places)) % 8).astype(np.uint8)
    if len(places) < expected or (values == in_order).all():
        return data
    renumbered = np.frombuffer(data, np.uint8).copy()
    renumbered[places] = in_order
    return renumbered.tobytes()


def find_restarts(data: bytes, start: int, end: int) -> NDArray[np.intp]:
    """Positions of the bytes D0 to D7 after FF."""
    values = np.frombuffer(data, np.uint8)[start:end]
    return np.flatnonzero((values[:-1] == 0xFF) & (values[1:] & 0xF8 == 0xD0)) + start + 1
