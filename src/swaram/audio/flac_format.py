"""The parts of the FLAC format that are written here: STREAMINFO and frame numbers (RFC 9639)."""

import struct
from dataclasses import dataclass

HEADER_BYTES = 42
MAX_SAMPLE_RATE = 1_048_575
MAX_CHANNELS = 8


@dataclass(frozen=True)
class StreamInfo:
    """The STREAMINFO block (RFC 9639, section 8.2); 0 samples and a zero MD5 mean "not known yet"."""

    sample_rate: int
    channels: int
    bits: int
    block_samples: int
    samples: int = 0
    md5: bytes = bytes(16)
    min_frame_bytes: int = 0
    max_frame_bytes: int = 0

    def to_bytes(self) -> bytes:
        """The 42 bytes that begin a stream: the marker, and STREAMINFO as the only metadata block."""
        packed = (
            self.sample_rate << 44
            | (self.channels - 1) << 41
            | (self.bits - 1) << 36
            | (self.samples if self.samples < 1 << 36 else 0)
        )
        return (
            b"fLaC\x80\x00\x00\x22"
            + struct.pack(">HH", self.block_samples, self.block_samples)
            + self.min_frame_bytes.to_bytes(3, "big")
            + self.max_frame_bytes.to_bytes(3, "big")
            + packed.to_bytes(8, "big")
            + self.md5
        )

    @classmethod
    def from_bytes(cls, header: bytes) -> "StreamInfo":
        """Read the first 42 bytes of a FLAC stream; ``ValueError`` when they are not a STREAMINFO."""
        if len(header) < HEADER_BYTES or header[:4] != b"fLaC" or header[4] & 0x7F:
            raise ValueError("not the beginning of a FLAC stream")
        packed = int.from_bytes(header[18:26], "big")
        return cls(
            sample_rate=packed >> 44,
            channels=(packed >> 41 & 7) + 1,
            bits=(packed >> 36 & 31) + 1,
            block_samples=struct.unpack(">H", header[8:10])[0],
            samples=packed & (1 << 36) - 1,
            md5=header[26:42],
            min_frame_bytes=int.from_bytes(header[12:15], "big"),
            max_frame_bytes=int.from_bytes(header[15:18], "big"),
        )


def _crc_table(polynomial: int, width: int) -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << (width - 8)
        for _ in range(8):
            crc = (crc << 1) ^ (polynomial if crc >> (width - 1) & 1 else 0)
        table.append(crc & (1 << width) - 1)
    return table


_CRC8 = _crc_table(0x07, 8)
_CRC16 = _crc_table(0x8005, 16)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


def _coded_number(number: int) -> bytes:
    """UTF-8's scheme carried on to 36 bits (RFC 9639, section 9.1.5)."""
    if number < 0x80:
        return bytes([number])
    tail = []
    lead_room = 6
    while number >= 1 << lead_room:
        tail.append(0x80 | number & 0x3F)
        number >>= 6
        lead_room -= 1
    lead = (0xFF << (lead_room + 1)) & 0xFF
    return bytes([lead | number, *reversed(tail)])


def renumber_first_frame(frame: bytes, number: int) -> bytes:
    """The frame with frame number 0 as frame ``number`` of a stream whose sample rate only STREAMINFO gives.

    The rate must be one that has a code of its own (such as 44,100 Hz); both checksums are computed anew.
    """
    block_bytes = {0b0110: 1, 0b0111: 2}.get(frame[2] >> 4, 0)
    header = frame[:2] + bytes([frame[2] & 0xF0, frame[3]]) + _coded_number(number) + frame[5 : 5 + block_bytes]
    body = header + bytes([_crc8(header)]) + frame[6 + block_bytes : -2]
    return body + struct.pack(">H", _crc16(body))


def first_frame_offset(stream: bytes) -> int:
    """Where the metadata blocks of a whole FLAC file end."""
    offset = 4
    while True:
        last, size = stream[offset] >> 7, int.from_bytes(stream[offset + 1 : offset + 4], "big")
        offset += 4 + size
        if last:
            return offset
