"""The circle: corpora to a trained policy and back into the catalog, through the flow."""

from pathlib import Path

import pytest

from pipelines.workspace import Workspace

SETTINGS = """
plans = ["plan.toml"]
[policy]
source = "{policy}"
max_tokens = 6
[[corpora]]
name = "digits"
options = {{ size = 24, held_out = 6 }}
[[corpora]]
name = "beeps"
options = {{ size = 8, held_out = 4 }}
[[corpora]]
name = "sums"
options = {{ size = 12, held_out = 4 }}
[augment]
recipes = ["light-image", "light-audio"]
[score]
cap = 4
[search]
where = "pass_rate = 0"
iterations = 2
limit = 6
[[train]]
dataset = "loop"
prompts_per_step = 2
max_steps = 4
num_generations = 2
eval_samples = 8
eval_answers = 2
"""
PLAN = """
name = "loop"
include_views = true
[band]
low = 0.0
high = 1.0
unsolved_share = 0.9
[gates]
unsolved_by_all_share = 0.9
unsolved_by_all_tries = 1
[quota]
size = 18
[order]
stages = 2
prompts_per_step = 2
"""


def counts(workspace: Workspace) -> dict[str, int]:
    rows = workspace.catalog.rows("select purpose, count(*) as n from rollouts group by purpose")
    return {row["purpose"]: row["n"] for row in rows}


@pytest.mark.usefixtures("prefect_server")
def test_a_refresh_goes_all_the_way_and_a_second_one_does_nothing(
    tmp_path: Path, quick_policy: Path
) -> None:
    from flows.refresh import refresh

    (tmp_path / "curricle.toml").write_text(SETTINGS.format(policy=quick_policy))
    (tmp_path / "plan.toml").write_text(PLAN)
    done = refresh(str(tmp_path))
    workspace = Workspace(tmp_path)
    (run,) = done["train"]
    asked = counts(workspace)
    assert set(asked) == {"score", "search", "train", "eval"}
    assert asked["train"] == 4 * 2 * 2
    _seen_in_order(workspace, run["run_id"])
    _loads(Path(run["checkpoint"]))
    again = refresh(str(tmp_path))
    assert counts(workspace) == asked
    assert again["train"][0]["found_done"] is True
    assert again["curate"][0]["minted"] is False


def _seen_in_order(workspace: Workspace, run_id: str) -> None:
    rows = workspace.catalog.rows(
        "select position, first_step from honoured where run_id = ? and not never_seen and not padded "
        "order by position",
        run_id,
    )
    assert len(rows) >= 6
    assert [row["first_step"] for row in rows] == [1 + row["position"] // 2 for row in rows]


def _loads(folder: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    assert AutoProcessor.from_pretrained(folder).chat_template
    assert AutoModelForImageTextToText.from_pretrained(folder).num_parameters() > 1_000_000
