"""Questions in other forms: fair options, balanced claims, and views that stay with their parents."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from augment.errors import AugmentError
from augment.forms import as_choice, as_yes_no, in_words
from augment.history import Applied, from_json, replay
from augment.question import Question
from pipelines.catalog.samples import add_samples, load_samples
from pipelines.corpora.registry import CORPORA
from pipelines.forms.convert import convert, recipe_of
from pipelines.forms.pool import Pool
from pipelines.forms.shapes import shaped
from pipelines.ingest import ingest
from pipelines.policies.render import render
from pipelines.policies.showing import as_shown
from pipelines.policies.templates import TEMPLATES
from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Answer, Reference, Sample, ask
from pipelines.rewards import grade
from pipelines.rewards.text import normal_text
from pipelines.views import question_of, rebuild
from pipelines.workspace import Workspace

SEVEN = Question(("3+4",), "number", "7")


def asked(i: int, answer: Answer, **changes: object) -> Sample:
    sample = Sample(
        prompt=ask(f"Question number {i}?"),
        answer=answer,
        task="quiz/any",
        corpus="quiz",
        source_ref=f"train/{i}",
    )
    return replace(sample, **changes)  # type: ignore[arg-type]


def numbers(count: int, **changes: object) -> list[Sample]:
    rng = np.random.default_rng(5)
    return [
        asked(i, Answer.number(int(10 ** rng.uniform(1.3, 3))), **changes) for i in range(count)
    ]


def add(workspace: Workspace, samples: Sequence[Sample]) -> None:
    with workspace.catalog.write() as connection:
        add_samples(connection, samples)


def made(workspace: Workspace, form: str) -> list[Sample]:
    recipe = recipe_of(form)  # type: ignore[arg-type]
    query = f"select sample_id from samples where recipe = '{recipe}' order by sample_id"
    return load_samples(
        workspace.catalog, [row["sample_id"] for row in workspace.catalog.rows(query)]
    )


def test_an_open_question_is_asked_among_options_and_as_a_claim() -> None:
    choice = as_choice(SEVEN, others='["8","5"]', place=1)
    assert choice.text == "3+4\nA) 8\nB) 7\nC) 5"
    assert (choice.kind, choice.value, choice.options) == ("choice", "B", ("8", "7", "5"))
    claim = as_yes_no(SEVEN, claim="8")
    assert claim.text == "3+4\nIs the answer 8?"
    assert (claim.kind, claim.value, claim.options) == ("bool", False, ())
    assert as_yes_no(SEVEN, claim="7").value is True


def test_options_carry_the_unit_and_texts_of_several_words_are_quoted() -> None:
    assert in_words(replace(SEVEN, unit="%")) == "7%"
    assert as_choice(replace(SEVEN, unit="km"), others='["8 km"]', place=0).options[0] == "7 km"
    blue = Question(("Which?",), "text", "dark blue")
    assert 'Is the answer "dark red"?' in as_yes_no(blue, claim="dark red").text


def test_a_choice_becomes_a_claim_with_its_options_in_sight() -> None:
    choice = Question(("Which?\nA) red\nB) green",), "choice", "B", ("red", "green"))
    claim = as_yes_no(choice, claim="green")
    assert claim.text == "Which?\nA) red\nB) green\nIs the answer green?"
    assert (claim.kind, claim.value, claim.options) == ("bool", True, ())


@pytest.mark.parametrize(
    ("question", "params"),
    [
        (replace(SEVEN, kind="box"), {"others": '["8"]', "place": 0}),
        (SEVEN, {"others": '["7"]', "place": 0}),
        (SEVEN, {"others": '["8"]', "place": 2}),
        (SEVEN, {"others": "[8]", "place": 0}),
        (SEVEN, {"others": '["both of them"]', "place": 0}),
        (replace(SEVEN, kind="text", value="B"), {"others": '["C"]', "place": 0}),
        (replace(SEVEN, texts=()), {"others": '["8"]', "place": 0}),
    ],
    ids=["no open answer", "twice", "no place", "no texts", "speaks of others", "a letter", "mute"],
)
def test_what_makes_no_fair_choice_is_refused(
    question: Question, params: dict[str, int | str]
) -> None:
    with pytest.raises(AugmentError):
        as_choice(question, **params)  # type: ignore[arg-type]


def test_a_claim_that_is_no_option_of_the_choice_is_refused() -> None:
    choice = Question(("Which?\nA) red\nB) green",), "choice", "B", ("red", "green"))
    with pytest.raises(AugmentError, match="none of its options"):
        as_yes_no(choice, claim="blue")


def test_a_history_of_a_form_replays_and_holds_its_parameters_to_their_form() -> None:
    step = Applied("as_choice", {"others": '["8","5"]', "place": 2}, 1)
    assert replay(SEVEN, [step]).value == "C"
    wrong: list[dict[str, int | str]] = [
        {"others": "8", "place": 2},
        {"others": '["8"]', "place": 99},
        {"place": 0},
    ]
    for params in wrong:
        with pytest.raises(AugmentError):
            replay(SEVEN, [Applied("as_choice", params, 1)])


def pool_of(*answers: Answer) -> Pool:
    shapes = [(("quiz/any"), shape, 1) for a in answers if (shape := shaped(a)) is not None]
    return Pool(shapes)


def drawn(
    answer: Answer, pool: Pool, wanted: int = 3, refuted: Callable[[str], bool] | None = None
) -> list[str]:
    right = shaped(answer)
    assert right is not None
    graded = lambda words: grade(Reference(answer), words).correct is False  # noqa: E731
    rng = np.random.default_rng(0)
    return pool.draw(rng, "quiz/any", right, refuted or graded, wanted=wanted, fewest=wanted)


def test_wrong_numbers_have_the_unit_sign_and_decimals_of_the_right_one() -> None:
    others = [Answer.number(v) for v in (3, 9, 12, -7, "7.5")]
    others += [Answer.number(v, unit="%") for v in (6, 8)]
    assert set(drawn(Answer.number(7), pool_of(*others))) == {"3", "9", "12"}
    assert set(drawn(Answer.number(7, unit="%"), pool_of(*others), 2)) == {"6%", "8%"}
    assert drawn(Answer.number("-1"), pool_of(*others)) == []


def test_a_wrong_number_is_of_the_same_magnitude_and_outside_the_tolerance() -> None:
    others = [Answer.number(v) for v in (1, 99, 101, 150, 80, 90, 99_000)]
    found = drawn(Answer.number(100, tolerance="1%"), pool_of(*others))
    assert set(found) <= {"150", "80", "90"}
    assert len(found) == 3


def test_wrong_texts_look_like_the_right_one_and_are_another_thing() -> None:
    others = [Answer.text(t) for t in ("red", "Red.", "light blue", "42", "Oslo", "green", "grey")]
    found = drawn(Answer.text("blue", variants=["grey"]), pool_of(*others), 2)
    assert sorted(found)[0] == "green"
    assert normal_text(sorted(found, key=str.casefold)[1]) == "red"
    codes = pool_of(*(Answer.text(t) for t in ("0427", "53", "1999", "7a21", "8080")))
    assert set(drawn(Answer.text("4711"), codes)) == {"0427", "1999", "8080"}


def test_wrong_formulas_have_the_outline_of_the_right_one_and_other_values() -> None:
    others = [
        Answer(kind="math", value=f"\\frac{{{n}}}{{{d}}}") for n, d in ((2, 4), (1, 3), (5, 6))
    ]
    right = Answer(kind="math", value="\\frac{1}{2}")
    found = drawn(right, pool_of(*others), 2, refuted=lambda words: words != "\\frac{2}{4}")
    assert set(found) == {"\\frac{1}{3}", "\\frac{5}{6}"}  # 2/4 is 1/2


def test_no_option_is_told_by_its_size_its_place_or_how_frequent_it_is(
    workspace: Workspace,
) -> None:
    samples = numbers(400)
    add(workspace, samples)
    done = convert(workspace, "choice")
    assert (done.views, done.rejected) == (400, {})
    assert done.answers == dict.fromkeys("ABCD", 100)
    times = Counter(str(sample.answer.value) for sample in samples)
    ranks: Counter[int] = Counter()
    middle, frequent = 0, 0.0
    for one in made(workspace, "choice"):
        right = one.answer.options["ABCD".index(str(one.answer.value))]
        ordered = sorted(one.answer.options, key=Fraction)
        ranks[ordered.index(right)] += 1
        logs = np.log([float(option) + 1 for option in ordered])
        middle += ordered[int(np.abs(logs - logs.mean()).argmin())] == right
        most = max(times[option] for option in ordered)
        common = [option for option in ordered if times[option] == most]
        frequent += (right in common) / len(common)
    # Within four standard errors of one in four.
    assert all(abs(count / 400 - 0.25) < 0.087 for count in ranks.values())
    assert abs(middle / 400 - 0.25) < 0.087
    assert abs(frequent / 400 - 0.25) < 0.087


def test_half_of_all_claims_are_true_in_every_corpus_and_task(workspace: Workspace) -> None:
    add(workspace, [*numbers(101), *numbers(50, task="quiz/other")])
    add(workspace, numbers(37, corpus="exam", task="exam/any", prompt=ask("And?")))
    convert(workspace, "yes-no")
    for key in ("corpus", "task"):
        yes, no = (
            Counter(getattr(s, key) for s in made(workspace, "yes-no") if s.answer.value is said)
            for said in (True, False)
        )
        assert all(abs(yes[name] - no[name]) <= 1 for name in yes | no)


def test_the_balance_holds_when_more_comes_in_and_nothing_is_made_twice(
    workspace: Workspace,
) -> None:
    samples = numbers(41)
    add(workspace, samples[:20])
    assert convert(workspace, "yes-no").new == 20
    add(workspace, samples)
    done = convert(workspace, "yes-no", seed=3)
    assert (done.new, done.views) == (21, 41)
    assert abs(done.answers["yes"] - done.answers["no"]) == 1
    before = made(workspace, "yes-no")
    assert convert(workspace, "yes-no", seed=4).new == 0
    assert made(workspace, "yes-no") == before


def test_the_same_samples_and_seed_give_the_same_views(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Workspace(tmp_path_factory.mktemp("other") / "w")
    add(workspace, numbers(30))
    add(other, numbers(30)[::-1])
    third = Workspace(tmp_path_factory.mktemp("third") / "w")
    add(third, numbers(30))
    convert(workspace, "choice", seed=1)
    convert(other, "choice", seed=1)
    convert(third, "choice", seed=2)
    assert made(workspace, "choice") == made(other, "choice")
    assert made(workspace, "choice") != made(third, "choice")


@pytest.mark.parametrize("form", ["choice", "yes-no"])
def test_a_converted_question_is_a_view_that_is_rebuilt_exactly(
    workspace: Workspace, form: str
) -> None:
    rates = [asked(i, Answer.number(20 + i, unit="%", tolerance="0.1")) for i in range(12)]
    parents = {sample.sample_id: sample for sample in rates}
    add(workspace, rates)
    convert(workspace, form)  # type: ignore[arg-type]
    views = made(workspace, form)
    assert len(views) == 12
    for view in views:
        parent = parents[view.parent or ""]
        assert view.question_id != parent.question_id
        assert (view.task, view.media, view.split) == (parent.task, parent.media, "train")
        history = from_json(canonical_json(list(view.history)))
        assert rebuild(parent, history, recipe=view.recipe).sample_id == view.sample_id
        assert (view.answer.unit, view.answer.tolerance, view.answer.variants) == ("", "", ())
        assert view.answer.guess_rate == (0.5 if form == "yes-no" else 0.25)


@pytest.mark.parametrize("form", ["choice", "yes-no"])
def test_a_converted_question_is_graded_by_the_reward_of_its_kind(
    workspace: Workspace, form: str
) -> None:
    add(workspace, numbers(40))
    convert(workspace, form)  # type: ignore[arg-type]
    said = {"choice": "ABCD", "yes-no": ("yes", "no")}[form]
    for view in made(workspace, form):
        # As the tiny policy writes: its work, and the answer behind `=`.
        assert sum(bool(grade(view.reference, f"1\n={word}").correct) for word in said) == 1
        for dodge in ("", "no, yes", "A B C D", "I cannot help with that.", view.question):
            assert grade(view.reference, dodge).correct is False


def test_a_round_trip_leads_back_to_the_answer(workspace: Workspace) -> None:
    samples = {sample.sample_id: sample for sample in numbers(40)}
    add(workspace, list(samples.values()))
    convert(workspace, "choice")
    for view in made(workspace, "choice"):
        assert in_words(question_of(view)) == in_words(question_of(samples[view.parent or ""]))
    convert(workspace, "yes-no")
    for view in made(workspace, "yes-no"):
        (step,) = view.history
        parent = samples[view.parent or ""]
        is_right = grade(parent.reference, str(step["params"]["claim"])).correct  # type: ignore
        assert is_right is view.answer.value


def test_what_cannot_be_converted_is_counted_with_its_reason(workspace: Workspace) -> None:
    rival = replace(numbers(1)[0], answer=Answer.number(999))
    boxed = asked(100, Answer(kind="choice", value="A", options=("red", "green")))
    add(
        workspace,
        [
            *numbers(20),
            rival,
            boxed,
            asked(101, Answer.bool(True)),
            asked(102, Answer.number("0.123")),
            asked(103, Answer.text("x" * 80)),
            asked(104, Answer.number(50), split="test"),
        ],
    )
    done = convert(workspace, "choice")
    assert (done.parents, done.new) == (25, 19)
    assert done.rejected == {"conflict": 2, "no_distractor": 2}
    assert done.left == {"choice": 1, "bool": 1}
    rows = workspace.catalog.rows("select source_ref, reason from rejects where stage = 'forms'")
    assert {row["source_ref"] for row in rows} == {"train/0", "train/102", "train/103"}
    assert convert(workspace, "yes-no").left == {"bool": 1}


def test_the_options_of_a_converted_question_can_be_shuffled_by_the_probe(
    workspace: Workspace,
) -> None:
    add(workspace, numbers(8))
    convert(workspace, "choice")
    for view in made(workspace, "choice"):
        shown = as_shown(view, {"options": [3, 2, 1, 0]})
        assert shown.answer.options == view.answer.options[::-1]
        assert in_words(question_of(shown)) == in_words(question_of(view))
        assert shown.question != view.question


def test_a_picture_stays_and_bears_noise_on_top_of_its_other_form(workspace: Workspace) -> None:
    ingest(workspace, CORPORA["digits"], options={"size": 30, "held_out": 0})
    convert(workspace, "yes-no")
    view = made(workspace, "yes-no")[0]
    (parent,) = load_samples(workspace.catalog, [view.parent or ""])
    noise = {"name": "gaussian_noise", "params": {"sigma": 40, "seed": 1}, "version": 1}
    noisy = replace(view, history=(*view.history, noise))
    clean, same, other = (
        render(s, TEMPLATES["plain"], workspace.media.read).images[0].tobytes()
        for s in (parent, view, noisy)
    )
    assert clean == same != other
