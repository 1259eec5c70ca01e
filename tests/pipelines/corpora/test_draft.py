"""A mapping drafted by looking: what the usual corpora give, and what is said to be missing."""

import json
import tomllib
from pathlib import Path

import layouts
import pyarrow as pa
import pytest
from extracts import png, wav, write, write_lines
from pyarrow import parquet as pq

from pipelines.corpora.mapped.draft import drafted, written
from pipelines.corpora.mapped.mapping import Mapping
from pipelines.corpora.mapped.reader import read_mapped
from pipelines.corpora.reading import CorpusError, made
from pipelines.record.sample import Sample
from pipelines.workspace import WrongUse, read_toml


def arrived(root: Path, name: str = "mine") -> list[Sample]:
    """Draft a mapping and read the corpus by it, unchanged."""
    draft = written(root, root.parent / "maps", name)
    assert draft.missing == ()
    mapping = read_toml(draft.path, Mapping)
    records = list(made(read_mapped(name, mapping, (), root)))
    assert all(isinstance(record, Sample) for record in records), records
    return [record for record in records if isinstance(record, Sample)]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"question": "How many?", "answer": 4}, "number"),
        ({"problem": "Find x.", "solution": "so it is\n#### 1,000"}, "number"),
        ({"query": "Is it?", "label": "yes"}, "bool"),
        ({"question": "Find x.", "answer": "$\\frac{1}{2}$"}, "math"),
        ({"question": "Who?", "gold": "Ann"}, "text"),
        ({"question": "Which?", "options": ["a", "b"], "answer": "B"}, "choice"),
        ({"question": "Which?", "choices": ["a", "b"], "answer_idx": 1}, "choice"),
        ({"question": "Which?\n(A) a\n(B) b", "answer": "B"}, "choice"),
        ({"prompt": "Where is the cup?", "bbox": [1, 2, 3, 4]}, "box"),
        ({"instruction": "Click the cup.", "click": [1, 2]}, "point"),
        ({"meta": {"q": "Which?"}, "truth": {"answer": "Ann"}}, "text"),
    ],
)
def test_the_usual_columns_are_known_by_name_and_value(
    record: dict[str, object], kind: str, tmp_path: Path
) -> None:
    write_lines(tmp_path / "c/a.jsonl", [record, record])
    assert {sample.answer.kind for sample in arrived(tmp_path / "c")} == {kind}


def test_pictures_are_found_by_their_names_and_the_folder_they_lie_in(tmp_path: Path) -> None:
    write(tmp_path / "c/imgs/x.png", png())
    write_lines(tmp_path / "c/a.jsonl", [{"question": "What?", "answer": "x", "photo": "x.png"}])
    (sample,) = arrived(tmp_path / "c")
    assert sample.modality == "image"


def test_pictures_in_parquet_are_found_by_their_bytes(tmp_path: Path) -> None:
    rows = {"question": ["What?"], "answer": ["x"], "shot": [{"bytes": png(), "path": None}]}
    (tmp_path / "c").mkdir()
    pq.write_table(pa.table(rows), tmp_path / "c/train.parquet")
    (sample,) = arrived(tmp_path / "c")
    assert sample.media[0].read() == png()


def test_a_csv_of_clips_is_to_be_written_down(tmp_path: Path) -> None:
    write(tmp_path / "c/clips/a.wav", wav())
    write(tmp_path / "c/list.csv", "clip,text,split\na.wav,hello there,dev\n")
    (sample,) = arrived(tmp_path / "c")
    assert (sample.answer.kind, sample.split, sample.modality) == (
        "transcript",
        "validation",
        "audio",
    )


def test_a_webdataset_is_seen_through_its_tar(tmp_path: Path) -> None:
    draft = drafted(layouts.tar_of_pairs(tmp_path / "c"))
    mapping = tomllib.loads(draft.text)
    assert (mapping["format"], mapping["media"][0]["field"]) == ("pairs", "jpg")
    assert mapping["answer"]["options"] == "json.choices"


def test_several_questions_of_one_record_are_seen(tmp_path: Path) -> None:
    draft = drafted(layouts.nested_json(tmp_path / "c"))
    mapping = tomllib.loads(draft.text)
    assert (mapping["each"], mapping["prompt"]) == ("qa", "{q}")
    assert [one.partition(":")[0] for one in draft.missing] == ["answer"]


def test_labels_in_folders_are_seen_and_the_question_is_left_to_the_person(tmp_path: Path) -> None:
    for i in range(6):
        write(tmp_path / f"c/{('cat', 'dog')[i % 2]}/{i}.png", png(i))
    draft = drafted(tmp_path / "c")
    mapping = Mapping.model_validate(tomllib.loads(draft.text))
    records = made(read_mapped("mine", mapping, (), tmp_path / "c"))
    assert [r.answer.value for r in records if isinstance(r, Sample)] == ["cat"] * 3 + ["dog"] * 3
    assert "prompt" in draft.missing[0]


def test_what_is_not_seen_is_said_and_not_made_up(tmp_path: Path) -> None:
    write_lines(tmp_path / "c/a.jsonl", [{"x": 1, "y": "<image> z"}, b"{"])
    draft = drafted(tmp_path / "c")
    assert [one.partition(":")[0] for one in draft.missing] == [
        "prompt",
        "media",
        "answer",
        "rows",
    ]
    with pytest.raises(WrongUse, match="prompt"):
        read_toml(write(tmp_path / "m.toml", draft.text), Mapping)


@pytest.mark.parametrize("value", ['"""', "\n[answer]\nkind = 'x'", "\\", "'", "é \u202e \x1b[31m"])
def test_hostile_names_and_values_break_no_draft(value: str, tmp_path: Path) -> None:
    record = {value: "why?", "question": f"{value}?", "answer": value}
    write_lines(tmp_path / "c/a.jsonl", [record])
    text = drafted(tmp_path / "c").text
    assert tomllib.loads(text)["prompt"] == "{question}"
    assert "\x1b" not in text


def test_nothing_to_draft_from_is_said(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(CorpusError, match="holds no table"):
        drafted(tmp_path / "c")
    write(tmp_path / "c/model.pt", b"x")
    with pytest.raises(CorpusError, match="safe to read"):
        drafted(tmp_path / "c")


def test_a_mapping_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    write(tmp_path / "c/a.json", json.dumps([{"question": "How many?", "answer": 1}]))
    written(tmp_path / "c", tmp_path / "maps")
    with pytest.raises(WrongUse, match="is there already"):
        written(tmp_path / "c", tmp_path / "maps")
    with pytest.raises(WrongUse, match="cannot be the corpus' name"):
        written(tmp_path / "c", tmp_path / "maps", "gsm8k")
