"""What a record names is opened where it lies in the corpus and is a file, and nowhere else."""

import os
import threading
from pathlib import Path

import pytest

from pipelines.corpora.reading import media_in
from pipelines.record.media import BadMedia
from tests.pipelines.corpora import extracts


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    extracts.write(tmp_path / "secret.png", extracts.png(1))
    extracts.write(tmp_path / "corpus" / "sub" / "good.png", extracts.png(2))
    return tmp_path / "corpus"


def refused(corpus: Path, name: str) -> str:
    """Ask for a file, and do not wait for ever."""
    found: list[str] = []

    def ask() -> None:
        try:
            media_in(corpus, name, "image")
        except BadMedia as error:
            found.append(error.reason)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), f"{name!r} hangs"
    return found[0] if found else ""


@pytest.mark.parametrize("name", ["sub/good.png", "./sub/good.png", "sub/../sub/good.png"])
def test_a_file_of_the_corpus_is_taken(corpus: Path, name: str) -> None:
    assert media_in(corpus, name, "image").read() == extracts.png(2)


@pytest.mark.parametrize(
    "name",
    ["../secret.png", "sub/../../secret.png", "/etc/passwd", "/dev/zero", "~/../etc/passwd/.."],
)
def test_a_path_that_leads_out_is_not_followed(corpus: Path, name: str) -> None:
    assert refused(corpus, name) in ("outside_corpus", "missing_file")
    assert name.startswith("~") or refused(corpus, name) == "outside_corpus"


@pytest.mark.parametrize(
    "name",
    [
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/x.png",
        "data:image/png;base64,AAAA",
        "s3://bucket/x.png",
        "sub/good.png\0.png",
        "x" * 5000,
        "no such file.png",
    ],
)
def test_an_address_is_no_file(corpus: Path, name: str) -> None:
    assert refused(corpus, name) == "missing_file"


@pytest.mark.parametrize("target", ["../secret.png", "/etc/passwd", "/dev/zero", "/proc/self/mem"])
def test_a_link_that_leads_out_is_not_followed(corpus: Path, target: str) -> None:
    (corpus / "link.png").symlink_to(target)
    (corpus / "away").symlink_to("..")
    assert refused(corpus, "link.png") == "outside_corpus"
    assert refused(corpus, "away/secret.png") == "outside_corpus"


def test_a_link_within_the_corpus_is_followed_and_one_to_itself_is_not(corpus: Path) -> None:
    (corpus / "inner.png").symlink_to("sub/good.png")
    assert media_in(corpus, "inner.png", "image").read() == extracts.png(2)
    (corpus / "loop.png").symlink_to("loop.png")
    assert refused(corpus, "loop.png") == "missing_file"


def test_a_pipe_keeps_nobody_waiting_and_a_folder_is_no_file(corpus: Path) -> None:
    os.mkfifo(corpus / "pipe.png")
    assert refused(corpus, "pipe.png") == "not_a_file"
    assert refused(corpus, "sub") == "not_a_file"


def test_a_corpus_that_is_reached_by_a_link_is_a_corpus(corpus: Path) -> None:
    link = corpus.with_name("linked")
    link.symlink_to(corpus)
    assert media_in(link, "sub/good.png", "image").read() == extracts.png(2)
    assert refused(link, "../secret.png") == "outside_corpus"
