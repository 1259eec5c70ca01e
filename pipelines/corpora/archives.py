"""Archives of a corpus, unpacked into a staging folder for as long as they are read.

What an archive says about itself is not believed: every name is checked before anything is
written, every byte is counted while it is, and one bad entry refuses the whole archive.
"""

import errno
import os
import shutil
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from pipelines.corpora.reading import CorpusError

MOST_ENTRIES = 100_000
MOST_TIMES = 1000
"""How many times its size an archive may unpack to."""
MOST_BYTES = 2**38
"""Bytes that one archive may unpack to."""
SMALL = 2**20
"""Bytes that any archive may unpack to, however small it is."""
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
NESTED = (*SUFFIXES, ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".bz2", ".xz", ".7z", ".rar", ".zst")

_ZIP = b"PK\x03\x04"
_CHUNK = 2**20


class Place(NamedTuple):
    """A folder in which a corpus' files lie, and how references to them begin."""

    folder: Path
    prefix: str = ""


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive that can be unpacked."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


@contextmanager
def unpacked(root: Path, staging: Path, inner: Sequence[Path] = ()) -> Iterator[tuple[Place, ...]]:
    """Give the folders of a corpus, which may be an archive or hold some (`inner`).

    The first is the corpus' own. They last as long as the context; staging folders of processes
    that died are removed. Raises CorpusError for an archive that is refused.
    """
    archives = [root] if is_archive(root) else list(inner)
    if not archives:
        yield (Place(root),)
        return
    _remove_left_behind(staging)
    folder = staging / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        staged = []
        for number, archive in enumerate(archives):
            place = folder / str(number)
            unpack(archive, place)
            name = "" if archive == root else f"{archive.relative_to(root).as_posix()}/"
            staged.append(Place(place, name))
        yield tuple(staged) if archives == [root] else (Place(root), *staged)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unpack(archive: Path, target: Path) -> None:
    """Unpack an archive into a new folder. Raises CorpusError, naming it and what is wrong."""
    counted = _Counted(archive)
    target.mkdir(parents=True)
    try:
        if archive.name.lower().endswith(".zip"):
            _unpack_zip(archive, target, counted)
        else:
            _unpack_tar(archive, target, counted)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CorpusError(f"{archive} is damaged: {error}") from error
    except CorpusError:
        raise
    except (NotImplementedError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # the disk is full, whatever the archive holds
        raise CorpusError(f"{archive} cannot be unpacked: {error}") from error


class _Counted:
    """What was unpacked of an archive so far; more than it may hold refuses it."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self._names: set[str] = set()
        self._bytes = 0
        self._most = min(max(SMALL, archive.stat().st_size * MOST_TIMES), MOST_BYTES)

    def refuse(self, why: str) -> CorpusError:
        return CorpusError(f"{self.archive} is refused: {why}; unpack it yourself if you trust it")

    def place(self, target: Path, name: str) -> Path:
        """Say where an entry goes. Raises CorpusError for a name that is none or leads elsewhere."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        drive = name[1:2] == ":" or name.startswith(("/", "\\"))
        if not parts or drive or ".." in parts or not name.isprintable():
            raise self.refuse(f"its entry {name[:80]!r} leads out of it, or has no good name")
        if len(self._names) >= MOST_ENTRIES:
            raise self.refuse(f"it has over {MOST_ENTRIES} entries")
        path = "/".join(parts)
        if path in self._names:
            raise self.refuse(f"it has {name[:80]!r} twice")
        self._names.add(path)
        return target / path

    def write(self, source: IO[bytes], target: Path, name: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := source.read(_CHUNK):
                if not out.tell() and _is_nested(name, chunk):
                    raise self.refuse(f"its entry {name[:80]!r} is an archive itself")
                self._bytes += len(chunk)
                if self._bytes > self._most:
                    raise self.refuse(f"it unpacks to over {self._most:,} bytes")
                out.write(chunk)


def _unpack_zip(archive: Path, target: Path, counted: _Counted) -> None:
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            place = counted.place(target, entry.filename)
            kind = entry.external_attr >> 28
            if kind not in (0, 0o10, 0o4):
                raise counted.refuse(f"its entry {entry.filename[:80]!r} is no plain file")
            if entry.flag_bits & 1:
                raise counted.refuse("it asks for a password")
            if not entry.is_dir():
                with file.open(entry) as source:
                    counted.write(source, place, entry.filename)


def _unpack_tar(archive: Path, target: Path, counted: _Counted) -> None:
    with tarfile.open(archive, "r|*") as file:
        for entry in file:
            if entry.isdir() and PurePosixPath(entry.name) == PurePosixPath():
                continue
            place = counted.place(target, entry.name)
            if not (entry.isreg() or entry.isdir()):
                raise counted.refuse(f"its entry {entry.name[:80]!r} is a link or a device")
            source = file.extractfile(entry) if entry.isreg() else None
            if source is not None:
                counted.write(source, place, entry.name)
            if entry.isreg() and place.stat().st_size != entry.size:
                raise CorpusError(f"{archive} is damaged: {entry.name[:80]!r} breaks off")


def _is_nested(name: str, start: bytes) -> bool:
    return name.lower().endswith(NESTED) or start.startswith(_ZIP) or start[257:262] == b"ustar"


def _remove_left_behind(staging: Path) -> None:
    for folder in staging.glob("*-*") if staging.is_dir() else ():
        owner = folder.name.partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
