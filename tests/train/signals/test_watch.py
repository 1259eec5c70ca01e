"""When a reading becomes a signal, and what follows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from made_steps import answered, group, only, stepped

from pipelines.catalog import Catalog
from pipelines.record.canonical import Json
from train.signals.reading import Reading
from train.signals.settings import SignalSettings
from train.signals.signatures import SIGNATURES
from train.signals.watch import Level, Watch
from train.step import StepFacts


def decisions(watch: Watch, kl: Sequence[float]) -> list[tuple[int, str]]:
    steps = [replace(stepped(kl=value), step=step) for step, value in enumerate(kl, 1)]
    return [(s.step, s.decision) for facts in steps for s in watch.observe(facts)]


def test_an_episode_is_told_once_and_the_next_one_again() -> None:
    watch = Watch(only("kl_blow_up", window=3), 100)
    kl = [0.2] * 9 + [0.01] * 3 + [0.2] * 3
    assert decisions(watch, kl) == [(3, "warn"), (15, "warn")]


def test_a_short_recovery_does_not_end_an_episode() -> None:
    watch = Watch(only("kl_blow_up", window=3), 100)
    assert decisions(watch, [0.2] * 3 + [0.01] * 2 + [0.2] * 10) == [(3, "warn")]


def test_one_good_reading_begins_the_window_anew() -> None:
    watch = Watch(only("kl_blow_up", window=3), 100)
    assert decisions(watch, [0.2, 0.2, 0.01, 0.2, 0.2, 0.01]) == []


def test_a_missing_reading_leaves_the_window_as_it_is() -> None:
    watch = Watch(only("kl_blow_up", window=3), 100)
    steps = [stepped(kl=0.2), stepped(kl=0.2), stepped(loss=0.1), stepped(kl=0.2)]
    assert [bool(watch.observe(facts)) for facts in steps] == [False, False, False, True]


def test_of_two_thresholds_at_one_step_the_worse_is_told() -> None:
    watch = Watch(only("kl_blow_up", window=5, stop_window=5), 100)
    assert decisions(watch, [0.9] * 8) == [(5, "stop")]


def test_what_is_milder_than_known_is_not_told() -> None:
    assert decisions(Watch(only("kl_blow_up"), 100), [0.9] * 30) == [(5, "stop")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"action": "warn"}, [(5, "warn")]),
        ({"action": "stop", "window": 2}, [(2, "stop"), (5, "stop")]),
        ({"stop_threshold": 0.8, "window": 5}, [(5, "warn")]),
        ({"threshold": 0.85, "stop_threshold": 0.95, "window": 7}, []),
        ({"on": False}, []),
    ],
)
def test_settings_change_what_follows(
    said: dict[str, Any], expected: list[tuple[int, str]]
) -> None:
    assert decisions(Watch(only("kl_blow_up", **said), 100), [0.7] * 9) == expected


def test_stopping_is_the_default_only_where_practice_says_so() -> None:
    stopping = {name for name, signature in SIGNATURES.items() if signature.stop}
    assert stopping == {"vanishing_advantages", "kl_blow_up", "truncation"}


def test_a_switch_names_what_is_turned() -> None:
    watch = Watch(only("kl_blow_up", action="switch", switch="replay", window=1), 10)
    (signal,) = watch.observe(stepped(kl=0.2))
    assert (signal.decision, signal.switch) == ("switch", "replay")
    warned = Watch(only("vanishing_advantages", window=1), 10)
    same = [group(answered())] * 32
    (signal,) = warned.observe(stepped(same))
    assert (signal.decision, signal.switch) == ("warn", None)


def test_a_watch_that_is_off_says_nothing() -> None:
    watch = Watch(SignalSettings(on=False), 10)
    assert not watch.observe(stepped(loss=float("nan")))
    assert watch.state_dict() == {}


def test_a_level_fires_strictly_beyond_its_threshold() -> None:
    above = Level(decision="warn", threshold=0.5, window=1, side="above")
    below = Level(decision="warn", threshold=0.5, window=1, side="below")
    assert not above.fires(Reading(0.5, ""))
    assert not below.fires(Reading(0.5, ""))
    assert above.fires(Reading(0.51, ""))
    assert below.fires(Reading(0.49, ""))


class Told:
    """Reads what it is told to."""

    def observe(self, facts: StepFacts) -> Reading | None:
        return Reading(facts.metrics["told"], "")

    def state_dict(self) -> dict[str, Json]:
        return {}

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        pass


def test_a_reading_that_is_no_number_leaves_the_window_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SIGNATURES, "waiting", replace(SIGNATURES["waiting"], detector=Told))
    watch = Watch(only("waiting", window=2), 100)
    told = [bool(watch.observe(stepped(told=value))) for value in (9.0, float("nan"), 9.0)]
    assert told == [False, False, True]


class Broken:
    def observe(self, facts: StepFacts) -> Reading | None:
        raise ValueError("odd answers")

    def state_dict(self) -> dict[str, Json]:
        return {}

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        pass


def test_a_detector_that_fails_says_so_once_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = replace(SIGNATURES["waiting"], detector=Broken)
    monkeypatch.setitem(SIGNATURES, "waiting", broken)
    watch = Watch(SignalSettings(), 100)
    told = [s for _ in range(12) for s in watch.observe(stepped(kl=0.2))]
    assert [s.signature for s in told] == ["waiting", "kl_blow_up"]
    assert "ValueError: odd answers" in told[0].detail


def test_the_state_of_all_detectors_is_plain_json_and_reads_back_exactly() -> None:
    watch = Watch(SignalSettings(), 100)
    for step in range(30):
        watch.observe(stepped([group(answered(), answered(False))] * 8, kl=0.1 / (step + 3)))
    state = json.loads(json.dumps(watch.state_dict(), allow_nan=False))
    again = Watch(SignalSettings(), 100)
    again.load_state_dict(state)
    assert again.state_dict() == watch.state_dict()


def test_a_checkpoint_from_before_a_signature_was_known_is_taken() -> None:
    watch = Watch(only("kl_blow_up"), 100)
    watch.observe(stepped(kl=0.2))
    again = Watch(SignalSettings(), 100)
    fresh = again.state_dict()
    again.load_state_dict(watch.state_dict())
    assert again.state_dict() != fresh


def test_signals_are_rows_of_their_table(tmp_path: Any) -> None:
    (signal,) = Watch(only("kl_blow_up", window=1), 10).observe(stepped(kl=0.2))
    catalog = Catalog(tmp_path)
    with catalog.write() as connection:
        rows = pa.Table.from_pylist([signal.as_row("run")])
        connection.register("told", rows)
        connection.execute("insert into signals by name select * from told")
    (row,) = catalog.rows("from signals")
    told = {name: value for name, value in signal.as_row("run").items() if name != "created_at"}
    assert told.items() <= row.items()
    assert row["created_at"] is not None
