"""A mapping alone brings a corpus in, whatever its layout, and each key does what it says."""

import base64
import json
from pathlib import Path

import layouts
import pytest
from extracts import png, wav, write, write_lines
from layouts import asked, read, reasons, sample, through_the_door

from pipelines.corpora.mapped.mapping import AnswerMap, Mapping, MediaMap, SplitMap
from pipelines.corpora.reading import CorpusError
from pipelines.record.sample import Answer, Sample
from pipelines.workspace import WrongUse, read_toml


def one(root: Path, **fields: object) -> Path:
    write_lines(root / "a.jsonl", [{"question": "How many?", "answer": "4", **fields}])
    return root


def test_the_manual_shows_these_very_mappings_and_every_key() -> None:
    manual = (Path(__file__).parents[3] / "docs/corpora.md").read_text()
    for toml in (layouts.NESTED, layouts.CLIPS, layouts.PAIRS):
        assert f"```toml\n{toml.lstrip()}```" in manual
    for part in (Mapping, AnswerMap, MediaMap, SplitMap):
        known = set(part.model_fields) - {"answer", "media", "split"}
        assert [key for key in known if f"`{key}`" not in manual] == []


def test_nested_json_with_base64_pictures_comes_in_by_mapping_alone(tmp_path: Path) -> None:
    records = through_the_door(
        layouts.nested_json(tmp_path / "c"), layouts.NESTED, tmp_path / "staging"
    )
    assert reasons(records) == []
    first = records[0]
    assert isinstance(first, Sample)
    assert len(records) == 6
    assert (first.source_ref, first.task) == ("all.json:u0#0", "scenes/dots")
    assert asked(first) == "How many dots are in|[image]|?"
    assert first.media[0].read() == png(0)
    assert first.licence == "CC0-1.0"


def test_a_csv_that_names_clips_comes_in_by_mapping_alone(tmp_path: Path) -> None:
    root = layouts.csv_of_clips(tmp_path / "c")
    records = through_the_door(root, layouts.CLIPS, tmp_path / "staging")
    samples = [record for record in records if isinstance(record, Sample)]
    assert [s.split for s in samples] == ["train", "train", "validation"]
    assert [s.answer.value for s in samples] == [f"hello, world {i}" for i in range(3)]
    assert [s.source_ref for s in samples] == ["list.csv:2", "list.csv:3", "list.csv:4"]
    assert reasons(records) == ["outside_corpus"]


def test_a_tar_of_pairs_comes_in_by_mapping_alone(tmp_path: Path) -> None:
    root, staging = layouts.tar_of_pairs(tmp_path / "c"), tmp_path / "staging"
    records = through_the_door(root, layouts.PAIRS, staging)
    samples = [record for record in records if isinstance(record, Sample)]
    assert [s.source_ref for s in samples] == [f"shard-000.tar/{i:04d}" for i in range(3)]
    assert [s.answer.value for s in samples] == ["A", "B", "A"]
    assert asked(samples[0]) == "[image]|Which is it?\n(A) cat\n(B) dog"
    assert list(staging.iterdir()) == []
    again = through_the_door(root / "shard-000.tar", layouts.PAIRS, staging)
    assert {s.sample_id for s in again if isinstance(s, Sample)} == {s.sample_id for s in samples}


def test_pictures_in_folders_are_labelled_by_their_names(tmp_path: Path) -> None:
    for i, label in enumerate(("cat", "dog")):
        write(tmp_path / f"train/{label}/{i}.png", png(i))
    write(tmp_path / "test/cat/7.png", png(7))
    write(tmp_path / "stray.png", png(8))
    records = read(
        tmp_path,
        format="media",
        name_pattern=r"(?P<split>\w+)/(?P<label>\w+)/[0-9]+\.png",
        prompt="What is it?",
        answer={"kind": "text", "field": "label"},
        split={"field": "split"},
    )
    samples = [record for record in records if isinstance(record, Sample)]
    assert [(s.answer.value, s.split) for s in samples] == [
        ("cat", "test"),
        ("cat", "train"),
        ("dog", "train"),
    ]
    assert reasons(records) == ["name_does_not_match"]


