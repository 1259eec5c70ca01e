"""The step that asks training samples in another form: open as multiple choice, either as yes or no.

A converted question is a view of its parent: the same media, and a history that holds the wrong
options or the claim, so that it is rebuilt exactly and never parted from its family. What is drawn
hangs on the other answers of the corpus, so each parent is converted once and stays as it was.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from augment.errors import AugmentError
from augment.forms import OPEN, in_words
from augment.history import Applied
from augment.transforms import find
from pipelines.catalog.samples import add_rejects, add_samples, load_samples
from pipelines.clean.screen import SCREEN
from pipelines.forms.evenly import Evenly
from pipelines.forms.pool import Pool
from pipelines.forms.shapes import Shaped, shaped
from pipelines.record.sample import Answer, Reference, Sample
from pipelines.record.steps import Reject, reject
from pipelines.rewards import grade
from pipelines.views import question_of, rebuild
from pipelines.workspace import Progress, Workspace, silent

Form = Literal["choice", "yes-no"]
STAGE = "forms"
BATCH = 1000
FEWEST_OPTIONS = 3
"""A choice between fewer is hardly one, unless so few are asked for."""

_PARENTS = """
select s.sample_id, s.corpus, s.task, s.answer_kind, c.question_id is not null as conflicting,
    v.parent_id is not null as known
from samples s join sample_splits p using (sample_id)
left join conflicts c using (question_id)
left join (select distinct parent_id from samples where recipe = $recipe) v
    on v.parent_id = s.sample_id
where s.history is null and p.split = 'train' and ($corpus is null or s.corpus = $corpus)
"""
_ANSWERS = """
select s.corpus, s.task, s.answer, count(*) as times
from samples s join sample_splits p using (sample_id)
where s.history is null and p.split = 'train' and s.answer_kind in (select unnest($kinds))
    and ($corpus is null or s.corpus = $corpus)
group by all order by all
"""
_GIVEN = """
select corpus, task, json_extract_string(answer, '$.value') as value,
    coalesce(len(json_extract_string(answer, '$.options[*]')), 0) as options, count(*) as times
from samples where recipe = $recipe group by all order by all
"""


@dataclass(frozen=True, slots=True)
class FormSummary:
    """What became of the training samples that were looked at."""

    form: Form
    recipe: str
    parents: int
    views: int
    """Parents that have this form now."""
    new: int
    left: dict[str, int] = field(default_factory=dict)
    """Parents of a kind of answer that this form is not for, by kind."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Parents that could not be converted, by reason; `rejects` names them."""
    answers: dict[str, int] = field(default_factory=dict)
    """How often each answer is the right one, over all views of this form."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was drawn for a parent, and what that counts as among answers given evenly."""

    history: Applied
    value: int
    choices: int


