"""Sets in trainers' formats, as others write them: prompt, media in place, and a typed answer."""

import base64
import io
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from extracts import png, wav, write, write_lines
from PIL import Image

from pipelines.corpora.reading import CorpusError, made
from pipelines.corpora.trainers import FORMATS, read
from pipelines.corpora.trainers.gold import answer_of, options_in
from pipelines.corpora.trainers.shapes import SHAPES
from pipelines.record.sample import Answer, Sample
from pipelines.record.steps import Record, Reject

Row = Mapping[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i in range(3):
        write(tmp_path / "images" / f"{i}.png", png(i))
    write(tmp_path / "images" / "t.wav", wav())
    return tmp_path


def records(name: str, root: Path, rows: list[Row], file: str = "train.jsonl") -> list[Record]:
    write_lines(root / file, rows)
    return list(made(FORMATS[name]("given", root)))


def only(name: str, root: Path, row: Row) -> Sample:
    (sample,) = records(name, root, [row])
    assert isinstance(sample, Sample), sample
    return sample


def shape(sample: Sample) -> list[str]:
    """The prompt as a person would read it: words, and places of media."""
    return [b.text if b.type == "text" else f"[{b.type}]" for m in sample.prompt for b in m.content]


def user(content: Any) -> list[Row]:
    return [{"role": "user", "content": content}]


def test_trl_blocks_texts_and_a_lone_picture(root: Path) -> None:
    blocks = [{"type": "text", "text": "Is "}, {"type": "image"}, {"type": "text", "text": " red?"}]
    row = {"prompt": user(blocks), "images": ["images/1.png"], "solution": "$60^\\circ$"}
    sample = only("trl", root, row)
    assert shape(sample) == ["Is ", "[image]", " red?"]
    assert sample.media[0].read() == png(1)
    assert sample.answer == Answer(kind="math", value="60^\\circ")
    words = only("trl", root, {"prompt": "1 + 1?", "solution": "2"})
    assert (shape(words), words.answer) == (["1 + 1?"], Answer.number(2))
    before = only("trl", root, {"prompt": user("Red?"), "image": "images/0.png", "answer": "yes"})
    assert (shape(before), before.answer) == (["[image]", "Red?"], Answer.bool(True))


def test_verl_places_of_several_media(root: Path) -> None:
    row = {
        "data_source": "hiyouga/geometry3k",
        "prompt": user("<image>then <image>: same?"),
        "images": [{"image": f"file://{root}/images/0.png"}, {"image": "images/1.png"}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "no"},
        "extra_info": {"split": "test", "index": 17},
    }
    sample = only("verl", root, row)
    assert shape(sample) == ["[image]", "then ", "[image]", ": same?"]
    assert [m.read() for m in sample.media] == [png(0), png(1)]
    assert (sample.answer, sample.split) == (Answer.bool(False), "test")
    assert sample.task == "given/math"
    sound = {**row, "prompt": user("<audio>Which digit?"), "audios": [{"audio": "images/t.wav"}]}
    heard = only("verl", root, {k: v for k, v in sound.items() if k != "images"})
    assert heard.media[0].kind == "audio"


def test_easyr1_bytes_in_parquet(root: Path) -> None:
    rows = [
        {"problem": "<image>How many?", "answer": "1,024", "images": [{"bytes": png(5)}]},
        {"problem": "What does <image> say?", "answer": "a tag", "images": []},
    ]
    pq.write_table(pa.Table.from_pylist(rows), root / "train.parquet")
    shown, words = made(FORMATS["easyr1"]("given", root))
    assert isinstance(shown, Sample)
    assert isinstance(words, Sample)
    assert (shown.answer, shown.media[0].read()) == (Answer.number(1024), png(5))
    # With no picture beside it, a tag is what somebody wrote.
    assert shape(words) == ["What does <image> say?"]


def test_ms_swift_in_all_the_ways_it_takes(root: Path) -> None:
    frame = {"ref": [], "bbox": [[5, 5, 500, 500]], "bbox_type": "norm1000"}
    click = {
        "messages": user("<image>Give the box of the toggle"),
        "images": ["images/0.png"],
        "objects": frame,
        "solution": "[0, 500, 500, 1000]",
    }
    box = only("ms-swift", root, click)
    assert box.answer == Answer(kind="box", value=["0", "4", "4", "8"])  # of 8 x 8 pixels
    plain = only("ms-swift", root, {"query": "1+1?", "response": "2"})
    assert plain.answer == Answer.number(2)
    pairs = {"conversation": [{"human": "1+2?", "assistant": "It is \\boxed{3}."}], "system": "Hm."}
    talked = only("ms-swift", root, pairs)
    assert (shape(talked), talked.answer) == (["Hm.", "1+2?"], Answer.number(3))
    url = f"data:image/png;base64,{base64.b64encode(png(7)).decode()}"
    inside = {"messages": user("<image>Red?"), "images": [url], "solution": "no"}
    assert only("ms-swift", root, inside).media[0].read() == png(7)
    untagged = {"messages": user("Red?"), "images": ["images/0.png"], "solution": "no"}
    assert shape(only("ms-swift", root, untagged)) == ["[image]", "Red?"]


def test_sharegpt_in_both_shapes_and_by_its_entry(root: Path) -> None:
    gpt = {"from": "gpt", "value": "<think>so</think>\n\n<answer>(B) blue</answer>"}
    human = {"from": "human", "value": "<image>Which?\nA) red\nB) blue"}
    row = {"conversations": [human, gpt], "images": ["images/0.png"], "system": "Look."}
    sample = only("llama-factory", root, row)
    assert sample.answer == Answer.choice("B", ["red", "blue"])
    assert [m.role for m in sample.prompt] == ["system", "user"]
    openai = {"messages": [*user("2+2?"), {"role": "assistant", "content": "4"}]}
    assert only("llama-factory", root, openai).answer == Answer.number(4)
    entry = {
        "file_name": "odd.json",
        "formatting": "sharegpt",
        "columns": {"messages": "chat", "images": "pics"},
        "tags": {"role_tag": "who", "content_tag": "said", "user_tag": "q", "assistant_tag": "a"},
    }
    write(root / "dataset_info.json", json.dumps({"odd": entry}))
    odd = {"chat": [{"who": "q", "said": "<image>?"}, {"who": "a", "said": "7"}], "pics": ["0.png"]}
    write(root / "odd.json", json.dumps([odd]))
    (root / "train.jsonl").unlink()
    (told,) = made(FORMATS["llama-factory"]("given", root))
    assert isinstance(told, Sample)
    assert (shape(told), told.answer) == (["[image]", "?"], Answer.number(7))


def test_lmms_lab_and_its_relatives(root: Path) -> None:
    rows = [
        {
            "image": {"bytes": png(3), "path": None},
            "problem": "Find x.",
            "solution": "<think>a</think>\n\n<answer>\\frac{1}{2}</answer>",
            "original_question": "x?",
            "original_answer": "1/2",
        }
    ]
    pq.write_table(pa.Table.from_pylist(rows), root / "train.parquet")
    (sample,) = made(FORMATS["lmms-lab"]("given", root))
    assert isinstance(sample, Sample)
    assert sample.answer == Answer(kind="math", value="\\frac{1}{2}")
    assert shape(sample) == ["[image]", "Find x."]


def test_vlm_r1_think_lite_and_curr_reft(root: Path) -> None:
    turns = [{"from": "human", "value": "<image>Red?"}, {"from": "gpt", "value": "yes"}]
    row = {"id": 1, "image": "images/0.png", "conversations": turns}
    assert only("vlm-r1", root, row).answer == Answer.bool(True)
    several = {
        "id": 2,
        "image": ["images/0.png", "images/1.png"],
        "conversations": [{"from": "human", "value": "<image><image>Same?"}, turns[1]],
    }
    assert len(only("vlm-r1", root, several).media) == 2
    lite = {"image": "images/2.png", "problem": "<image>How many?", "answer": "4"}
    assert only("vlm-r1", root, lite).answer == Answer.number(4)
    reft = {"image": "images/2.png", "problem": "How many?", "solution": "<answer>4</answer>"}
    assert shape(only("vlm-r1", root, {**reft, "task": "count"})) == ["[image]", "How many?"]


def test_openai_parts(root: Path) -> None:
    url = f"data:image/png;base64,{base64.b64encode(png(2)).decode()}"
    parts = [{"type": "text", "text": "Red?"}, {"type": "image_url", "image_url": {"url": url}}]
    sample = only("openai-rft", root, {"messages": user(parts), "reference_answer": "no"})
    assert shape(sample) == ["Red?", "[image]"]
    assert sample.media[0].read() == png(2)


BAD: list[tuple[str, str, Row]] = [
    ("placeholder_count", "verl", {"prompt": user("<image><image>?"), "images": ["images/0.png"]}),
    ("missing_file", "verl", {"prompt": user("<image>?"), "images": ["images/9.png"]}),
    ("missing_file", "verl", {"prompt": user("<image>?"), "images": ["../../etc/passwd"]}),
    ("outside_corpus", "verl", {"prompt": user("<image>?"), "images": ["/etc/passwd"]}),
    ("remote_file", "verl", {"prompt": user("<image>?"), "images": ["https://x.org/a.png"]}),
    (
        "undecodable_base64",
        "verl",
        {"prompt": user("<image>?"), "images": ["data:image/png;base64,??"]},
    ),
    ("no_answer", "verl", {"prompt": user("Hm?")}),
    ("no_prompt", "verl", {"answer": "3"}),
    ("no_prompt", "verl", {"prompt": user("  "), "answer": "3"}),
    ("bad_prompt", "verl", {"prompt": ["Hm?"], "answer": "3"}),
    ("bad_prompt", "verl", {"prompt": [{"role": "narrator", "content": "x"}], "answer": "3"}),
    ("bad_answer", "verl", {"prompt": user("Why?"), "answer": "because " * 100}),
    ("bad_curricle", "verl", {"prompt": user("?"), "answer": "3", "curricle": "{}"}),
    ("bad_curricle", "verl", {"prompt": user("?"), "answer": "3", "curricle": '{"format":1}'}),
]


def test_bad_rows_become_rejects_and_stop_nothing(root: Path) -> None:
    rows: list[Row] = []
    for _, _, row in BAD:
        rows += [row, {"prompt": user("1+1?"), "answer": "2"}]
    found = records("verl", root, rows)
    reasons = [r.reason for r in found if isinstance(r, Reject)]
    wanted = [reason for reason, _, _ in BAD]
    for got, want, (_, _, row) in zip(reasons, wanted, BAD, strict=True):
        assert got == want or {got, want} <= {"missing_file", "outside_corpus"}, row
    assert sum(isinstance(r, Sample) for r in found) == len(BAD)


def test_a_folder_without_rows_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no file of rows"):
        list(FORMATS["trl"]("given", tmp_path))
    with pytest.raises(CorpusError, match="there is no file or folder"):
        list(FORMATS["trl"]("given", tmp_path / "none"))


def test_a_declared_frame_moves_boxes_to_pixels(root: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (200, 100)).save(picture, "PNG")
    write(root / "images" / "wide.png", picture.getvalue())
    row = {
        "problem": "<image>Give the box.",
        "answer": "[100, 100, 500, 900]",
        "images": ["wide.png"],
    }
    write_lines(root / "train.jsonl", [row])
    (sample,) = made(read(SHAPES["easyr1"], "given", root, boxes="0-1000"))
    assert isinstance(sample, Sample)
    assert sample.answer.value == ["20", "10", "100", "90"]


GOLD: list[tuple[Any, str, Answer]] = [
    ("60", "?", Answer.number(60)),
    (60, "?", Answer.number(60)),
    (0.5, "?", Answer.number("0.5")),
    ("-1,234.50", "?", Answer.number("-1234.5")),
    ("so \\boxed{\\frac{a}{b}}", "?", Answer(kind="math", value="\\frac{a}{b}")),
    ("$x^2$", "?", Answer(kind="math", value="x^2")),
    ("12%", "?", Answer.number(12, unit="%")),
    ("12\\%", "?", Answer.number(12, unit="%")),
    ("Yes", "?", Answer.bool(True)),
    (False, "?", Answer.bool(False)),
    ("B", "Which? (A) 1 (B) 2", Answer.choice("B", ["1", "2"])),
    ("B.", "Which?\nA. 1\nB. 2", Answer.choice("B", ["1", "2"])),
    ("(B) 2", "Which?\nA: 1\nB: 2", Answer.choice("B", ["1", "2"])),
    ("2", "Which?\nA: 1\nB: 2\nC: 3", Answer.choice("B", ["1", "2", "3"])),
    ("B", "Which letter?", Answer.text("B")),
    ("red wine", "?", Answer.text("red wine")),
    ("[1, 2]", "Rows and columns?", Answer.json([1, 2])),
    ("(615,226)", "Click the toggle", Answer(kind="point", value=["615", "226"])),
    ([1, 2, 3, 4.5], "Give the bounding box", Answer(kind="box", value=["1", "2", "3", "4.5"])),
    (
        "[[1,2,3,4],[5,6,7,8]]",
        "All boxes",
        Answer(kind="boxes", value=[["1", "2", "3", "4"], ["5", "6", "7", "8"]]),
    ),
]


@pytest.mark.parametrize(("gold", "question", "answer"), GOLD)
def test_gold_is_typed_by_what_it_says(gold: Any, question: str, answer: Answer) -> None:
    assert answer_of(gold, question) == answer


def test_options_are_found_in_one_style_whole_and_in_order() -> None:
    assert options_in("Which?\nA) red\nB) blue\nAnswer with a letter.") == ["red", "blue"]
    assert options_in("Which one, (A) a cat, (B) a dog, or so?")[0] == "a cat"
    assert options_in("Plan A. is good") == []
    assert options_in("Line AB: 3") == []


ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        7,
        0.5,
        "",
        "x" * 300,
        "<image>",
        "\0",
        "\ud800",
        [],
        {},
        [[]],
        [{}],
        [None],
        [7],
    ),
    *({"type": "image"}, {"bytes": "x"}, {"path": {"path": 1}}, [{"role": [], "content": {}}]),
    *(["[" * 400], "[" * 5000 + "]" * 5000, "[Infinity, 1] click", {"id": "../../*"}, float("nan")),
)