def test_labelme_asks_for_each_label(tmp_path: Path) -> None:
    shape = {"label": "cup", "points": [[5, 1], [2, 4.5]], "shape_type": "rectangle"}
    twice = [{**shape, "label": "pen"}, {**shape, "label": "pen", "points": [[0, 0], [1, 1]]}]
    picture = {"imagePath": "a.png", "imageData": None, "shapes": [shape, *twice]}
    write(tmp_path / "x/a.json", json.dumps(picture))
    write(tmp_path / "x/a.png", png())
    records = read(
        tmp_path,
        format="labelme",
        prompt="Where is the {label}?",
        answer={"kind": "boxes", "field": "boxes"},
    )
    cup, pens = (record for record in records if isinstance(record, Sample))
    assert cup.answer == Answer(kind="box", value=[2, 1, 5, "4.5"])
    assert pens.answer == Answer(kind="boxes", value=[[2, 1, 5, "4.5"], [0, 0, 1, 1]])
    assert cup.source_ref == "x/a.json#0"


@pytest.mark.parametrize(
    ("text", "pictures", "expected"),
    [
        ("Compare.", 2, "[image]|[image]|Compare."),
        ("Is <image> like <image>?", 2, "Is|[image]|like|[image]|?"),
        ("First <image2>, then <image1>.", 2, "First|[image]|, then|[image]|."),
        ("Only <image>.", 2, None),
        ("Both <image><image>.", 1, None),
        ("The same twice: <image1> <image1>", 1, None),
        ("Listen: <audio>", 1, None),
    ],
)
def test_media_go_where_the_text_says(
    text: str, pictures: int, expected: str | None, tmp_path: Path
) -> None:
    given = [base64.b64encode(png(i)).decode() for i in range(pictures)]
    (record,) = read(one(tmp_path, question=text, pics=given), media=[{"field": "pics"}])
    if expected is None:
        assert reasons([record]) == ["unmatched_places"]
    else:
        assert isinstance(record, Sample)
        assert asked(record) == expected
        order = [1, 0] if "<image2>" in text else range(pictures)
        assert [medium.read() for medium in record.media] == [png(i) for i in order]


def test_several_marks_may_stand_for_one_joined_picture(tmp_path: Path) -> None:
    write(tmp_path / "a.png", png())
    root = one(tmp_path, question="Here: <image1> and <image2> which?", pic="a.png")
    record = sample(root, media=[{"field": "pic"}], joined=True, files="*.jsonl")
    assert asked(record) == "Here:|[image]|and\nwhich?"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("/etc/passwd", "outside_corpus"),
        ("../a.png", "outside_corpus"),
        ("file:///etc/passwd", "remote_media"),
        ("http://169.254.169.254/x.png", "remote_media"),
        ("a\0.png", "missing_file"),
        ("none.png", "missing_file"),
        ("data:image/png;base64,***", "bad_base64"),
        (7, "bad_reference"),
        ({"bytes": None, "path": "../../x"}, "outside_corpus"),
        (None, "no_pic"),
    ],
)
def test_nothing_outside_the_corpus_is_opened(
    reference: object, reason: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.png", png())
    assert reasons(read(one(tmp_path / "c", pic=reference), media=[{"field": "pic"}])) == [reason]


ANSWERS = [
    ({"kind": "number", "field": "answer"}, "1,000", Answer.number(1000)),
    ({"kind": "number", "field": "answer", "unit": "cm", "tolerance": "5%"}, 2.50,
     Answer.number("2.5", unit="cm", tolerance="5%")),
    ({"kind": "number", "field": "answer", "pattern": r"####\s*(.+)"}, "2+2\n#### 4",
     Answer.number(4)),
    ({"kind": "number", "field": "answer", "pattern": "[0-9]+"}, "first 3, then 7",
     Answer.number(7)),
    ({"kind": "math", "field": "answer"}, r"so $\boxed{\frac{1}{2}}$",
     Answer(kind="math", value=r"\frac{1}{2}")),
    ({"kind": "bool", "field": "answer"}, "Yes.", Answer.bool(True)),
    ({"kind": "bool", "field": "answer"}, False, Answer.bool(False)),
    ({"kind": "bool", "field": "answer", "true": ["real"], "false": ["fake"]}, "fake",
     Answer.bool(False)),
    ({"kind": "text", "field": "answer", "variants": "also"}, "NYC",
     Answer.text("NYC", ["New York", "5"])),
    ({"kind": "text", "value": "same"}, "other", Answer.text("same")),
    ({"kind": "set", "field": "answer"}, ["b", "a"], Answer(kind="set", value=["b", "a"])),
    ({"kind": "set", "field": "answer"}, "a, b", Answer(kind="set", value=["a", "b"])),
    ({"kind": "json", "field": "answer"}, '{"x": 1.5}', Answer.json({"x": "1.5"})),
    ({"kind": "point", "field": "answer", "tolerance": "9"}, {"x": 3, "y": 4},
     Answer(kind="point", value=[3, 4], tolerance="9")),
    ({"kind": "point", "field": "answer"}, "(3, 4)", Answer(kind="point", value=[3, 4])),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "given", "expected"), ANSWERS)
