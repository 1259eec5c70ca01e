"""The log that a killed process leaves beside the catalog, and whether it reached the disk whole.

DuckDB replays it when the file is next opened. A last entry that was cut short or damaged is
dropped without a word, so we look for ourselves. The log is a header, then entries of size (8
bytes), checksum (8 bytes) and content, all little-endian (DuckDB's `write_ahead_log.cpp`).
"""

import struct
from pathlib import Path

import numpy as np

_ENDS_HEADER = b"\xff\xff"
_LONGEST_HEADER = 64
_ENTRY = struct.Struct("<QQ")
_START = 5381
_WORDS = 0xBF58476D1CE4E5B9
_REST = 0xC6A4A7935BD1E995
_SEED = 0xE17A1465
_64_BITS = 2**64 - 1


def torn_bytes(path: Path) -> int:
    """Give how many bytes at the end of a log are no whole entry; 0 for a sound or unknown log."""
    data = path.read_bytes()
    at = data.find(_ENDS_HEADER, 0, _LONGEST_HEADER) + len(_ENDS_HEADER)
    if at < len(_ENDS_HEADER):
        return len(data) if len(data) < _LONGEST_HEADER else 0
    while at + _ENTRY.size <= len(data):
        size, expected = _ENTRY.unpack_from(data, at)
        content = data[at + _ENTRY.size : at + _ENTRY.size + size]
        if len(content) < size or _checksum(content) != expected:
            break
        at += _ENTRY.size + size
    return len(data) - at


def _checksum(content: bytes) -> int:
    """Do as DuckDB's `Checksum`: words of eight bytes are multiplied and joined, then the rest."""
    whole = len(content) // 8 * 8
    words = np.frombuffer(content[:whole], "<u8") * np.uint64(_WORDS)
    joined = _START ^ int(np.bitwise_xor.reduce(words))
    return joined ^ _rest(content[whole:]) if len(content) > whole else joined


def _rest(few: bytes) -> int:
    """Hash fewer than eight bytes, as MurmurHash64A ends."""
    mixed = (_SEED ^ (len(few) * _REST)) & _64_BITS
    mixed = (mixed ^ int.from_bytes(few, "little")) * _REST & _64_BITS
    mixed = (mixed ^ mixed >> 47) * _REST & _64_BITS
    return mixed ^ mixed >> 47
