"""Find out what a corpus is: one that is known, one that a mapping describes, or a trainer's set."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.corpora.archives import Place, is_archive, unpacked
from pipelines.corpora.mapped.hub import HUB, fetched
from pipelines.corpora.mapped.layouts import matching
from pipelines.corpora.mapped.mapping import Mapping
from pipelines.corpora.reading import only_folder
from pipelines.corpora.registry import CORPORA, Corpus
from pipelines.workspace import WrongUse, read_toml


@dataclass(frozen=True, slots=True)
class Wanted:
    """A corpus as a person names it."""

    name: str
    path: str = ""
    """Its folder, archive or file, or `hf://owner/name`; generated corpora have none."""
    map: Path | None = None
    """A file that says what its fields mean."""
    format: str = ""
    """The trainer that it is laid out for."""


@contextmanager
def opened(wanted: Wanted, base: Path, staging: Path) -> Iterator[tuple[Corpus, Path | None]]:
    """Give the corpus and its folder; archives are unpacked for as long as the context lasts.

    Relative paths start at `base`. Raises WrongUse for a corpus that nobody knows, and
    CorpusError for an archive that is refused.
    """
    if not wanted.path:
        yield _corpus(wanted, base, ()), None
        return
    if wanted.path.startswith(HUB):
        with fetched(wanted.path, staging) as folder:
            yield _corpus(wanted, base, (Place(folder),)), folder
        return
    root = base / wanted.path
    with unpacked(root, staging, _inner(wanted, base, root)) as found:
        places = _unwrapped(wanted, base, found)
        yield _corpus(wanted, base, places), places[0].folder


def require_known(wanted: Wanted, base: Path) -> None:
    """Raise WrongUse for a corpus that nobody knows, or whose mapping or files are not there."""
    _corpus(wanted, base, ())
    if wanted.path and not wanted.path.startswith(HUB) and not (base / wanted.path).exists():
        raise WrongUse(f"corpus {wanted.name!r}: {base / wanted.path} does not exist")


def _corpus(wanted: Wanted, base: Path, places: Sequence[Place]) -> Corpus:
    if wanted.map is not None and wanted.format:
        raise WrongUse(f"corpus {wanted.name!r} has a mapping or a format, not both")
    if wanted.map is not None:
        from pipelines.corpora.mapped.reader import mapped_corpus

        _not_ours(wanted.name)
        return mapped_corpus(wanted.name, read_toml(base / wanted.map, Mapping), places)
    if wanted.format:
        _not_ours(wanted.name)
        return _of_trainer(wanted)
    if wanted.name not in CORPORA:
        raise WrongUse(
            f"unknown corpus {wanted.name!r}; known are {', '.join(sorted(CORPORA))}; one of your "
            "own needs a mapping (`curricle init --from PATH` drafts it) or a trainer's format"
        )
    return CORPORA[wanted.name]


def _of_trainer(wanted: Wanted) -> Corpus:
    from pipelines.corpora.trainers import FORMATS

    if wanted.format not in FORMATS:
        raise WrongUse(f"unknown format {wanted.format!r}; known are {', '.join(sorted(FORMATS))}")
    read = partial(FORMATS[wanted.format], wanted.name)
    return Corpus(wanted.name, f"{wanted.name}, as {wanted.format} takes it", "", "", read)


def _not_ours(name: str) -> None:
    if name in CORPORA:
        raise WrongUse(
            f"{name!r} is the name of a corpus that Curricle knows; call yours otherwise"
        )


def _unwrapped(wanted: Wanted, base: Path, places: tuple[Place, ...]) -> tuple[Place, ...]:
    """Step into the one folder of an archive where the mapping's patterns find nothing above it."""
    first, *others = places
    if wanted.map is None or first.folder == base / wanted.path:
        return places
    if matching(first.folder, read_toml(base / wanted.map, Mapping)):
        return places
    return (Place(only_folder(first.folder), first.prefix), *others)


def _inner(wanted: Wanted, base: Path, root: Path) -> list[Path]:
    """List the archives in a corpus that its mapping names."""
    if wanted.map is None or not root.is_dir():
        return []
    mapping = read_toml(base / wanted.map, Mapping)
    named = {path for pattern in mapping.archive_patterns for path in root.glob(pattern)}
    inside = root.resolve()
    return sorted(p for p in named if is_archive(p) and p.resolve().is_relative_to(inside))
