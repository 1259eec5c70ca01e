"""What a run leaves in Prefect, and that nothing depends on it."""

from pathlib import Path
from typing import Any

import pytest

from flows.artifacts import bars, leave_link, leave_table, row, slug


def test_a_row_has_names_numbers_and_the_sums_of_counts() -> None:
    record = {
        "corpus": "gsm8k",
        "new": 2,
        "rate": 0.123456,
        "rejected": {"read: a": 1, "read: b": 2},
        "leaks": {"x": {"exact": 4}, "y": {}},
        "evaluation": {"accuracy": 0.5},
        "stages": [1, 2],
        "stopped_by": None,
    }
    assert row(record) == {"corpus": "gsm8k", "new": 2, "rate": 0.1235, "rejected": 3, "leaks": 4}


def test_bars_are_as_long_as_their_counts() -> None:
    drawn = bars({"0-10%": 40, "10-20%": 1, "20-30%": 0}).splitlines()
    assert [line.count("█") for line in drawn] == [0, 40, 1, 0, 0]
    assert drawn[1].endswith(" 40")
    assert bars({"0-10%": 0}) == ""


def test_a_key_is_what_prefect_takes() -> None:
    assert slug("My set_2@é") == "my-set-2"
    assert slug("é") == "x"


@pytest.mark.usefixtures("prefect_server")
def test_a_run_leaves_its_tables_and_links(tmp_path: Path) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client

    @flow
    def leaves() -> str:
        leave_table("what-it-did", [{"corpus": "a", "new": 1}], "All of it.")
        leave_link("card-a", tmp_path / "card.md", "The card.")
        leave_table("Bad Key!", [{"corpus": "a"}], "Refused, and nothing happens.")
        return "done"

    assert leaves() == "done"
    with get_client(sync_client=True) as client:
        left: list[Any] = client.read_artifacts()
    by_key = {one.key: one for one in left}
    assert '"corpus": "a"' in by_key["what-it-did"].data
    assert (tmp_path / "card.md").as_uri() in by_key["card-a"].data


def test_outside_a_run_nothing_is_left_and_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "prefect.artifacts.create_table_artifact", lambda **what: asked.append(what)
    )
    leave_table("nowhere", [{"a": 1}], "No server is needed.")
    assert asked == []
