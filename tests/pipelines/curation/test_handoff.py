"""The doctor for hand-offs: every planted fault is found on its row, and a healthy set has none."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loaders import easyr1, swift, verl
from PIL import Image
from small_exports import hard_workspace

from pipelines.curation.export import export
from pipelines.curation.handoff import TRAINERS, Report, check
from pipelines.workspace import Workspace, WrongUse
from train.tiny.model import new_processor

Fields = dict[str, Any]


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return hard_workspace(tmp_path_factory.mktemp("hard") / "workspace")


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, str]:
    """Paths of pictures: a good one, and those that trainers get wrong."""
    made = {"good.png": "RGB", "cmyk.jpg": "CMYK", "alpha.png": "RGBA", "deep.png": "I;16"}
    for name, mode in made.items():
        Image.new(mode, (16, 12)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    names = [*made, "broken.png", "missing.png"]
    return {name.partition(".")[0]: str(tmp_path / name) for name in names}


def found(report: Report) -> dict[int, set[str]]:
    rows: dict[int, set[str]] = {}
    for finding in report.findings:
        rows.setdefault(finding.row, set()).add(finding.fault)
    return rows


def lines(path: Path, rows: list[Any]) -> Path:
    """JSON Lines; Python writes NaN as pandas does, and texts go in as they are."""
    said = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(said) + "\n")
    return path


def planted(good: Fields, faults: list[tuple[str, Callable[[Fields], Any]]]) -> list[Any]:
    """A good row, then one row for each fault."""
    rows: list[Any] = [good]
    for _, spoil in faults:
        row = json.loads(json.dumps(good))
        rows.append(spoil(row) or row)
    return rows


def without(name: str) -> Callable[[Fields], Any]:
    return lambda row: row.pop(name) and None


def with_(**changes: Any) -> Callable[[Fields], Any]:
    return lambda row: row.update(changes)


@pytest.mark.parametrize("form", ["paths", "embedded"])
@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_healthy_export_has_no_fault(
    hard: Workspace, tmp_path: Path, trainer: Any, form: Any
) -> None:
    export(hard, "hard", trainer, tmp_path / "out", media=form)
    report = check(tmp_path / "out", trainer, processor=new_processor(), max_prompt_length=300)
    assert report.findings == ()
    assert report.rows
    assert any("shuffle" in note for note in report.notes)


def test_verl_faults_are_all_found(tmp_path: Path, pictures: dict[str, str]) -> None:
    def prompt(text: Any) -> list[Fields]:
        return [{"role": "user", "content": text}]

    good = {
        "data_source": "hiyouga/geometry3k",
        "prompt": prompt("<image>Find x."),
        "images": [{"image": pictures["good"]}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "60"},
        "extra_info": {"index": 0},
    }
    image = [{"image": pictures["good"]}]
    faults: list[tuple[str, Callable[[Fields], Any]]] = [
        ("placeholder_count", with_(prompt=prompt("<image><image>Find x."))),
        ("placeholder_count", with_(images=image * 2)),
        ("literal_tag", with_(prompt=prompt("<image>What is <video>?"))),
        ("literal_tag", with_(prompt=prompt("What is <image>?"), images=[])),
        ("nan_media", with_(images=float("nan"), prompt=prompt("Hm?"))),
        ("null_media", with_(images=None, prompt=prompt("Hm?"))),
        ("null_media", without("images")),
        ("string_prompt", with_(prompt="<image>Find x.")),
        ("no_prompt", with_(prompt=[])),
        ("block_prompt", with_(prompt=prompt([{"type": "image"}, {"type": "text", "text": "x"}]))),
        ("bad_role", with_(prompt=[{"role": "human", "content": "<image>Find x."}])),
        ("special_token", with_(prompt=prompt("<image>What is <|image_pad|>?"))),
        ("null_bytes", with_(images=[{"bytes": None, "path": pictures["good"]}])),
        ("missing_file", with_(images=[{"image": pictures["missing"]}])),
        ("undecodable_image", with_(images=[{"image": pictures["broken"]}])),
        ("odd_image", with_(images=[{"image": pictures["cmyk"]}])),
        ("odd_image", with_(images=[{"image": pictures["alpha"]}])),
        ("odd_image", with_(images=[{"image": pictures["deep"]}])),
        ("no_medium", with_(images=[{}])),
        ("relative_path", with_(images=[{"image": "good.png"}])),
        ("no_gold", with_(reward_model={"style": "rule", "ground_truth": ""})),
        ("gold_not_text", with_(reward_model={"style": "rule", "ground_truth": 60})),
        ("wrapped_gold", with_(reward_model={"style": "rule", "ground_truth": "\\boxed{60}"})),
        ("unknown_data_source", with_(data_source="mine")),
        ("no_data_source", without("data_source")),
        ("no_reward_model", without("reward_model")),
        ("long_prompt", with_(prompt=prompt("<image>" + "Why? " * 90))),
        ("unreadable_row", lambda _row: '{"prompt": '),
    ]
    path = lines(tmp_path / "train.jsonl", planted(good, faults))
    report = check(path, "verl", processor=new_processor(), max_prompt_length=200)
    seen = found(report)
    for row, (fault, _) in enumerate(faults, start=2):
        assert fault in seen.get(row, set()), f"row {row}: {seen.get(row)}"
    assert 1 not in seen
    assert report.crashes


def test_trl_faults_are_all_found(tmp_path: Path, pictures: dict[str, str]) -> None:
    def prompt(text: Any) -> list[Fields]:
        return [{"role": "user", "content": text}]

    blocks = [{"type": "image"}, {"type": "text", "text": "Find x."}]
    good = {"prompt": prompt(blocks), "images": [pictures["good"]], "solution": "$60$"}
    faults: list[tuple[str, Callable[[Fields], Any]]] = [
        ("placeholder_count", with_(prompt=prompt([*blocks, {"type": "image"}]))),
        ("placeholder_count", with_(prompt=prompt(blocks[1:]))),
        ("literal_tag", with_(prompt=prompt("<image>Find x."))),
        ("string_prompt", with_(prompt="Find x.")),
        ("no_prompt", with_(prompt=None)),
        ("bad_role", with_(prompt=[{"role": "human", "content": blocks}])),
        ("nan_media", with_(images=float("nan"), prompt=prompt("Hm?"))),
        ("null_media", with_(images=None, prompt=prompt("Hm?"))),
        ("mixed_rows", with_(images=[], prompt=prompt("Hm?"))),
        ("unparsable_gold", with_(solution="A")),
        ("gold_not_text", with_(solution=60)),
        ("no_gold", without("solution")),
        ("lost_media", with_(audios=["a.wav"])),
        ("missing_file", with_(images=[pictures["missing"]])),
        ("odd_image", with_(images=[pictures["cmyk"]])),
        ("relative_path", with_(images=["good.png"])),
        ("processor_fails", with_(images=[pictures["broken"]])),
    ]
    path = lines(tmp_path / "train.jsonl", planted(good, faults))
    report = check(path, "trl", processor=new_processor(), max_prompt_length=200)
    seen = found(report)
    for row, (fault, _) in enumerate(faults, start=2):
        assert fault in seen.get(row, set()), f"row {row}: {seen.get(row)}"
    # Nobody told `datasets` that the paths are pictures.
    assert seen[1] == {"undecoded_media"}


def test_easyr1_faults_are_all_found(tmp_path: Path, pictures: dict[str, str]) -> None:
    good = {"problem": "<image>Find x.", "answer": "60", "images": [pictures["good"]]}
    faults: list[tuple[str, Callable[[Fields], Any]]] = [
        ("placeholder_count", with_(problem="<image><image>Find x.")),
        ("placeholder_count", with_(problem="Find x.", images=[pictures["good"]] * 2)),
        ("literal_tag", with_(problem="What is <image>?", images=[])),
        ("nan_media", with_(problem="Hm?", images=float("nan"))),
        ("null_media", with_(problem="Hm?", images=None)),
        ("null_bytes", with_(images=[{"path": pictures["good"]}])),
        ("mixed_forms", with_(images=[pictures["good"], {"bytes": "x"}])),
        ("missing_file", with_(images=[pictures["missing"]])),
        ("odd_image", with_(images=[pictures["alpha"]])),
        ("wrapped_gold", with_(answer="<answer>60</answer>")),
        ("gold_not_text", with_(answer=60)),
        ("no_gold", without("answer")),
        ("no_prompt", with_(problem="")),
        ("bad_prompt", with_(problem=[{"role": "user", "content": "Hm?"}])),
    ]
    path = lines(tmp_path / "train.jsonl", planted(good, faults))
    seen = found(check(path, "easyr1"))
    for row, (fault, _) in enumerate(faults, start=2):
        assert fault in seen.get(row, set()), f"row {row}: {seen.get(row)}"
    assert 1 not in seen


def test_ms_swift_faults_are_all_found(tmp_path: Path, pictures: dict[str, str]) -> None:
    def said(text: str) -> list[Fields]:
        return [{"role": "user", "content": text}]

    good = {"messages": said("<image>Find x."), "images": [pictures["good"]], "solution": "60"}
    faults: list[tuple[str, Callable[[Fields], Any]]] = [
        ("placeholder_count", with_(messages=said("<image><image>Find x."))),
        ("literal_tag", with_(messages=said("What is <image>?"), images=[])),
        ("null_media", with_(messages=said("Hm?"), images=None)),
        ("nan_media", with_(messages=said("Hm?"), images=float("nan"))),
        ("missing_file", with_(images=[pictures["missing"]])),
        ("undecodable_image", with_(images=[pictures["broken"]])),
        ("mixed_forms", with_(images=[pictures["good"], {"bytes": "x"}])),
        ("misnamed_gold", lambda row: row.update(answer=row.pop("solution"))),
        ("gold_as_answer", lambda row: row.update(query=row.pop("messages")[0]["content"])),
        ("unknown_frame", with_(objects={"ref": [], "bbox": [[1, 2]], "bbox_type": "px"})),
        ("no_prompt", with_(messages=[])),
        ("bad_role", with_(messages=[{"role": "narrator", "content": "<image>Hm?"}])),
    ]
    path = lines(tmp_path / "train.jsonl", planted(good, faults))
    seen = found(check(path, "ms-swift"))
    for row, (fault, _) in enumerate(faults, start=2):
        assert fault in seen.get(row, set()), f"row {row}: {seen.get(row)}"
    assert 1 not in seen


def test_what_the_doctor_calls_a_crash_the_loader_stops_at(
    tmp_path: Path, pictures: dict[str, str]
) -> None:
    row: Fields = {
        "data_source": "math",
        "prompt": [{"role": "user", "content": "<image><image>x"}],
        "images": [{"image": pictures["good"]}],
        "reward_model": {"style": "rule", "ground_truth": "6"},
    }
    assert found(check(lines(tmp_path / "v.jsonl", [row]), "verl"))[1] == {"placeholder_count"}
    with pytest.raises(AssertionError):
        verl.build(row)
    row = {"problem": "What is <image>?", "answer": "a tag", "images": []}
    path = lines(tmp_path / "e.jsonl", [row, {**row, "images": [pictures["good"]]}])
    assert found(check(path, "easyr1")) == {1: {"literal_tag"}}
    with pytest.raises(AssertionError):
        easyr1.read(row, tmp_path)
    row = {
        "messages": [{"role": "user", "content": "<image><image>x"}],
        "images": [pictures["good"]],
    }
    with pytest.raises(ValueError, match="stay as words"):
        swift.standard(row)


def test_rows_of_a_last_batch_that_is_not_full_are_named(tmp_path: Path) -> None:
    rows = [{"problem": f"{i}?", "answer": "1"} for i in range(10)]
    report = check(lines(tmp_path / "train.jsonl", rows), "easyr1", prompts_per_step=4)
    assert found(report) == {9: {"last_chunk"}, 10: {"last_chunk"}}
    assert not report.crashes
    # A set that is measured on is never dropped from.
    other = lines(tmp_path / "val.jsonl", rows)
    assert check(other, "easyr1", prompts_per_step=4).findings == ()


def test_batches_that_are_each_of_one_class_may_follow_each_other(
    tmp_path: Path, pictures: dict[str, str]
) -> None:
    shown = {"prompt": [{"role": "user", "content": "x?"}], "solution": "$1$"}
    picture = {"bytes": Path(pictures["good"]).read_bytes(), "path": None}
    rows = [{**shown, "images": [picture] if i // 2 % 2 else []} for i in range(8)]
    from datasets import Dataset, Features, Image, List, Value

    messages = List({"role": Value("string"), "content": Value("string")})
    features = Features({"prompt": messages, "solution": Value("string"), "images": List(Image())})
    Dataset.from_list(rows, features=features).to_parquet(str(tmp_path / "train.parquet"))
    assert check(tmp_path, "trl", prompts_per_step=2).findings == ()
    report = check(tmp_path, "trl", prompts_per_step=4)
    assert report.counts == {"mixed_rows": 4}
    assert check(tmp_path, "trl").counts == {"mixed_rows": 4}


def test_pictures_as_bare_bytes_are_found_in_parquet(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    row = {
        "data_source": "math",
        "prompt": [{"role": "user", "content": "<image>?"}],
        "images": [file.getvalue()],
        "reward_model": {"style": "rule", "ground_truth": "6"},
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "train.parquet")
    assert check(tmp_path, "verl").counts == {"bare_bytes": 1}


def test_where_there_are_no_rows_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="holds no file of rows"):
        check(tmp_path, "trl")
    (tmp_path / "train.parquet").write_bytes(b"PAR1 and no more")
    assert check(tmp_path, "trl").counts == {"unreadable_file": 1}
