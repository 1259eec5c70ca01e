"""The page without a browser: what it says, what it must not, and what it is made of."""

import base64
import hashlib
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from parsed_page import Parsed, parsed
from small_report import HOSTILE, SECRET

from flows.cli.main import run as command
from flows.report.making import make_report
from pipelines.curation.counting import REASONS
from pipelines.workspace import Workspace


def test_hostile_text_stays_text(shown: Parsed) -> None:
    assert {attributes.get("type", "") for attributes, _ in shown.scripts} == {
        *("application/json", "application/gzip", "")
    }
    assert sum("type" not in attributes for attributes, _ in shown.scripts) == 1
    assert not any(name.startswith("on") for _, given in shown.elements for name in given)
    assert all(image["src"].startswith("data:image/") for image in shown.named("img"))
    assert HOSTILE[:60] in shown.words
    assert "{{7*7}}" in shown.words


def test_data_holds_hostile_text_unchanged_and_closes_nothing(page: Path, shown: Parsed) -> None:
    index = shown.block("index")
    row = index["columns"]["question"].index(HOSTILE)
    assert index["words"]["task"][index["columns"]["task"][row]] == HOSTILE
    details = shown.details[row]
    assert details["sources"][0][:2] == [HOSTILE, HOSTILE]
    assert {one[4] for one in details["answers"]} == {HOSTILE}
    data = re.findall(r'json" id="[^"]*">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert not re.search("[<>&\u2028\u2029]", "".join(data))


def test_the_page_reaches_nothing_and_runs_only_its_own_script(shown: Parsed) -> None:
    for tag, given in shown.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "action", "srcset", "poster"):
            assert given.get(name, "#").startswith(("#", "data:")), (tag, given)
    (csp,) = (m["content"] for m in shown.named("meta") if "http-equiv" in m)
    rules = dict(rule.split(" ", 1) for rule in csp.split("; "))
    assert rules["default-src"] == "'none'"
    assert "style" not in {name for _, given in shown.elements for name in given}
    script = next(text for given, text in shown.scripts if "type" not in given)
    for name, text in (("script-src", script), ("style-src", shown.style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert "url(" not in shown.style
    assert "@import" not in shown.style


def test_the_same_catalog_gives_the_same_bytes(made: Workspace, page: Path, tmp_path: Path) -> None:
    make_report(made, [], output=tmp_path / "again.html", curves=False)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()
    assert str(made.root).encode() not in page.read_bytes()


def test_a_withdrawn_sample_is_nowhere(made: Workspace, page: Path, shown: Parsed) -> None:
    (gone,) = made.catalog.rows("select sample_id from withdrawals")
    everything = page.read_text("utf-8") + json.dumps(shown.details)
    assert SECRET not in everything
    assert gone["sample_id"][:12] not in everything
    assert "1 sample was withdrawn for good" in shown.words


def test_what_cannot_be_drawn_says_why(shown: Parsed) -> None:
    held = shown.block("media-0")
    assert [one[4] for one in held if not one[0]] == ["missing file"]
    assert sum(one[3].startswith("data:audio/flac;base64,") for one in held) == 1


def test_media_keep_to_their_budget_and_the_page_says_what_is_missing(
    made: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "small.html"
    _, told = make_report(made, [], output=path, media_megabytes=0.0004, samples=20, curves=False)
    shown = parsed(path)
    held = shown.block("media-0")
    assert 0 < sum(len(one[0]) + len(one[3]) for one in held) <= 400
    assert told.media == len(held)
    assert told.media_left_out > 0
    assert told.samples == len(shown.details) == 20
    assert f"leaves out {told.samples_left_out} samples" in " ".join(shown.words.split())
    assert -1 in shown.block("index")["columns"]["picture"]


def test_every_sample_says_the_rule_that_the_manifest_counted(
    made: Workspace, shown: Parsed
) -> None:
    index = shown.block("index")
    said = Counter(index["words"]["why"][number] for number in index["columns"]["why"])
    rows = made.catalog.rows("select manifest from datasets where dataset = 'small'")
    counts = json.loads(rows[0]["manifest"])["counts"]
    # The one that was withdrawn since is counted still.
    for reason, dropped in counts["dropped"].items():
        assert abs(said[REASONS[reason]] - dropped) <= 1, reason
    assert said["in the set"] in (counts["kept"], counts["kept"] - 1)


def test_the_way_of_a_sample_leads_from_its_record_to_its_steps(shown: Parsed) -> None:
    told = next(one for one in shown.details if one.get("visits") and "history" not in one)
    assert len(told["sources"]) == 1
    assert told["sets"][0][0].startswith("small")
    assert told["visits"][0][1][0][1:] == [4, 8]
    view = next(one for one in shown.details if "history" in one)
    assert view["history"] == ["jpeg: quality 40"]
    parent = shown.details[view["parent"][1]]
    assert parent["id"].startswith(view["parent"][0])
    assert view["sources"] == parent["sources"]


def test_headings_tables_and_names_are_in_order(shown: Parsed) -> None:
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tags = Counter(tag for tag, _ in shown.elements)
    assert tags["table"] == tags["caption"] > 0
    assert all("scope" in given for given in shown.named("th"))
    ids = [given["id"] for _, given in shown.elements if "id" in given]
    assert len(ids) == len(set(ids))
    for _, given in shown.elements:
        for name in ("aria-labelledby", "for"):
            assert given.get(name, ids[0]) in ids


def test_training_is_told_with_signals_and_the_control(shown: Parsed) -> None:
    words = " ".join(shown.words.split())
    assert "entropy_collapse at step 2" in words
    assert "exactly as planned" in words
    cells = "".join(words.split())
    assert "75.0%62.5%+12.5+12.5to+12.5" in cells  # curated 6 of 8, control 5 of 8
    assert "37.5%75.0%+37.5" in cells


def test_an_empty_workspace_says_what_to_run(workspace: Workspace, tmp_path: Path) -> None:
    workspace.catalog.ready()
    make_report(workspace, [], output=tmp_path / "empty.html")
    shown = parsed(tmp_path / "empty.html")
    said = " ".join(shown.words.split())
    for line in ("ingest digits", "score --policy", "curate plans/example.toml", "train NAME"):
        assert f"Next: curricle {line}" in said
    assert not any(given.get("id") == "browser" for _, given in shown.elements)


@pytest.mark.slow  # Matplotlib draws the curves
def test_the_command_writes_the_page_of_what_was_named(
    copied: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--workspace", str(copied.root)]
    assert command(["report", "aaaa", *root]) == 0
    said = capsys.readouterr().out
    assert f"page: {copied.root / 'reports' / 'run-aaaa1111.html'}" in said
    assert "run aaaa1111 (done)" in said
    assert (copied.root / "reports" / "run-aaaa1111.png").is_file()
    out = copied.root / "elsewhere" / "page.html"
    assert command(["report", "aaaa", "--json", "--output", str(out), *root]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["page"]["path"] == str(out)
    assert [one["run_id"] for one in found["runs"]] == ["aaaa1111"]
    assert "Run aaaa1111" in out.read_text()
    assert not list(out.parent.glob(".tmp-*"))


def test_a_name_of_nothing_is_one_sentence(
    made: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["report", "nothing", "--workspace", str(made.root)]) == 2
    assert "'nothing' is no dataset, and no run's id begins" in capsys.readouterr().err
