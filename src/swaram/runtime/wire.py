"""The wire format of protocol buffers, as far as ONNX files need it: fields read one by one, and written."""

from collections.abc import Iterator, Sequence


class WireError(ValueError):
    """Bytes that are no protocol buffer."""


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one message: number, and a varint or the bytes.

    Raises WireError, and IndexError where it is cut off.
    """
    place, end = 0, len(data)
    while place < end:
        key, place = read_varint(data, place)
        kind = key & 7
        if kind == 0:
            value, place = read_varint(data, place)
            yield key >> 3, value
            continue
        if kind == 2:
            size, place = read_varint(data, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise WireError("it is no protocol buffer")
        if size > end - place:
            raise WireError("it ends in the middle")
        yield key >> 3, data[place : place + size]
        place += size


def read_varint(data: memoryview, place: int) -> tuple[int, int]:
    """A varint, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise WireError("it is no protocol buffer")


def varints(data: memoryview) -> Iterator[int]:
    """Packed varints."""
    place = 0
    while place < len(data):
        value, place = read_varint(data, place)
        yield value


def signed(value: int | memoryview) -> int:
    """A varint as an int64."""
    value = integer(value)
    return value - (1 << 64) if value >= 1 << 63 else value


def integer(value: int | memoryview) -> int:
    """The varint of a field."""
    if isinstance(value, memoryview):
        raise WireError("a number was expected")
    return value


def content(value: int | memoryview) -> memoryview:
    """The bytes of a field."""
    if not isinstance(value, memoryview):
        raise WireError("a message was expected")
    return value


def text(value: int | memoryview) -> str:
    """The string of a field."""
    return str(content(value), "utf-8")


def write_varint(value: int) -> bytes:
    """An int64 as a varint."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= (1 << 64) - 1
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def write_field(number: int, value: int | bytes | memoryview | str) -> bytes:
    """One field: a varint for a number, else a length and the bytes."""
    if isinstance(value, int):
        return write_varint(number << 3) + write_varint(value)
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return write_varint(number << 3 | 2) + write_varint(len(raw)) + raw


def write_packed(number: int, values: Sequence[int]) -> bytes:
    """Integers as one packed field."""
    return write_field(number, b"".join(map(write_varint, values)))
