"""Archives: what is sound is unpacked and removed again, anything else refused and nothing left."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from extracts import png, puzzle, puzzlevqa, write, write_lines
from layouts import asked, tar, zipped

from pipelines.corpora import archives
from pipelines.corpora.archives import unpack, unpacked
from pipelines.corpora.opening import Wanted, opened
from pipelines.corpora.reading import CorpusError, made
from pipelines.record.sample import Sample


def linked(kind: bytes, target: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        entry = tarfile.TarInfo("x/link")
        entry.type, entry.linkname = kind, target
        file.addfile(entry)
    return buffer.getvalue()


def zip_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


HOSTILE: dict[str, tuple[str, bytes | Callable[[], bytes]]] = {
    "up.tar": ("leads out", tar({"a/../../x": b"1"})),
    "up.zip": ("leads out", zipped({"../x": b"1"})),
    "backslash.zip": ("leads out", zipped({"..\\x": b"1"})),
    "absolute.tar": ("leads out", tar({"/tmp/x": b"1"})),
    "drive.zip": ("leads out", zipped({"C:/x": b"1"})),
    "symlink.tar": ("link or a device", linked(tarfile.SYMTYPE, "/etc")),
    "hardlink.tar": ("link or a device", linked(tarfile.LNKTYPE, "../../x")),
    "device.tar": ("link or a device", linked(tarfile.CHRTYPE, "")),
    "fifo.tar.gz": ("link or a device", linked(tarfile.FIFOTYPE, "")),
    "symlink.zip": ("no plain file", zip_link),
    "twice.tar": ("twice", tar({"a": b"1", "./a": b"2"})),
    "nested.zip": ("an archive itself", zipped({"in.zip": b"1"})),
    "hidden.zip": ("an archive itself", zipped({"in.dat": zipped({"a": b"1"})})),
    "hidden.tar": ("an archive itself", tar({"in.dat": tar({"a": b"1"})})),
    "bomb.zip": ("unpacks to over", zipped({"a": bytes(30_000_000)})),
    "bomb.tgz": ("unpacks to over", tar({"a": bytes(30_000_000)}, "w:gz")),
    "cut.tar": ("damaged|unpacked", tar({"a": bytes(3000)})[:1500]),
    "cut.zip": ("damaged", zipped({"a": png()})[:-30]),
    "none.tar.gz": ("damaged|unpacked", b"hello"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    said, data = HOSTILE[name]
    archive = write(tmp_path / "c" / name, data() if callable(data) else data)
    staging = tmp_path / "ws/staging"
    with pytest.raises(CorpusError, match=said), unpacked(archive, staging):
        pass
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == [archive]
    assert list(staging.iterdir()) == []


def test_an_archive_of_too_many_entries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_ENTRIES", 20)
    archive = write(tmp_path / "a.zip", zipped({f"{i}": b"" for i in range(21)}))
    with pytest.raises(CorpusError, match="over 20 entries"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("name", ["p.zip", "p.tar", "p.tar.gz"])
def test_a_known_corpus_is_read_from_an_archive_of_it(name: str, tmp_path: Path) -> None:
    root = puzzlevqa(tmp_path / "p", [puzzle()])
    members = {
        f"LLM-PuzzleTest-main/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
    data = zipped(members) if name == "p.zip" else tar(members, "w:gz" if "gz" in name else "w")
    archive, staging = write(tmp_path / name, data), tmp_path / "staging"
    with opened(Wanted("puzzlevqa", str(archive)), tmp_path, staging) as (corpus, place):
        (inside,) = made(corpus.read(place))
    (outside,) = made(corpus.read(root))
    assert inside == outside
    assert isinstance(inside, Sample)
    assert list(staging.iterdir()) == []


@pytest.mark.parametrize("inner", ["images/a.png", "a.png"])
def test_pictures_in_an_archive_of_the_corpus_are_found(inner: str, tmp_path: Path) -> None:
    root = tmp_path / "c"
    write(root / "images.zip", zipped({inner: png(3)}))
    write_lines(root / "a.jsonl", [{"q": "What?", "a": "x", "pic": "images/a.png"}])
    toml = write(
        tmp_path / "m.toml",
        'prompt = "{q}"\narchives = "*.zip"\nfiles = "*.jsonl"\n'
        '[answer]\nkind = "text"\nfield = "a"\n[[media]]\nfield = "pic"\n',
    )
    wanted = Wanted("mine", str(root), toml)
    with opened(wanted, tmp_path, tmp_path / "staging") as (corpus, place):
        (record,) = made(corpus.read(place))
    assert isinstance(record, Sample)
    assert asked(record) == "[image]|What?"
    assert record.media[0].media_id


def test_what_a_killed_process_left_behind_is_removed(tmp_path: Path) -> None:
    left = write(tmp_path / "staging/999999999-aa/x", b"1")
    archive = write(tmp_path / "a.zip", zipped({"a.txt": b"1", "b.txt": b"2"}))
    with unpacked(archive, tmp_path / "staging") as (place,):
        assert not left.exists()
        assert (place.folder / "a.txt").read_bytes() == b"1"