def mutated(value: Any, rng: random.Random) -> Any:
    """Put something odd in the place of one part of a row, however deep."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(sorted(value))
        return {**value, key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = rng.randrange(len(value))
        return [*value[:place], mutated(value[place], rng), *value[place + 1 :]]
    if isinstance(value, str) and value[:1] == "{" and rng.random() < 0.9:
        return json.dumps(mutated(json.loads(value), rng))
    return rng.choice(ODD)


OWN = json.dumps(
    {
        **{"format": 1, "sample_id": "0" * 32, "task": "t/u", "tags": [], "split": "train"},
        "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}],
        "answer": {"kind": "choice", "value": "A", "options": ["1", "2"]},
        "media": [{"id": "0" * 64, "kind": "image"}],
        **{"licence": "", "parent": None, "history": [], "recipe": "", "steps": []},
    }
)


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_a_row_holds_it_is_a_sample_or_a_reject(root: Path, name: str) -> None:
    rng = random.Random(name)
    whole: dict[str, Any] = {
        **{column: user("<image>Click (A) 1 (B) 2") for column in SHAPES[name].prompt},
        **{column.split(".")[0]: "[1, 2]" for column in SHAPES[name].gold},
        "images": [{"bytes": None, "path": "images/0.png"}],
        "objects": {"bbox_type": "norm1"},
        "options": ["1", "2"],
    }
    rows = [mutated({**whole, "curricle": OWN} if i % 3 == 0 else whole, rng) for i in range(150)]
    lines = [json.dumps(row) for row in rows if isinstance(row, dict)]
    write(root / "train.jsonl", "\n".join(lines))
    found = list(made(FORMATS[name]("given", root)))
    assert len(found) == len(lines)
    assert all(one.sample_id for one in found if isinstance(one, Sample))
    assert {type(one) for one in found} == {Sample, Reject}
