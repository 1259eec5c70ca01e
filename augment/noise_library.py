"""Recordings of noise, each found by the hash of its file and kept with its licence.

Whoever augments says which recordings there are (`provide`); nothing here looks for any, so no clip
of an evaluation split gets in unless it is put in.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from augment.clip import Clip, from_channels
from augment.errors import AugmentError

SUFFIXES = frozenset({".wav", ".flac", ".ogg"})


@dataclass(frozen=True, slots=True, eq=False)
class NoiseLibrary:
    """Noise clips by the sha256 of their files, and the licence of each."""

    licences: Mapping[str, str]
    load: Callable[[str], Clip]
    """Reads the clip of a hash; is asked only for those that have a licence."""

    @classmethod
    def from_folder(cls, folder: Path, licence: str) -> "NoiseLibrary":
        """Take every sound file in a folder and below it, all under one licence."""
        if not licence.strip():
            raise AugmentError(f"the noise clips in {folder} have a licence: name it")
        files = {_sha256(path): path for path in _sound_files(folder)}
        if not files:
            raise AugmentError(f"{folder} holds no noise clips ({', '.join(sorted(SUFFIXES))})")
        return cls(
            MappingProxyType(dict.fromkeys(sorted(files), licence)),
            lambda sha256: _read(files[sha256], sha256),
        )

    def __or__(self, other: "NoiseLibrary") -> "NoiseLibrary":
        """Return the clips of both; one that both have is taken from here."""
        return NoiseLibrary(
            MappingProxyType({**other.licences, **self.licences}),
            lambda sha256: (self if sha256 in self.licences else other).load(sha256),
        )

    def find(self, sha256: str) -> Clip:
        """Return a clip, or say that it is missing."""
        if sha256 not in self.licences:
            raise AugmentError(
                f"noise clip {sha256} is not among the {len(self.licences)} that are provided; "
                "put its file into the noise library"
            )
        return self.load(sha256)


def _nothing(sha256: str) -> Clip:
    raise AugmentError(f"noise clip {sha256} is not in an empty library")


_provided = NoiseLibrary(MappingProxyType({}), _nothing)


def provide(library: NoiseLibrary) -> None:
    """Make this the process's library; each worker process is told for itself."""
    global _provided  # noqa: PLW0603
    _provided = library


def current() -> NoiseLibrary:
    """Return the process's library, which has no clips until some are provided."""
    return _provided


@contextmanager
def provided(library: NoiseLibrary) -> Iterator[None]:
    """Make this the process's library until the block ends."""
    before = current()
    provide(library)
    try:
        yield
    finally:
        provide(before)


def _sound_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise AugmentError(f"there is no folder of noise clips at {folder}")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, sha256: str) -> Clip:
    import soundfile

    if not path.is_file() or _sha256(path) != sha256:
        raise AugmentError(
            f"{path} is gone or no longer noise clip {sha256}; put the old file back"
        )
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AugmentError(f"noise clip {path} does not decode: {error}") from None
    return from_channels(samples, int(rate))
