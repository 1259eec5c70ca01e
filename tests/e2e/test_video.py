"""Videos go all the way: filmed, ingested, augmented, scored, probed, curated and trained on."""

from pathlib import Path

import pytest

from flows import evidence, stages
from flows.settings import AugmentSettings, CorpusSettings, GeneratorOptions, read_settings
from pipelines.workspace import Workspace

SETTINGS = """
plans = ["plan.toml"]
[policy]
source = "{policy}"
max_tokens = 6
[score]
cap = 4
[probe]
answers = 1
[[train]]
dataset = "films"
prompts_per_step = 2
max_steps = 2
num_generations = 2
eval_samples = 0
"""
PLAN = """
name = "films"
include_views = true
[band]
low = 0.0
high = 1.0
unsolved_share = 0.9
[gates]
unsolved_by_all_share = 0.9
unsolved_by_all_tries = 1
[quota]
size = 4
[order]
prompts_per_step = 2
"""


RECIPE = """
medium = "video"
[[steps]]
transform = "frame_drop"
[[steps]]
transform = "gaussian_noise"
limits = { sigma = [4, 12] }
"""


@pytest.fixture
def workspace(tmp_path: Path, quick_policy: Path) -> Workspace:
    (tmp_path / "curricle.toml").write_text(SETTINGS.format(policy=quick_policy))
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "grain.toml").write_text(RECIPE)
    return Workspace(tmp_path)


@pytest.mark.slow
def test_films_are_ingested_scored_curated_and_trained_on(workspace: Workspace) -> None:
    settings = read_settings(workspace)
    films = CorpusSettings(name="blinks", options=GeneratorOptions(size=8, held_out=2))
    assert stages.ingest(workspace, films).new == 10
    (views,) = stages.augment(workspace, AugmentSettings(recipes=("grain.toml",)))
    assert views.views == 8
    assert all(reason.startswith("frame_drop: brief") for reason in views.forbidden)
    evidence.score(workspace, settings.policy, settings.score)
    assert evidence.probe(workspace, settings.policy, settings.probe, "blind").rollouts > 0
    assert stages.curate(workspace, workspace.root / "plan.toml").samples == 4
    assert stages.train(workspace, settings, settings.train[0]).steps == 2
    asked = _asked(workspace)
    assert set(asked) == {"score", "blind", "train"}
    assert asked["train"] == 2 * 2 * 2


def _asked(workspace: Workspace) -> dict[str, int]:
    """Count the answers about films."""
    rows = workspace.catalog.rows(
        "select purpose, count(*) as n from rollouts join samples using (sample_id) "
        "where modality = 'video' group by purpose"
    )
    return {row["purpose"]: row["n"] for row in rows}
