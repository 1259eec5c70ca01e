"""Gates: what is solved blind, guessed, or never solved by anybody, and what it takes to say so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta
from small_catalog import (
    a_plan,
    add,
    choice_question,
    filled,
    picture_question,
    sum_question,
    tried,
)

from pipelines.curation.curate import EmptySelection, Frozen, curate
from pipelines.curation.gates import chance_guessed, chance_solvable_blind, gate
from pipelines.curation.kinds import Kind, Probed
from pipelines.curation.manifest import read_manifest
from pipelines.curation.plans import Gates
from pipelines.workspace import Workspace, WrongUse

BLIND = {"blind": "blanked"}
SHIFTED = {"options": [1, 2, 3, 0]}
LET_IN = {"band": {"unsolved_share": 0.9}}


def drawn(pair: Probed, guess: float, size: int = 400_000) -> list[np.ndarray]:
    """Draw both pass rates above guessing from their posteriors."""
    counts = [(pair.successes, pair.tries), (pair.probed_successes, pair.probed_tries)]
    rates = [
        beta(k + 0.5, n - k + 0.5).rvs(size, random_state=i) for i, (k, n) in enumerate(counts)
    ]
    return [np.maximum(0, (rate - guess) / (1 - guess)) for rate in rates]


def share_dropped(rate: float, probed: float, guess: float, chance: Any, over: float) -> float:
    """Simulate samples with these pass rates above guessing; say how many a gate would drop."""
    rng = np.random.default_rng(0)
    right = rng.binomial(8, guess + (1 - guess) * rate, 500)
    under = rng.binomial(8, guess + (1 - guess) * probed, 500)
    pairs = zip(right.tolist(), under.tolist(), strict=True)
    return float(np.mean([chance(Probed(8, a, 8, b), guess) > over for a, b in pairs]))


@pytest.mark.parametrize("guess", [0.0, 0.25, 0.5])
@pytest.mark.parametrize(
    "pair", [Probed(8, 4, 8, 4), Probed(16, 12, 4, 1), Probed(8, 8, 8, 8), Probed(8, 1, 8, 0)]
)
def test_the_chances_are_those_of_both_posteriors(pair: Probed, guess: float) -> None:
    plain, probed = drawn(pair, guess)
    blind = np.mean((probed >= plain - 0.05) & (probed >= 0.05))
    assert chance_solvable_blind(pair, guess, 0.05) == pytest.approx(blind, abs=0.004)
    fallen = np.mean(probed < plain - 0.25)
    assert chance_guessed(pair, guess, 0.25) == pytest.approx(fallen, abs=0.004)


def test_half_right_blind_is_solved_for_an_open_answer_and_guessed_for_yes_or_no() -> None:
    pair = Probed(16, 8, 16, 8)
    assert chance_solvable_blind(pair, 0.0, 0.05) > 0.5
    assert chance_solvable_blind(Probed(16, 15, 16, 8), 0.5, 0.05) < 0.01


def test_what_is_never_solved_is_not_solved_blind() -> None:
    assert chance_solvable_blind(Probed(16, 0, 16, 0), 0.0, 0.05) < 0.5


def test_the_blind_gate_drops_what_needs_no_looking_and_spares_what_does() -> None:
    def chance(pair: Probed, guess: float) -> float:
        return chance_solvable_blind(pair, guess, 0.05)

    for guess in (0.0, 0.25):
        assert share_dropped(0.9, 0.9, guess, chance, 0.5) > 0.6
        assert share_dropped(0.9, 0.0, guess, chance, 0.5) < 0.01
        assert share_dropped(0.5, 0.0, guess, chance, 0.5) < 0.1


def test_the_shuffle_gate_drops_a_loved_letter_and_spares_who_knows() -> None:
    def chance(pair: Probed, guess: float) -> float:
        return chance_guessed(pair, guess, 0.25)

    assert share_dropped(0.9, 0.0, 0.25, chance, 0.9) > 0.7
    for rate in (0.2, 0.5, 0.9):
        assert share_dropped(rate, rate, 0.25, chance, 0.9) < 0.05


def test_a_gate_without_evidence_lets_pass_and_a_kept_one_too() -> None:
    def kind(**probes: Probed) -> Kind:
        facts = {"task": "t", "modality": "image", "answer_kind": "choice", "guess_rate": 0.25}
        return Kind(tries=8, successes=7, **facts, **probes)  # type: ignore

    lucky, fallen = Probed(8, 7, 8, 7), Probed(8, 8, 12, 1)
    assert gate(kind(), Gates()) == ""
    assert gate(kind(blind=lucky), Gates()) == "solvable_blind"
    assert gate(kind(blind=lucky), Gates(blind="keep")) == ""
    assert gate(kind(shuffled=fallen), Gates()) == "guessed"
    assert gate(kind(shuffled=fallen), Gates(shuffle="keep")) == ""


def test_a_plan_drops_what_the_blind_probe_solved_and_counts_what_it_never_asked(
    workspace: Workspace,
) -> None:
    samples = filled(workspace, [4, 4, 4], picture_question)
    words = filled(workspace, [4])
    asked = {"policy": "tiny", "reward": "picture_question@1", "purpose": "blind", "view": BLIND}
    tried(workspace, {samples[0].sample_id: 6, samples[1].sample_id: 0}, **asked)
    kept = curate(workspace, a_plan(evidence={"reward": "*"}))
    assert kept.counts.dropped["solvable_blind"] == 1
    ids = chosen(workspace, kept)
    assert ids == {s.sample_id for s in [*samples[1:], *words]}
    assert kept.blind_untested == 1
    everything = curate(workspace, a_plan(gates={"blind": "keep"}))
    assert everything.counts.dropped["solvable_blind"] == 0
    assert everything.samples == 4


def test_blind_answers_of_another_policy_say_nothing_of_this_one(workspace: Workspace) -> None:
    samples = filled(workspace, [4, 4], picture_question)
    blind = {"purpose": "blind", "view": BLIND, "reward": "picture_question@1"}
    tried(workspace, {samples[0].sample_id: 8}, policy="other", **blind)
    tried(workspace, {samples[0].sample_id: 8}, policy="other", reward="picture_question@1")
    frozen = curate(workspace, a_plan(evidence={"policies": ["tiny"]}))
    assert (frozen.samples, frozen.blind_untested) == (2, 2)


def test_a_plan_drops_choices_whose_right_answers_do_not_survive(workspace: Workspace) -> None:
    samples = filled(workspace, [7, 7, 7], choice_question)
    shuffled = {"purpose": "shuffle", "view": SHIFTED, "reward": "choice_question@1", "tries": 12}
    tried(workspace, {samples[0].sample_id: 1, samples[1].sample_id: 11}, **shuffled)
    frozen = curate(workspace, a_plan())
    assert frozen.counts.dropped["guessed"] == 1
    assert chosen(workspace, frozen) == {s.sample_id for s in samples[1:]}
    assert frozen.shuffle_untested == 1
    assert "do not survive other places" in frozen.card.read_text()


def test_who_solved_what_is_asked_of_everybody(workspace: Workspace) -> None:
    samples = filled(workspace, [0, 0, 0, 4])
    tried(workspace, {samples[0].sample_id: 1}, policy="strong", purpose="search")
    tried(workspace, {samples[1].sample_id: 0}, policy="weak")
    tried(workspace, {samples[2].sample_id: 8}, policy="heart", purpose="train")
    solving = {row["sample_id"]: row for row in workspace.catalog.rows("from solving")}
    told = [[*solving[s.sample_id].values()][1:] for s in samples]
    assert told == [[2, 16, 1, True], [2, 16, 0, False], [1, 8, 0, False], [1, 8, 1, True]]
    unsolved = {row["sample_id"] for row in workspace.catalog.rows("from unsolved")}
    assert unsolved == {samples[1].sample_id, samples[2].sample_id}


def test_a_lucky_guess_solves_nothing(workspace: Workspace) -> None:
    samples = filled(workspace, [0, 0], choice_question)
    lucky = {samples[0].sample_id: 1, samples[1].sample_id: 7}
    tried(workspace, lucky, policy="strong", reward="choice_question@1")
    tried(workspace, lucky, policy="lucky", reward="choice_question@1", purpose="search", tries=8)
    rows = workspace.catalog.rows("select sample_id from unsolved")
    assert [row["sample_id"] for row in rows] == [samples[0].sample_id]


@pytest.mark.slow
def test_what_nobody_solved_stays_out_unless_a_share_is_given(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 8 + [0] * 6)
    hard, doubtful = samples[8:10], samples[10:]
    tried(workspace, {s.sample_id: 3 for s in hard}, policy="strong", reward="sum_question@1")
    tried(workspace, {s.sample_id: 0 for s in doubtful[:3]}, policy="weak", reward="sum_question@1")
    mine = {"evidence": {"policies": ["tiny"]}, **LET_IN}
    frozen = curate(workspace, a_plan(**mine))
    assert chosen(workspace, frozen) == {s.sample_id for s in samples[:10]}
    assert (frozen.unsolved, frozen.unsolved_by_all) == (2, 0)
    assert frozen.counts.dropped["unsolved_by_all"] == 4
    # Of four, one has too few tries, and one in eleven is a share that one of the rest fills.
    some = curate(workspace, a_plan(**mine, gates={"unsolved_by_all_share": 0.1}))
    assert (some.samples, some.unsolved, some.unsolved_by_all) == (11, 3, 1)
    most = curate(workspace, a_plan(**mine, gates={"unsolved_by_all_share": 0.9}))
    assert (most.samples, most.unsolved_by_all) == (13, 3)
    flagged = read_manifest(most.folder).doubts.unsolved_by_all
    assert flagged == tuple(sorted(s.sample_id for s in doubtful[:3]))
    assert "The labels of 3 samples that no policy ever solved may be wrong" in (
        most.card.read_text()
    )


@pytest.mark.slow
def test_another_policy_s_success_turns_a_doubtful_sample_into_a_hard_one(
    workspace: Workspace,
) -> None:
    samples = filled(workspace, [4] * 4 + [0])
    plan = a_plan(evidence={"policies": ["tiny"]}, **LET_IN)
    assert curate(workspace, plan).samples == 4
    tried(workspace, {samples[4].sample_id: 1}, policy="strong")
    again = curate(workspace, plan)
    assert (again.version, again.samples, again.unsolved, again.unsolved_by_all) == (2, 5, 1, 0)
    assert not curate(workspace, plan).minted


def test_the_shares_hold_of_a_sized_set_too(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 20 + [0] * 20)
    tried(workspace, {s.sample_id: 1 for s in samples[20:22]}, policy="strong")
    plan = a_plan(
        evidence={"policies": ["tiny"]},
        band={"unsolved_share": 0.4},
        gates={"unsolved_by_all_share": 0.3, "unsolved_by_all_tries": 8},
        quota={"size": 10},
    )
    frozen = curate(workspace, plan)
    assert (frozen.samples, frozen.unsolved, frozen.unsolved_by_all) == (10, 4, 2)
    assert sum(frozen.counts.dropped.values()) + frozen.samples == 40


def test_a_control_says_how_many_nobody_solved(workspace: Workspace) -> None:
    filled(workspace, [4] * 10 + [0] * 10)
    frozen = curate(workspace, a_plan())
    assert frozen.control_folder is not None
    doubts = read_manifest(frozen.control_folder).doubts
    assert doubts.unsolved == len(doubts.unsolved_by_all) > 0
    assert read_manifest(frozen.folder).doubts.unsolved == 0


def test_the_forecast_of_a_version_is_kept_with_it(workspace: Workspace) -> None:
    filled(workspace, [1, 4, 7, 7])
    frozen = curate(workspace, a_plan())
    low, high = frozen.predicted_interval
    assert frozen.predicted_all_right > frozen.predicted_all_wrong > 0
    assert low < frozen.predicted_zero_advantage < high
    whole = frozen.predicted_all_right + frozen.predicted_all_wrong
    assert whole == pytest.approx(frozen.predicted_zero_advantage, abs=2e-6)


def test_a_share_of_doubtful_samples_must_fit_into_that_of_the_unsolved() -> None:
    with pytest.raises(WrongUse, match=r"unsolved_by_all_share = 0.3 of .* is more than") as error:
        a_plan(gates={"unsolved_by_all_share": 0.3})
    assert "\n" not in str(error.value)


def test_an_empty_set_says_that_nobody_solved_it(workspace: Workspace) -> None:
    samples = [sum_question(i) for i in range(3)]
    add(workspace, samples)
    tried(workspace, {s.sample_id: 0 for s in samples})
    with pytest.raises(EmptySelection, match="3 never solved"):
        curate(workspace, a_plan(**LET_IN))


def chosen(workspace: Workspace, frozen: Frozen) -> set[str]:
    rows = workspace.catalog.rows(
        "select sample_id from dataset_samples where dataset = ? and version = ?",
        frozen.dataset,
        frozen.version,
    )
    return {row["sample_id"] for row in rows}


MANUAL = (Path(__file__).parents[3] / "docs" / "probes.md").read_text()


def test_the_table_in_the_manual_is_what_simulation_gives() -> None:
    def blind(pair: Probed, guess: float) -> float:
        return chance_solvable_blind(pair, guess, 0.05)

    def shuffled(pair: Probed, guess: float) -> float:
        return chance_guessed(pair, guess, 0.25)

    for plain, probed in [(0.9, 0.9), (0.9, 0.5), (0.9, 0.0), (0.5, 0.5), (0.5, 0.25), (0.5, 0.0)]:
        drops = [
            share_dropped(plain, probed, 0.25, chance, over)
            for chance, over in ((blind, 0.5), (shuffled, 0.9))
        ]
        row = f"| {plain:g} | {probed:g} | {drops[0]:.0%} | {drops[1]:.0%} |"
        print(row)
        assert row in MANUAL
