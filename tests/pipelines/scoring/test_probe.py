"""Probes: what they show, what they count, and jobs that survive their death."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta
from scripts import asker

from pipelines.catalog.samples import add_samples
from pipelines.corpora.digits import digits
from pipelines.policies.policy import Request
from pipelines.policies.render import GREY
from pipelines.policies.scripted import Script
from pipelines.record.sample import Answer, Sample, ask
from pipelines.scoring.budget import Budget
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.scoring.probe import ProbeJob
from pipelines.scoring.probe_views import BlindProbe, Probe, ShuffleProbe
from pipelines.workspace import Workspace

OPTIONS = ("red", "green", "blue", "grey")


def choices(count: int) -> list[Sample]:
    """Make questions about number i whose right option is always `green`."""
    lines = "".join(f"\n{letter}) {text}" for letter, text in zip("ABCD", OPTIONS, strict=True))
    return [
        Sample(
            prompt=ask(f"Number {i}?{lines}"),
            answer=Answer.choice("B", OPTIONS),
            task="colours/choose",
            corpus="colours",
            source_ref=f"train/{i}",
        )
        for i in range(count)
    ]


def keep(workspace: Workspace, samples: list[Sample]) -> list[str]:
    for sample in samples:
        for medium in sample.media:
            workspace.media.put(medium)
    with workspace.catalog.write() as connection:
        add_samples(connection, samples)
        rows = {(m.media_id, m.kind) for sample in samples for m in sample.media}
        for media_id, kind in sorted(rows):
            connection.execute("insert into media (media_id, kind) values (?, ?)", [media_id, kind])
    return [sample.sample_id for sample in samples]


def words(request: Request) -> str:
    return "".join(b.get("text", "") for m in request.messages for b in m["content"])


def knows(request: Request, k: int, seed: int) -> str:
    """Find green wherever it stands, three times of four."""
    letter = re.search(r"([A-D])\) green", words(request))
    draw = np.random.default_rng([seed, k, len(words(request))]).random()
    return letter[1] if letter and draw < 0.75 else "Z"


def loves_b(request: Request, k: int, seed: int) -> str:
    return "B"


def guesses(request: Request, k: int, seed: int) -> str:
    return "ABCD"[np.random.default_rng([seed, k]).integers(4)]


def probe_job(workspace: Workspace, script: Script, probe: Probe, **settings: int) -> ProbeJob:
    return ProbeJob(workspace.catalog, asker(workspace, script), probe, **settings)


def score(workspace: Workspace, script: Script, ids: list[str], n: int = 8) -> None:
    rule = StoppingRule(block=n, cap=n)
    PassRateJob(workspace.catalog, asker(workspace, script), rule).run(ids)


def evidence(workspace: Workspace) -> list[tuple[object, ...]]:
    rows = workspace.catalog.rows(
        "select sample_id, purpose, round, k, view::varchar, completion, correct "
        "from graded order by all"
    )
    return [tuple(row.values()) for row in rows]


def test_a_blind_probe_shows_grey_and_says_so(workspace: Workspace) -> None:
    ids = keep(workspace, list(digits(size=6, held_out=0)))
    grey: list[bool] = []

    def script(request: Request, k: int, seed: int) -> str:
        grey.append(bool((np.asarray(request.images[0]) == GREY).all()))
        return "nothing to see"

    summary = probe_job(workspace, script, BlindProbe(), n=3).run(ids)
    assert grey == [True] * 18
    assert (summary.rollouts, summary.samples, summary.open_samples) == (18, 6, 0)
    views = workspace.catalog.rows("select distinct purpose, view::varchar as view from rollouts")
    assert views == [{"purpose": "blind", "view": '{"blind":"blanked"}'}]


def test_what_the_blind_probe_finds_stands_beside_plain_asking(workspace: Workspace) -> None:
    picture = next(s for s in digits(size=60) if s.task == "digits/read")
    ids = keep(workspace, [picture])
    right = str(picture.answer.value)

    def script(request: Request, k: int, seed: int) -> str:
        looks = bool(request.images) and (np.asarray(request.images[0]) != GREY).any()
        return right if looks or k == 0 else "-1"

    score(workspace, script, ids)
    summary = probe_job(workspace, script, BlindProbe(), n=8).run(ids)
    assert (summary.compared, summary.probed_rate, summary.plain_rate) == (1, 1 / 8, 1.0)
    (row,) = workspace.catalog.rows("from blind_rate")
    posterior = beta(1.5, 7.5)
    assert (row["showing"], row["n"], row["successes"]) == ("blanked", 8, 1)
    assert row["posterior_mean"] == pytest.approx(posterior.mean())
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(posterior.ppf([0.025, 0.975]))
    (gain,) = workspace.catalog.rows("from vision_gain")
    assert (gain["vision_gain"], gain["solvable_blind"]) == (7 / 8, False)
    assert 0.4 < gain["gain_low"] < 7 / 8 < gain["gain_high"] < 1.2
    (difficulty,) = workspace.catalog.rows("from difficulty")
    assert (difficulty["n"], difficulty["pass_rate"], difficulty["blind_rate"]) == (8, 1.0, 1 / 8)


def test_withheld_media_are_not_sent_and_are_told_from_blanked_ones(workspace: Workspace) -> None:
    ids = keep(workspace, list(digits(size=2, held_out=0)))
    pictures: list[int] = []

    def script(request: Request, k: int, seed: int) -> str:
        pictures.append(len(request.images))
        return "7"

    probe_job(workspace, script, BlindProbe("withheld"), n=2).run(ids)
    probe_job(workspace, script, BlindProbe(), n=4).run(ids)
    assert pictures == [0] * 4 + [1] * 8
    rows = workspace.catalog.rows("select showing, n from blind_rate")
    assert rows == [{"showing": "blanked", "n": 4}] * 2


def test_what_has_nothing_to_withhold_or_to_move_is_skipped_and_counted(
    workspace: Workspace,
) -> None:
    (stuck,) = choices(1)
    all_of_them = ("red", "green", "blue", "all of the above")
    stuck = replace(stuck, prompt=ask("?"), answer=Answer.choice("D", all_of_them))
    ids = keep(workspace, [*choices(2), stuck, *digits(size=1, held_out=0)])
    blind = probe_job(workspace, loves_b, BlindProbe()).run(ids)
    assert (blind.skipped, blind.rollouts) == ({"text_only": 3}, 4)
    job = probe_job(workspace, loves_b, ShuffleProbe())
    estimate = job.estimate(ids)
    assert (estimate.open_samples, estimate.rollouts) == (2, 2 * 3 * 4)
    shuffle = job.run(ids)
    assert shuffle.skipped == {"refers_to_others": 1, "no_choice": 1}
    assert shuffle.rollouts == estimate.rollouts
    assert job.estimate(ids).rollouts == 0


@pytest.mark.parametrize(
    ("script", "plain", "shuffled"),
    [(knows, 0.75, 0.75), (loves_b, 1.0, 0.0), (guesses, 0.25, 0.25)],
)
@pytest.mark.slow
def test_who_knows_keeps_it_and_who_loves_a_letter_loses_it(
    workspace: Workspace, script: Script, plain: float, shuffled: float
) -> None:
    ids = keep(workspace, choices(20))
    score(workspace, script, ids)
    summary = probe_job(workspace, script, ShuffleProbe(), n=4).run(ids)
    assert summary.plain_rate == pytest.approx(plain, abs=0.12)
    assert summary.probed_rate == pytest.approx(shuffled, abs=0.12)
    rows = workspace.catalog.rows("from shuffle_consistency")
    assert len(rows) == 20
    for row in rows:
        assert (row["permutations"], row["n"], row["plain_n"]) == (3, 12, 8)
        p, s = row["pass_rate"], row["shuffled_rate"]
        assert row["consistency"] == pytest.approx(p * s + (1 - p) * (1 - s))
        assert row["rate_drop"] == pytest.approx((p - s) / 0.75)
        assert row["drop_low"] < row["drop_high"]
    if script is loves_b:
        assert {row["consistency"] for row in rows} == {0.0}
        assert min(row["drop_low"] for row in rows) > 0.5


@pytest.mark.slow
def test_the_letter_that_a_policy_loves_shows(workspace: Workspace) -> None:
    ids = keep(workspace, choices(3))
    score(workspace, loves_b, ids)
    score(workspace, guesses, keep(workspace, choices(5)[3:]))
    probe_job(workspace, loves_b, ShuffleProbe(), n=2).run(ids)
    rows = workspace.catalog.rows(
        "select letter, samples, n, pass_rate from letter_bias order by 1"
    )
    assert [row["letter"] for row in rows] == ["A", "B", "C", "D"]
    assert [row["pass_rate"] for row in rows] == [0.0, 1.0, 0.0, 0.0]
    assert [(row["samples"], row["n"]) for row in rows] == [(3, 6), (3, 24), (3, 6), (3, 6)]


def test_an_answer_is_graded_by_the_letters_that_were_shown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.rewards import REWARDS

    ids = keep(workspace, choices(1))
    probe_job(workspace, loves_b, ShuffleProbe(), n=1).run(ids)
    rows = workspace.catalog.rows("select view::varchar as view, correct from graded order by 1")
    assert [(row["view"], row["correct"]) for row in rows] == [
        ('{"options":[1,2,3,0]}', False),
        ('{"options":[2,3,0,1]}', False),
        ('{"options":[3,0,1,2]}', False),
    ]
    # A newer grader must not grade them by the letter that was right before the move.
    newer = replace(REWARDS["choice"], version=99)
    monkeypatch.setitem(REWARDS, "choice", newer)
    score(workspace, loves_b, ids)
    old = workspace.catalog.rows(
        "select count(*) as n from graded where purpose = 'shuffle' and reward_id like 'choice@99%'"
    )
    assert old == [{"n": 0}]


def test_probes_never_mix_into_difficulty(workspace: Workspace) -> None:
    ids = keep(workspace, choices(4))
    probe_job(workspace, knows, ShuffleProbe()).run(ids)
    assert workspace.catalog.rows("from difficulty") == []
    score(workspace, knows, ids)
    before = workspace.catalog.rows("select sample_id, n, successes from difficulty order by 1")
    probe_job(workspace, knows, ShuffleProbe(), n=9).run(ids)
    after = workspace.catalog.rows("select sample_id, n, successes from difficulty order by 1")
    assert before == after


@pytest.mark.slow
def test_nothing_is_asked_twice_and_more_answers_are_only_the_difference(
    workspace: Workspace,
) -> None:
    ids = keep(workspace, choices(5))
    assert probe_job(workspace, knows, ShuffleProbe(1), n=2).run(ids).rollouts == 10
    assert probe_job(workspace, knows, ShuffleProbe(1), n=2).run(ids).rollouts == 0
    assert probe_job(workspace, knows, ShuffleProbe(1), n=2, seed=1).run(ids).rollouts == 0
    assert probe_job(workspace, knows, ShuffleProbe(1), n=3).run(ids).rollouts == 5
    assert probe_job(workspace, knows, ShuffleProbe(3), n=3).run(ids).rollouts == 30
    assert probe_job(workspace, knows, ShuffleProbe(3), n=3).run(ids[:2]).rollouts == 0
    keys = workspace.catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as d from rollouts"
    )
    assert keys == [{"n": 45, "d": 45}]


@pytest.mark.slow
def test_a_budget_stops_between_units_and_the_next_call_goes_on(workspace: Workspace) -> None:
    ids = keep(workspace, choices(10))
    job = probe_job(workspace, knows, ShuffleProbe(1), n=4, batch=2)
    first = job.run(ids, budget=Budget(rollouts=13))
    assert (first.rollouts, first.stopped_by, first.open_samples) == (12, "rollouts", 7)
    second = job.run(ids, budget=Budget(tokens=5))
    assert (second.rollouts, second.stopped_by) == (8, "tokens")
    last = job.run(ids, budget=Budget(rollouts=1000))
    assert (last.rollouts, last.stopped_by, last.open_samples) == (20, "", 0)


def test_unscored_answers_are_not_asked_for_ever(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.rewards import Grading, Score

    ids = keep(workspace, choices(2))
    monkeypatch.setattr(Grading, "grade", lambda *_: Score(0.0, None, "the grader failed"))
    job = probe_job(workspace, knows, ShuffleProbe(1), n=2)
    summary = job.run(ids)
    assert (summary.rollouts, summary.compared, summary.probed_rate) == (4, 0, None)
    assert job.run(ids).rollouts == 0


PROBE = """
import sys, time
from pathlib import Path
from test_probe import ShuffleProbe, knows, probe_job
from pipelines.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
def slowly(request, k, seed):
    time.sleep(0.002)
    return knows(request, k, seed)
ids = [row["sample_id"] for row in workspace.catalog.rows("from samples")]
print("asking", flush=True)
probe_job(workspace, slowly, ShuffleProbe(2), n=2, batch=8).run(ids)
"""


@pytest.mark.slow
def test_kill_minus_nine_at_random_moments_loses_nothing_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    for workspace in (whole, broken):
        keep(workspace, choices(60))
    ids = [row["sample_id"] for row in whole.catalog.rows("from samples")]
    probe_job(whole, knows, ShuffleProbe(2), n=2, batch=8).run(ids)
    command = [sys.executable, "-c", PROBE, str(broken.root)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), "."])}
    for patience in np.random.default_rng().uniform(0.02, 1.0, 3):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"asking\n"
        time.sleep(patience)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True)
    assert evidence(broken) == evidence(whole)
    keys = broken.catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as d from rollouts"
    )
    assert keys[0]["n"] == keys[0]["d"]
