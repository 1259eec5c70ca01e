"""Exports: other trainers load them, in order, and nothing is lost on the way out and back."""

import json
import runpy
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from loaders import easyr1, sharegpt, swift, verl, vlm_r1
from PIL import Image
from small_exports import hard_workspace

from pipelines.corpora.reading import made
from pipelines.corpora.trainers import FORMATS as READERS
from pipelines.curation.export import NOTE, export
from pipelines.curation.formats import FORMATS
from pipelines.curation.formats.rows import Asking
from pipelines.curation.landing import version_folder
from pipelines.curation.shards import shard_samples
from pipelines.policies.templates import TEMPLATES
from pipelines.record.media import decode_image
from pipelines.record.sample import Answer, Sample
from pipelines.rewards import reference_completion
from pipelines.workspace import Workspace, WrongUse

FORMS = [(name, form) for name, one in FORMATS.items() for form in one.forms]


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Frozen once; exports leave it as it is."""
    return hard_workspace(tmp_path_factory.mktemp("hard") / "workspace")


def set_for(name: str) -> str:
    return "single" if FORMATS[name].most_media == 1 else "hard"


def curated(workspace: Workspace, name: str) -> list[Sample]:
    return [sample for _, sample in shard_samples(version_folder(workspace, name, 1))]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table(path: Path) -> list[dict[str, Any]]:
    kind = "parquet" if path.suffix == ".parquet" else "json"
    return list(datasets.load_dataset(kind, data_files=str(path), split="train"))


def seen(samples: list[Sample]) -> list[tuple[str, list[bytes], tuple[str, ...], str]]:
    return [(s.sample_id, [m.read() for m in s.media], s.steps, s.licence) for s in samples]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_set_comes_back_from_every_format_as_it_was(
    hard: Workspace, tmp_path: Path, name: str, form: Any
) -> None:
    export(hard, set_for(name), name, tmp_path / "out", media=form)
    # Where it lies does not matter, though absolute paths were written.
    moved = (tmp_path / "out").rename(tmp_path / "elsewhere")
    back = list(made(READERS[name]("back", moved)))
    assert all(isinstance(sample, Sample) for sample in back), back
    want = curated(hard, set_for(name))
    if FORMATS[name].held_out:
        assert sorted(seen(back)) == sorted(seen(want))  # type: ignore[arg-type]
    else:
        assert seen(back) == seen(want)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FORMATS)
def test_rows_stand_in_their_order_with_padding_and_what_a_curriculum_needs(
    hard: Workspace, tmp_path: Path, name: str
) -> None:
    done = export(hard, set_for(name), name, tmp_path / "out")
    rows = [row for file in done.files for row in table(tmp_path / "out" / file)]
    told = [row.get("extra_info", row) for row in rows]
    pairs = shard_samples(version_folder(hard, set_for(name), 1))
    want = [(row["position"], row["stage"], row["padded"], row["pass_rate"]) for row, _ in pairs]
    got = [tuple(one[k] for k in ("position", "stage", "padded", "pass_rate")) for one in told]
    assert (sorted(got) if FORMATS[name].held_out else got) == want
    assert any(row["padded"] for row in told)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_export_has_the_same_bytes(hard: Workspace, tmp_path: Path, name: str) -> None:
    for folder in ("one", "other"):
        export(hard, set_for(name), name, tmp_path / folder, at="/data/set")
    assert files(tmp_path / "one") == files(tmp_path / "other")
    assert "/data/set" in (tmp_path / "one" / NOTE).read_text()
    assert not list(tmp_path.glob(".tmp-*"))


@pytest.mark.parametrize("form", ["paths", "embedded"])
def test_verl_builds_the_messages_of_every_row(hard: Workspace, tmp_path: Path, form: Any) -> None:
    export(hard, "hard", "verl", tmp_path / "out", media=form)
    messages = verl.load(tmp_path / "out" / "train.parquet")
    check_places(hard, [m for m in messages if isinstance(m[-1]["content"], list)])


@pytest.mark.parametrize("form", ["paths", "embedded"])
def test_easyr1_reads_every_row(hard: Workspace, tmp_path: Path, form: Any) -> None:
    export(hard, "hard", "easyr1", tmp_path / "out", media=form)
    rows = easyr1.load(tmp_path / "out" / "train.parquet", tmp_path / "out")
    for row, sample in zip(rows, curated(hard, "hard"), strict=True):
        assert len(row["images"]) == len(sample.media)


@pytest.mark.parametrize("form", ["paths", "embedded"])
def test_ms_swift_reads_every_row_and_passes_the_gold_on(
    hard: Workspace, tmp_path: Path, form: Any
) -> None:
    export(hard, "hard", "ms-swift", tmp_path / "out", media=form)
    for row in swift.load(tmp_path / "out" / "train.jsonl"):
        assert row["columns"]["solution"]
        assert row["messages"][-1]["role"] == "user"


def test_llama_factory_finds_the_set_by_its_entry(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "llama-factory", tmp_path / "out")
    rows = sharegpt.load(tmp_path / "out", "curricle_train")
    assert [row["response"][0] for row in rows] == ["assistant"] * len(rows)
    assert "You are terse." in {row["system"] for row in rows}


def test_vlm_r1_reads_every_row(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "vlm-r1", tmp_path / "out")
    rows = vlm_r1.load(tmp_path / "out" / "train.jsonl", tmp_path / "out")
    assert {len(row["images"]) for row in rows} == {0, 1, 2}


def test_lmms_lab_is_decoded_by_datasets(hard: Workspace, tmp_path: Path) -> None:
    for form in ("embedded", "paths"):
        export(hard, "single", "lmms-lab", tmp_path / "out", media=form)  # type: ignore[arg-type]
        rows = table(tmp_path / "out" / "train.parquet")
        shown = [row["image"] for row in rows if row["image"] is not None]
        assert {picture.mode for picture in shown} == {"RGB"}
        assert all("<answer>" in row["solution"] for row in rows)


def check_places(workspace: Workspace, messages: list[list[dict[str, Any]]]) -> None:
    """Two pictures stand where they stood, the darker one first."""
    two = [m for m in messages if sum(b["type"] == "image" for b in m[-1]["content"]) == 2]
    assert two
    kinds = [block["type"] for block in two[0][-1]["content"]]
    assert kinds == ["text", "image", "text", "image", "text"]
    shades = [
        np.asarray(b["image"])[0, 0, 0] for b in two[0][-1]["content"] if b["type"] == "image"
    ]
    assert shades == [10, 200]


def run_beside(folder: Path) -> dict[str, Any]:
    """Run the reward file that stands beside the rows, as a trainer does."""
    return runpy.run_path(str(folder / "reward.py"))


@pytest.mark.parametrize("name", ["verl", "ms-swift", "trl"])
def test_the_reward_beside_the_rows_grades_every_gold_as_right(
    hard: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    done = export(hard, "hard", name, tmp_path / "out", asking=Asking(boxes="0-1000"))
    rows = table(tmp_path / "out" / next(iter(done.files)))
    told = [row.get("extra_info", row) for row in rows]
    references = [one["reference"] for one in told]
    answers = [Answer.from_json(json.loads(one)["answer"]) for one in references]
    right = [reference_completion(answer) for answer in answers]
    # ms-swift is not here; its plugin asks no more of it than a class and a dictionary.
    stub = types.SimpleNamespace(ORM=object, orms={})
    monkeypatch.setitem(sys.modules, "swift.plugin", stub)
    beside = run_beside(tmp_path / "out")
    if name == "trl":
        values = beside["reward"](right, references)
    elif name == "ms-swift":
        values = stub.orms["curricle"]()(right, references)
    else:
        pairs = zip(right, told, strict=True)
        values = [beside["compute_score"]("hard", text, "", one) for text, one in pairs]
    assert values == [1.0] * len(rows)


def test_tags_in_words_stay_words(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "verl", tmp_path / "out")
    rows = table(tmp_path / "out" / "train.parquet")
    texts = [row["prompt"][-1]["content"] for row in rows]
    assert any("What does < image > mean, or < |image_pad| >?" in text for text in texts)
    assert "Name < image > in words" in texts
    asked = [row["extra_info"]["question"] for row in rows]
    assert "Name <image> in words" in asked


def test_pictures_that_loaders_get_wrong_are_drawn_anew_and_kept_as_they_came(
    hard: Workspace, tmp_path: Path
) -> None:
    done = export(hard, "hard", "trl", tmp_path / "out")
    rows = table(tmp_path / "out" / "train.parquet")
    samples = curated(hard, "hard")
    odd = [
        (r, s)
        for r, s in zip(rows, samples, strict=True)
        if s.question in ("On its side", "A print")
    ]
    for row, sample in odd:
        (shown,) = row["images"]
        assert shown.mode == "RGB"
        assert np.array_equal(np.asarray(shown), decode_image(sample.media[0].read()))
    kept = {path.name for path in (tmp_path / "out" / "originals").iterdir()}
    assert {sample.media[0].media_id for _, sample in odd} <= kept
    assert done.redrawn >= 4  # CMYK, alpha, turned, and a view


def test_a_view_shows_what_its_history_made(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "verl", tmp_path / "out")
    rows = table(tmp_path / "out" / "train.parquet")
    for row, sample in zip(rows, curated(hard, "hard"), strict=True):
        if sample.history:
            shown = Image.open(row["images"][0]["image"])
            clean = decode_image(sample.media[0].read())
            assert 3 < np.abs(np.asarray(shown).astype(int) - clean).mean() < 20
            assert json.loads(row["extra_info"]["curricle"])["parent"] == sample.parent


FRAMES = {
    # Of a picture of 60 x 40; the processor resizes it to 84 x 56.
    "pixels": (["6", "4", "30", "20"], ""),
    "0-1": (["0.1", "0.1", "0.5", "0.5"], "from 0 to 1"),
    "0-1000": ([100, 100, 500, 500], "from 0 to 1000"),
    "resized": ([8, 6, 42, 28], "resized to 84x56"),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_boxes_are_written_in_the_frame_that_is_said(
    hard: Workspace, tmp_path: Path, frame: Any
) -> None:
    export(hard, "hard", "easyr1", tmp_path / "out", asking=Asking(boxes=frame))
    rows = table(tmp_path / "out" / "train.parquet")
    (row,) = {row["sample_id"]: row for row in rows if row["answer_kind"] == "box"}.values()
    value, said = FRAMES[frame]
    assert json.loads(row["answer"]) == [float(n) for n in value]
    assert json.loads(row["reference"])["answer"]["value"] == value
    assert said in row["problem"]
    assert "Give coordinates" not in "".join(
        r["problem"] for r in rows if r["answer_kind"] == "text"
    )
    back = [s for s in made(READERS["easyr1"]("back", tmp_path / "out")) if isinstance(s, Sample)]
    assert seen(back) == seen(curated(hard, "hard"))


def test_a_template_says_how_to_answer(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "trl", tmp_path / "out", asking=Asking(template=TEMPLATES["boxed"]))
    rows = table(tmp_path / "out" / "train.parquet")
    assert all("\\boxed{}" in row["prompt"][-1]["content"][-1]["text"] for row in rows)


def test_sound_goes_to_formats_with_a_column_for_it(hard: Workspace, tmp_path: Path) -> None:
    for name in ("verl", "ms-swift", "llama-factory"):
        export(hard, "heard", name, tmp_path / name)
        back = [s for s in made(READERS[name]("back", tmp_path / name)) if isinstance(s, Sample)]
        assert seen(back) == seen(curated(hard, "heard"))
    verl.load(tmp_path / "verl" / "train.parquet")
    for name in ("trl", "easyr1", "lmms-lab", "vlm-r1", "openai-rft"):
        with pytest.raises(WrongUse, match=r"no column for audio; export heard@1 to .*ms-swift"):
            export(hard, "heard", name, tmp_path / name)


def test_openai_gets_families_of_their_own_to_validate_on(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "openai-rft", tmp_path / "out")
    train, held = (table(tmp_path / "out" / f"{name}.jsonl") for name in ("train", "validation"))

    def families(rows: list[dict[str, Any]]) -> set[str]:
        said = (json.loads(row["curricle"]) for row in rows)
        return {one["parent"] or one["sample_id"] for one in said}

    assert held
    assert not families(train) & families(held)
    grader = json.loads((tmp_path / "out" / "grader.json").read_text())
    assert set(grader["graders"]) == {"exact", "contains"}
    assert all(row["reference_answer"] for row in train + held)
    assert all(row["messages"][-1]["role"] == "user" for row in train + held)


def test_another_set_may_be_the_validation_file(hard: Workspace, tmp_path: Path) -> None:
    done = export(hard, "hard", "verl", tmp_path / "out", validation="single@1")
    assert done.files.keys() == {"train.parquet", "validation.parquet"}


def test_a_folder_of_something_else_is_refused(hard: Workspace, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(WrongUse, match="holds something else than an export"):
        export(hard, "hard", "trl", tmp_path / "thesis")
    with pytest.raises(WrongUse, match="is a file"):
        export(hard, "hard", "trl", tmp_path / "thesis" / "chapter.txt")
    assert files(tmp_path) == {"thesis/chapter.txt": b"years of work"}


def test_an_export_that_fails_leaves_the_old_one(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "single", "lmms-lab", tmp_path / "out")
    before = files(tmp_path)
    with pytest.raises(WrongUse, match=r"has 2 media.*place for 1"):
        export(hard, "hard", "lmms-lab", tmp_path / "out")
    assert files(tmp_path) == before
    export(hard, "single", "verl", tmp_path / "out")
    assert "train.parquet" in files(tmp_path / "out")
    assert "README.md" in files(tmp_path / "out")


def test_what_a_format_cannot_hold_is_said(hard: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(WrongUse, match="takes media paths only"):
        export(hard, "hard", "vlm-r1", out, media="embedded")
    with pytest.raises(WrongUse, match="takes media embedded only"):
        export(hard, "hard", "openai-rft", out, media="paths")
    with pytest.raises(WrongUse, match="no dataset 'soft'"):
        export(hard, "soft", "trl", out)
    with pytest.raises(WrongUse, match="no format 'axolotl'; known: easyr1"):
        export(hard, "hard", "axolotl", out)
    assert not out.exists()


def test_lost_originals_leave_what_was_shown(hard: Workspace, tmp_path: Path) -> None:
    export(hard, "hard", "trl", tmp_path / "out", media="embedded")
    shutil.rmtree(tmp_path / "out" / "originals")
    back = [s for s in made(READERS["trl"]("back", tmp_path / "out")) if isinstance(s, Sample)]
    want = curated(hard, "hard")
    assert len(back) == len(want)
    views = [one for one, was in zip(back, want, strict=True) if was.history]
    assert all(view.parent and not view.history for view in views)
