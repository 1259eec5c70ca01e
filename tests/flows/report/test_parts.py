"""The parts of the page, each by itself."""

import json

import pytest
from small_report import HOSTILE

from flows.report.embed import json_text, packed
from flows.report.hardness import read_hardness
from flows.report.scope import scope_of
from flows.report.svg import Scale, round_ticks, tag
from flows.report.training import turned_round
from flows.report.words import changed_words, history_in_words, points
from pipelines.workspace import Workspace, WrongUse
from train.evaluation.comparison import Difference


def test_json_in_a_page_is_read_back_as_it_was() -> None:
    value = {"a": HOSTILE, "b": [1.5, None, "\ud800"], HOSTILE: True}
    text = json_text(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"a": HOSTILE, "b": [1.5, None, "?"], HOSTILE: True}
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text(float("nan"))
    assert packed("x", value) == packed("x", value)


def test_a_drawing_escapes_its_words() -> None:
    made = tag("text", HOSTILE, class_=HOSTILE, x=1.25)
    assert "<script>" not in made
    assert made.count("<") == 2
    assert ' x="1.2"' in made


def test_ticks_are_round_and_within() -> None:
    assert round_ticks(0, 1, 5) == [0, 0.25, 0.5, 0.75, 1]
    assert round_ticks(0, 103, 7) == [0, 20, 40, 60, 80, 100]
    assert round_ticks(3, 3, 5) == [3]
    assert Scale(0, 10, 0, 100)(25) == 100


def test_changed_words_are_marked_and_escaped() -> None:
    made = changed_words("read the <b>digits</b>", "read teh <b>digits</b>")
    assert made == "read <del>the</del> <ins>teh</ins> &lt;b&gt;digits&lt;/b&gt;"


def test_a_history_that_cannot_be_read_says_so() -> None:
    assert history_in_words('[{"name": 1}]') == ["a history that cannot be read"]
    assert history_in_words(None) == []
    step = {"name": "jpeg_twice", "params": {"quality": 80, "seed": 4}, "version": 1}
    assert history_in_words(json.dumps([step])) == ["jpeg twice: quality 80"]


def test_a_comparison_turned_round_keeps_its_interval() -> None:
    one = Difference(samples=9, first=0.5, second=0.4, difference=-0.1, low=-0.2, high=0.05)
    other = turned_round(one)
    assert (other.difference, other.low, other.high) == (0.1, -0.05, 0.2)
    assert points(other.difference) == "+10.0"
    assert turned_round(other) == one


def test_a_histogram_counts_every_sample_once(made: Workspace) -> None:
    scope = scope_of(made.catalog, [])
    with made.catalog.read() as connection:
        (found,), left_out = read_hardness(connection, scope.sets)
    assert not left_out
    assert sum(b.kept + b.others for b in found.bins) == found.samples
    assert sum(b.expected for b in found.bins) == pytest.approx(found.samples)
    assert all(b.expected_low <= b.expected <= b.expected_high for b in found.bins)
    assert sum(task.samples for task in found.tasks) == found.samples
    assert all(task.low <= task.mean <= task.high for task in found.tasks)


def test_a_set_brings_its_control_and_a_run_its_set(made: Workspace) -> None:
    whole = scope_of(made.catalog, [])
    assert [one.label for one in whole.sets] == ["small@1", "small-control@1"]
    assert whole.runs == ("aaaa1111", "bbbb2222")
    assert whole.file == "workspace.html"
    assert scope_of(made.catalog, ["small-control@1"]).file == "small@1.html"
    one = scope_of(made.catalog, ["bbbb"])
    assert (one.runs, one.file, one.title) == (("bbbb2222",), "run-bbbb2222.html", "Run bbbb2222")
    assert len(one.sets) == 2
    with pytest.raises(WrongUse, match="small has versions 1, not 7"):
        scope_of(made.catalog, ["small@7"])
    with pytest.raises(WrongUse, match="'zzzz' is no dataset, and no run's id begins with it"):
        scope_of(made.catalog, ["zzzz"])
