"""Read a file piece by piece, unpacking gzip on the way, so that no file is ever held whole."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from pipelines.corpora.reading import LONGEST_LINE, BadRecord

CHUNK = 2**18
"""Bytes that are read at once."""
MOST_UNPACKED = 1000
"""How many times its size a packed file may unpack to; text rarely passes twenty."""

_GZIP = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"


def chunks(path: Path) -> Iterator[bytes]:
    """Give the bytes of a file, unpacked where it is gzip, without a byte order mark.

    Raises BadRecord for a file that cannot be read or unpacked; what came before was good.
    """
    try:
        stream = _file(path)
        first = next(stream, b"")
        yield first.removeprefix(_UTF8_BOM)
        yield from stream
    except OSError as error:
        raise BadRecord("unreadable_file", f"{path.name}: {error.strerror}") from error


def lines(stream: Iterator[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Cut a stream into numbered lines; None stands for one that is too long to be a record."""
    number, held, size = 1, list[bytes](), 0
    for chunk in stream:
        for place, piece in enumerate(chunk.split(b"\n")):
            if place:
                yield number, _joined(held, size)
                number, held, size = number + 1, [], 0
            size += len(piece)
            held = [*held, piece] if size <= LONGEST_LINE and piece else held
    if size:
        yield number, _joined(held, size)


def _joined(pieces: list[bytes], size: int) -> bytes | None:
    return b"".join(pieces) if size <= LONGEST_LINE else None


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        chunk = file.read(CHUNK)
        if chunk.startswith(_GZIP):
            file.seek(0)
            yield from _unpacked(path, iter(lambda: file.read(CHUNK), b""))
            return
        while chunk:
            yield chunk
            chunk = file.read(CHUNK)


def _unpacked(path: Path, packed: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack gzip, of one member or several. Raises BadRecord for one that is damaged or a bomb."""
    engine, taken, given = zlib.decompressobj(zlib.MAX_WBITS | 16), 0, 0
    for read in packed:
        piece, taken = read, taken + len(read)
        while piece:
            if engine.eof:
                engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                chunk = engine.decompress(piece, CHUNK)
            except zlib.error as error:
                raise BadRecord("damaged_file", f"{path.name}: {error}") from error
            given += len(chunk)
            if given > max(taken, 1000) * MOST_UNPACKED:
                raise BadRecord("unpacks_too_much", f"{path.name}: over {MOST_UNPACKED} times")
            yield chunk
            piece = engine.unused_data if engine.eof else engine.unconsumed_tail
    if not engine.eof:
        raise BadRecord("damaged_file", f"{path.name} ends in the middle")
