"""The size of a picture in an HEVC stream. Source: ITU-T H.265, 7.3.1 and 7.3.2.2."""

from collections.abc import Iterator

SEQUENCE_PARAMETER_SET = 33
"""Type of the unit that states the size."""


class BitReader:
    """Reads bits from the most significant one. Beyond the end it reads zeros."""

    def __init__(self, data: bytes) -> None:
        self.bits, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def read(self, count: int) -> int:
        self.left -= count
        return self.bits >> self.left & (1 << count) - 1 if self.left >= 0 else 0

    def read_golomb(self) -> int:
        """An unsigned exponential Golomb code, `ue(v)`."""
        zeros = 0
        while self.left > 0 and not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)


def split_configuration(body: bytes) -> tuple[int, list[bytes]]:
    """The number of bytes of a unit's length, and the units, in a box `hvcC` (ISO/IEC 14496-15, 8.3.3)."""
    units = []
    position = 23
    for _ in range(body[22] if len(body) > 22 else 0):
        count = int.from_bytes(body[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            if position + 2 > len(body):
                break
            length = int.from_bytes(body[position : position + 2], "big")
            units.append(body[position + 2 : position + 2 + length])
            position += 2 + length
    return (body[21] & 3) + 1 if len(body) > 21 else 4, units


def split_stream(stream: bytes, length_bytes: int) -> Iterator[bytes]:
    """The first 200 bytes of each unit."""
    position = 0
    while position + length_bytes < len(stream):
        length = int.from_bytes(stream[position : position + length_bytes], "big")
        position += length_bytes
        yield stream[position : position + min(length, 200)]
        position += length


def is_parameter_set(unit: bytes) -> bool:
    return len(unit) > 2 and unit[0] >> 1 & 63 == SEQUENCE_PARAMETER_SET


def read_picture_size(unit: bytes) -> tuple[int, int]:
    """Coded width and height in a sequence parameter set."""
    reader = BitReader(unit[2:200].replace(b"\0\0\3", b"\0\0"))
    reader.read(4)
    sub_layers = reader.read(3)  # less one
    reader.read(1 + 88 + 8)
    present = [(reader.read(1), reader.read(1)) for _ in range(sub_layers)]
    if sub_layers:
        reader.read(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        reader.read(88 * has_profile + 8 * has_level)
    reader.read_golomb()  # number of the parameter set
    if reader.read_golomb() == 3:  # chroma format 4:4:4
        reader.read(1)
    return reader.read_golomb(), reader.read_golomb()