def test_an_answer_is_typed(
    keys: dict[str, object], given: object, expected: Answer, tmp_path: Path
) -> None:
    root = one(tmp_path, answer=given, also=["New York", 5])
    assert sample(root, answer=keys).answer == expected


@pytest.mark.parametrize(
    ("keys", "given"),
    [
        ({"kind": "number", "field": "answer"}, "many"),
        ({"kind": "number", "field": "answer"}, None),
        ({"kind": "number", "field": "answer", "pattern": "x([0-9])"}, "y7"),
        ({"kind": "bool", "field": "answer"}, "maybe"),
        ({"kind": "box", "field": "answer"}, [1, 2, 3]),
        ({"kind": "box", "field": "answer"}, ["a", 1, 2, 3]),
        ({"kind": "box", "field": "answer"}, [1, 2, 3, 1e300]),
        ({"kind": "text", "field": "answer"}, {"a": 1}),
        ({"kind": "choice", "field": "answer", "options": "options"}, "C"),
        ({"kind": "choice", "field": "answer", "options": "options", "by": "1"}, 0),
        ({"kind": "choice", "field": "answer", "options": "nowhere"}, "A"),
    ],
)
def test_what_is_no_answer_is_rejected(
    keys: dict[str, object], given: object, tmp_path: Path
) -> None:
    (reason,) = reasons(read(one(tmp_path, answer=given, options=["x", "y"]), answer=keys))
    assert reason in ("no_answer", "bad_answer", "no_nowhere")


@pytest.mark.parametrize(
    ("options", "given", "by", "letter"),
    [
        (["A) red", "B) blue"], "B", "auto", "B"),
        (["red", "blue"], "blue", "auto", "B"),
        (["red", "blue"], 1, "auto", "B"),
        (["2", "1"], 1, "auto", "B"),
        (["2", "1"], 1, "1", "A"),
        (["red", "blue"], "(b)", "letter", "B"),
        ({"B": "blue", "A": "red"}, "B", "auto", "B"),
        ('["red", "blue"]', "blue", "text", "B"),
    ],
)
def test_a_choice_is_found_however_it_is_given(
    options: object, given: object, by: str, letter: str, tmp_path: Path
) -> None:
    keys = {"kind": "choice", "field": "answer", "options": "options", "by": by}
    record = sample(one(tmp_path, answer=given, options=options), answer=keys)
    assert record.answer.value == letter
    assert record.question.startswith("How many?\n(A) ")


def test_options_may_stand_in_the_question(tmp_path: Path) -> None:
    text = "Parts:\nA. big\nB. small\nWhich?\n(A) red\n(B) blue\n(C) green"
    keys = {"kind": "choice", "field": "answer", "options_in": "question"}
    record = sample(one(tmp_path, question=text, answer="C"), answer=keys)
    assert record.answer == Answer.choice("C", ["red", "blue", "green"])
    assert record.question == text


@pytest.mark.parametrize(
    ("frame", "corners", "given"),
    [
        ("pixels", "xyxy", [2, 1, 6, 3]),
        ("0-1", "xyxy", [0.25, 0.25, 0.75, 0.75]),
        ("0-1000", "xyxy", [250, 250, 750, 750]),
        ("16x8", "xyxy", [4, 2, 12, 6]),
        ("{w}x{h}", "xyxy", [4, 2, 12, 6]),
        ("pixels", "xywh", [2, 1, 4, 2]),
        ("pixels", "centre", [4, 2, 4, 2]),
        ("pixels", "xyxy", {"x": 2, "y": 1, "width": 4, "height": 2}),
    ],
)
def test_boxes_come_in_pixels_of_the_picture(
    frame: str, corners: str, given: object, tmp_path: Path
) -> None:
    write(tmp_path / "a.png", png(size=(8, 4)))
    root = one(tmp_path, answer=given, pic="a.png", w=16, h=8)
    keys = {"kind": "box", "field": "answer", "frame": frame, "corners": corners}
    record = sample(root, answer=keys, media=[{"field": "pic"}], files="*.jsonl")
    assert record.answer.value == [2, 1, 6, 3]


