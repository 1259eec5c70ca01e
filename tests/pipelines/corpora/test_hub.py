"""Datasets of the hub, tried on folders laid out like its repositories: fetched, never run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from extracts import png, write
from pyarrow import parquet as pq

from pipelines.corpora.opening import Wanted, opened
from pipelines.corpora.reading import CorpusError, made
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject

TOML = 'prompt = "{question}"\n[answer]\nkind = "number"\nfield = "answer"\n'


@contextmanager
def records(address: str, toml: str, tmp_path: Path) -> Iterator[list[Record]]:
    staging = tmp_path / "staging"
    wanted = Wanted("mine", address, write(tmp_path / "m.toml", toml))
    with opened(wanted, tmp_path, staging) as (corpus, place):
        yield list(made(corpus.read(place)))
    assert list(staging.iterdir()) == []


def test_splits_and_pictures_come_along_and_nothing_else_is_opened(tmp_path: Path) -> None:
    secret = str(write(tmp_path / "secret.png", png(9)))
    for split, path in (("train", secret), ("test", "../../secret.png")):
        given = [{"bytes": png(1), "path": "x.png"}, {"bytes": None, "path": path}]
        rows = {"question": ["How many?", "And?"], "answer": [1, 2], "image": given}
        file = tmp_path / f"repo/data/{split}-00000-of-00001.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(rows), file)
    toml = TOML + '[[media]]\nfield = "image"\n'
    with records(f"hf://{tmp_path / 'repo'}", toml, tmp_path) as read:
        assert [r.split for r in read if isinstance(r, Sample)] == ["test", "train"]
        assert [r.reason for r in read if isinstance(r, Reject)] == ["outside_corpus"] * 2


def test_a_folder_of_pictures_keeps_its_labels(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        write(tmp_path / f"repo/train/{label}/1.png", png(len(label) + ord(label[0])))
    toml = (
        'prompt = "What?"\n[answer]\nkind = "text"\nfield = "label"\n[[media]]\nfield = "image"\n'
    )
    with records(f"hf://{tmp_path / 'repo'}", toml, tmp_path) as read:
        assert [r.answer.value for r in read if isinstance(r, Sample)] == ["cat", "dog"]


def test_a_configuration_is_chosen_by_name(tmp_path: Path) -> None:
    names = "".join(f"- config_name: {n}\n  data_files: {n}.jsonl\n" for n in ("easy", "hard"))
    write(tmp_path / "repo/README.md", f"---\nconfigs:\n{names}---\n")
    for name in ("easy", "hard"):
        row = json.dumps({"question": f"{name}?", "answer": 1})
        write(tmp_path / f"repo/{name}.jsonl", row + "\n")
    with records(f"hf://{tmp_path / 'repo'}:hard", TOML, tmp_path) as read:
        assert [r.question for r in read if isinstance(r, Sample)] == ["hard?"]


def test_a_loading_script_is_refused_and_not_run(tmp_path: Path) -> None:
    write(tmp_path / "repo/repo.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with (
        pytest.raises(CorpusError, match="could not be fetched"),
        records(f"hf://{tmp_path / 'repo'}", TOML, tmp_path),
    ):
        pass
    assert not (tmp_path / "ran").exists()


def test_without_a_network_it_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import config

    monkeypatch.setattr(config, "HF_HUB_OFFLINE", True)
    with (
        pytest.raises(CorpusError, match=r"hf://nobody/nothing could not be fetched: .*reach"),
        records("hf://nobody/nothing", TOML, tmp_path),
    ):
        pass
    assert list((tmp_path / "staging").iterdir()) == []