def convert(
    workspace: Workspace,
    form: Form,
    *,
    options: int = 4,
    corpus: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> FormSummary:
    """Ask every training sample that can be in another form; one that has it already keeps it.

    Args:
        options: of a choice; where too few wrong answers are alike, a choice has fewer.
    """
    with workspace.catalog.read() as connection:
        facts = {"recipe": recipe_of(form), "corpus": corpus}
        rows = connection.execute(_PARENTS, facts).to_arrow_table().to_pylist()
    maker = _Maker(form, options, seed, _pools(workspace, corpus), _given(workspace, form))
    open_rows = [row for row in rows if row["answer_kind"] in _KINDS[form] and not row["known"]]
    clean = sorted((row for row in open_rows if not row["conflicting"]), key=maker.place)
    rivals = [row["sample_id"] for row in open_rows if row["conflicting"]]
    rejected: Counter[str] = Counter()
    new = 0
    for ids, make in _batches(clean, rivals, maker):
        made = [make(parent) for parent in load_samples(workspace.catalog, ids)]
        dropped = [one for one in made if isinstance(one, Reject)]
        with workspace.catalog.write() as connection:
            new += add_samples(connection, [one for one in made if isinstance(one, Sample)])
            add_rejects(connection, dropped)
        rejected.update(one.reason for one in dropped)
        progress(form, new + rejected.total(), len(open_rows))
    left = Counter(row["answer_kind"] for row in rows if row["answer_kind"] not in _KINDS[form])
    return FormSummary(
        form,
        recipe_of(form),
        len(rows),
        new + sum(row["known"] for row in rows),
        new,
        dict(left.most_common()),
        dict(rejected.most_common()),
        _answers(workspace, form),
    )


def recipe_of(form: Form) -> str:
    """Name what made the views of a form, as they record it."""
    transform = find(_TRANSFORM[form])
    return f"{transform.name.replace('_', '-')}@{transform.version}"


_TRANSFORM: Mapping[Form, str] = {"choice": "as_choice", "yes-no": "as_yes_no"}
_KINDS: Mapping[Form, tuple[str, ...]] = {"choice": OPEN, "yes-no": (*OPEN, "choice")}
_Make = Callable[[Sample], Sample | Reject]


class _Maker:
    """Draws one form, parent by parent."""

    def __init__(
        self, form: Form, options: int, seed: int, pools: Mapping[str, Pool], evenly: Evenly
    ) -> None:
        self.form: Form = form
        self.options = options
        self.seed = seed
        self.pools = pools
        self.evenly = evenly
        self.transform = find(_TRANSFORM[form])

    def place(self, row: Mapping[str, Any]) -> tuple[str, str, str]:
        """Say when a parent's turn is: task by task, and within one by a seeded draw."""
        return row["corpus"], row["task"], self._key(row["sample_id"])

    def make(self, parent: Sample) -> Sample | Reject:
        """Convert one parent, or say why it cannot be."""
        rng = np.random.default_rng(int(self._key(parent.sample_id)[:32], 16))
        wrong = self._wrong(parent, rng)
        if not wrong:
            return reject(parent, STAGE, "no_distractor", "no other answer looks like its own")
        drawn = self._drawn(parent, wrong, rng)
        try:
            made = rebuild(parent, [drawn.history], recipe=recipe_of(self.form))
        except AugmentError as error:
            return reject(parent, STAGE, getattr(error, "reason", "cannot_be_made"), str(error))
        if fault := _fault(made):
            return reject(parent, STAGE, *fault)
        self.evenly.note(parent.corpus, parent.task, drawn.value, drawn.choices)
        return made

    def _wrong(self, parent: Sample, rng: np.random.Generator) -> list[str]:
        """Draw wrong answers: the other options of a choice, else answers to other questions."""
        if parent.answer.kind == "choice":
            said = in_words(question_of(parent))
            return [option for option in parent.answer.options if option != said]
        wanted = self.options - 1 if self.form == "choice" else 1
        right, pool = shaped(parent.answer), self.pools.get(parent.corpus)
        if right is None or pool is None:
            return []
        return pool.draw(
            rng,
            parent.task,
            right,
            lambda words: _is_refuted(parent, words),
            wanted=wanted,
            fewest=min(wanted, FEWEST_OPTIONS - 1),
        )

    def _drawn(self, parent: Sample, wrong: Sequence[str], rng: np.random.Generator) -> _Drawn:
        """Choose the place of the right option, or whether the claim is true, evenly."""
        where = parent.corpus, parent.task
        if self.form == "choice":
            place = self.evenly.next(*where, range(len(wrong) + 1), rng)
            params = self.transform.draw(rng, wrong=wrong, place=place)
            return _Drawn(self._applied(params), place, len(wrong) + 1)
        is_true = self.evenly.next(*where, (0, 1), rng)
        claims = [in_words(question_of(parent))] if is_true else wrong
        params = self.transform.draw(rng, claims=claims)
        return _Drawn(self._applied(params), is_true, 2)

    def _applied(self, params: Mapping[str, int | str]) -> Applied:
        return Applied(self.transform.name, params, self.transform.version)

    def _key(self, sample_id: str) -> str:
        """Hash what a parent's draw is made from, so that it hangs on no other sample's."""
        return hashlib.sha256(
            f"{recipe_of(self.form)}\n{sample_id}\n{self.seed}".encode()
        ).hexdigest()


def _batches(
    clean: Sequence[Mapping[str, Any]], rivals: Sequence[str], maker: _Maker
) -> Iterable[tuple[list[str], _Make]]:
    for start in range(0, len(clean), BATCH):
        yield [row["sample_id"] for row in clean[start : start + BATCH]], maker.make
    for start in range(0, len(rivals), BATCH):
        yield list(rivals[start : start + BATCH]), _in_conflict


def _in_conflict(parent: Sample) -> Reject:
    return reject(parent, STAGE, "conflict", "its question has another answer too")


def _is_refuted(parent: Sample, words: str) -> bool:
    """Whether the parent's own reward finds an option wrong."""
    return grade(parent.reference, f"<answer>{words}</answer>").correct is False


def _fault(made: Sample) -> tuple[str, str] | None:
    """Find what a demanding ingest would drop it for, and options that their reward mixes up."""
    for rule in SCREEN:
        verdict = rule(made)
        if not verdict.keep:
            return verdict.reason, verdict.detail
    for letter, option in zip("ABCDEFGH", made.answer.options, strict=False):
        is_right = letter == made.answer.value
        if grade(Reference(made.answer), f"<answer>{option}</answer>").correct is not is_right:
            return "unclear_option", f"option {letter}, {option!r}, is taken for another"
    return None


def _pools(workspace: Workspace, corpus: str | None) -> dict[str, Pool]:
    """Gather the open answers of each corpus."""
    facts = {"kinds": list(OPEN), "corpus": corpus}
    with workspace.catalog.read() as connection:
        rows = connection.execute(_ANSWERS, facts).fetchall()
    answers: defaultdict[str, list[tuple[str, Shaped, int]]] = defaultdict(list)
    for name, task, answer, times in rows:
        if (shape := shaped(Answer.from_json(json.loads(answer)))) is not None:
            answers[name].append((task, shape, times))
    return {name: Pool(known) for name, known in answers.items()}


def _given(workspace: Workspace, form: Form) -> Evenly:
    """Count what the views of a form that are there already have for answers."""
    with workspace.catalog.read() as connection:
        rows = connection.execute(_GIVEN, {"recipe": recipe_of(form)}).fetchall()
    evenly = Evenly()
    for corpus, task, value, options, times in rows:
        place = ord(value) - ord("A") if options else int(value == "true")
        evenly.note(corpus, task, place, options or 2, times)
    return evenly


def _answers(workspace: Workspace, form: Form) -> dict[str, int]:
    with workspace.catalog.read() as connection:
        rows = connection.execute(_GIVEN, {"recipe": recipe_of(form)}).fetchall()
    counts: Counter[str] = Counter()
    for _, _, value, _, times in rows:
        counts[{"true": "yes", "false": "no"}.get(value, value)] += times
    return dict(sorted(counts.items()))