def test_steps_tags_and_the_system_message_are_taken(tmp_path: Path) -> None:
    record = sample(
        one(tmp_path, work="2+2=4\n\n4 is it", kind="arithmetic"),
        steps="work",
        tags=["{kind}", "{none?}"],
        system="Answer in {lang?}one word.",
    )
    assert record.steps == ("2+2=4", "4 is it")
    assert record.tags == ("arithmetic",)
    assert asked(record) == "Answer in one word.|How many?"


def test_a_share_is_held_out_by_group_and_stays_so(tmp_path: Path) -> None:
    rows = [{"question": f"{i}?", "answer": i, "who": f"s{i % 20}"} for i in range(200)]
    write_lines(tmp_path / "a.jsonl", rows)
    split = {"test_share": 0.3, "group": "{who}"}
    records = [r for r in read(tmp_path, split=split) if isinstance(r, Sample)]
    by_group = {(rows[i]["who"], record.split) for i, record in enumerate(records)}
    assert len(by_group) == 20
    assert 20 <= sum(record.split == "test" for record in records) <= 100
    assert [r.split for r in read(tmp_path, split=split) if isinstance(r, Sample)] == [
        r.split for r in records
    ]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("test-00000-of-00001.jsonl", "test"),
        ("dev.jsonl", "validation"),
        ("val/x.jsonl", "validation"),
        ("testing_ground.jsonl", "test"),
        ("latest.jsonl", "train"),
    ],
)
def test_the_usual_names_tell_the_split(name: str, split: str, tmp_path: Path) -> None:
    write_lines(tmp_path / name, [{"question": "How many?", "answer": 4}])
    assert sample(tmp_path).split == split


def test_the_order_and_the_name_of_the_folder_change_no_sample(tmp_path: Path) -> None:
    rows = [{"question": f"{i}?", "answer": i} for i in range(5)]
    write_lines(tmp_path / "one/a.jsonl", rows)
    write_lines(tmp_path / "other é/b.jsonl", rows[::-1])
    ids = [{r.sample_id for r in read(tmp_path / n) if isinstance(r, Sample)}
           for n in ("one", "other é")]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(ids[0]) == 5


def test_a_folder_without_records_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no record in \*\.csv"):
        read(tmp_path, files="*.csv")
    with pytest.raises(CorpusError, match="no folder"):
        read(tmp_path / "nowhere")


def test_data_that_could_run_code_are_named_and_never_opened(tmp_path: Path) -> None:
    write(tmp_path / "data.pkl", b"\x80\x04cos\nsystem\n(S'touch hacked'\ntR.")
    assert reasons(read(tmp_path)) == ["runs_code"]
    write(tmp_path / "load/data.py", "open('hacked', 'w')")
    with pytest.raises(CorpusError, match=r"data\.py could run code"):
        read(tmp_path / "load")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", "prompt"),
        ('prompt = "x"\n[answer]\nkind = "number"', "either a field or a value"),
        ('prompt = "x"\nfiles = "../*"\n[answer]\nkind = "number"\nfield = "a"', "leads out"),
        ('prompt = "x"\nname_pattern = "("\n[answer]\nkind = "bool"\nfield = "a"', "regular"),
        ('prompt = "x"\n[answer]\nkind = "choice"\nfield = "a"', "options"),
        ('prompt = "x"\nanwser = 1\n[answer]\nkind = "bool"\nfield = "a"', "anwser"),
    ],
)
def test_a_mistake_in_a_mapping_is_named(toml: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=said):
        read_toml(write(tmp_path / "m.toml", toml), Mapping)


def test_clips_in_folders_know_that_they_are_clips(tmp_path: Path) -> None:
    write(tmp_path / "3_ann.wav", wav())
    record = sample(
        tmp_path,
        format="media",
        name_pattern="(?P<digit>[0-9])_",
        prompt="Which digit is spoken?",
        answer={"kind": "number", "field": "digit"},
    )
    assert (record.modality, record.answer.value) == ("audio", "3")
