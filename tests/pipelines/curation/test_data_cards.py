"""Cards: what a reader of a dataset needs to know, and nothing that a corpus smuggles in."""

from pathlib import Path

import yaml
from huggingface_hub import DatasetCard
from small_catalog import (
    a_plan,
    add,
    choice_question,
    filled,
    picture_question,
    sum_question,
    tried,
)

from pipelines.curation.cards import TEMPLATE, escaped, fenced, render_card
from pipelines.curation.curate import curate
from pipelines.curation.manifest import parse_manifest, read_manifest
from pipelines.workspace import Workspace

ROOT = Path(__file__).parents[3]


def test_a_card_names_licences_evidence_band_and_hash(workspace: Workspace) -> None:
    filled(workspace, [1, 4, 7, 0, 8])
    filled(workspace, [2, 3], picture_question)
    frozen = curate(workspace, a_plan(where="task <> 'x'", order={"stages": 2}))
    card = frozen.card.read_text()
    assert card == (frozen.folder / "card.md").read_text()
    for told in (
        *("CC0-1.0", "MIT", "tiny", r"sum\_question@1", "Band 0.1 to 0.9", "task <> 'x'"),
        *("easy-to-hard", "small-control@1", "load_dataset", "Known limits", "never solved"),
        read_manifest(frozen.folder).manifest_hash,
    ):
        assert told in card
    assert str(workspace.root) not in card


def test_the_header_is_what_the_hub_reads(workspace: Workspace) -> None:
    filled(workspace, [1, 4])
    card = DatasetCard(curate(workspace, a_plan()).card.read_text())
    header = yaml.safe_load(card.data.to_yaml())
    assert header["license"] == ["cc0-1.0"]
    assert header["size_categories"] == ["n<1K"]
    assert header["configs"][0]["data_files"] == [{"split": "train", "path": "shard-*.parquet"}]
    assert header["task_categories"] == ["question-answering"]
    assert header["annotations_creators"] == ["found", "machine-generated"]
    assert "license_name" not in header


def test_the_hub_s_library_loads_a_card_with_licences_of_its_own(workspace: Workspace) -> None:
    filled(workspace, [1, 4])
    filled(workspace, [2], picture_question, licence="Our Own Terms 2.0")
    filled(workspace, [3], choice_question, licence="")
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into corpora (corpus, homepage) values ('digits', 'https://example.org/terms')"
        )
    data = DatasetCard.load(curate(workspace, a_plan()).folder / "card.md").data
    assert data.license == ["cc0-1.0", "other", "unknown"]
    assert data["license_name"] == "our-own-terms-2.0"
    assert data["license_link"] == "https://example.org/terms"
    assert data.task_categories == ["question-answering", "visual-question-answering"]
    assert "image" in data["tags"]


def test_a_card_says_what_is_asked_and_of_which_kind(workspace: Workspace) -> None:
    filled(workspace, [1, 4, 3])
    filled(workspace, [2], picture_question)
    card = curate(workspace, a_plan()).card.read_text()
    assert "| sums/add | text | number | 3 |" in card
    assert "| digits/read | image | number | 1 |" in card


def test_versions_that_were_frozen_without_contents_keep_their_hash_and_have_a_card(
    workspace: Workspace,
) -> None:
    filled(workspace, [1, 4])
    manifest = read_manifest(curate(workspace, a_plan()).folder)
    assert manifest.contents
    older = manifest.model_copy(update={"contents": ()}).sealed(manifest.shards, {})
    assert "contents" not in older.text()
    assert parse_manifest(older.text(), "it") == older
    assert "What it asks" not in render_card(older)


def test_a_control_has_a_card_of_its_own(workspace: Workspace) -> None:
    filled(workspace, [1, 4])
    curate(workspace, a_plan())
    card = (workspace.root / "data_cards" / "small-control@1.md").read_text()
    assert "random **control** for small@1" in card
    assert "No band was applied" in card


def test_what_others_wrote_is_escaped(workspace: Workspace) -> None:
    sample = sum_question(1, corpus="<script>|x|\n# Big", licence="a\n---\n[b](c)")
    add(workspace, [sample])
    tried(workspace, {sample.sample_id: 4}, policy="**bold**")
    card = curate(workspace, a_plan(where="true -- ```\n")).card.read_text()
    assert "<script>" not in card
    assert "\n# Big" not in card
    assert r"\*\*bold\*\*" in card
    assert "````sql\ntrue -- ```\n````" in card


def test_escaping_keeps_plain_words_plain() -> None:
    assert escaped("gsm8k 0.1, CC-BY-4.0 (x)") == "gsm8k 0.1, CC-BY-4.0 (x)"
    assert fenced("a", "sql") == "```sql\na\n```"


def test_the_template_in_data_cards_is_the_one_in_use() -> None:
    assert (ROOT / "data_cards" / "TEMPLATE.md").read_text() == TEMPLATE.read_text()


def test_a_set_from_a_test_split_warns(workspace: Workspace) -> None:
    filled(workspace, [1, 4], sum_question, split="test")
    assert "from a **test** split" in curate(workspace, a_plan(split="test")).card.read_text()
