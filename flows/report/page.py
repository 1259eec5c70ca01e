"""Putting the page together: facts in, one file of HTML out, the same bytes for the same catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.report import charts, svg, words
from flows.report.album import Album, fill_album
from flows.report.blocks import data_blocks
from flows.report.browsing import Browsed, read_browsed
from flows.report.embed import policy
from flows.report.hardness import Hardness, read_hardness
from flows.report.intake import Intake, read_intake, rows
from flows.report.pairs import Pairs, draw_pairs, read_pairs
from flows.report.reasons import read_reasons
from flows.report.scope import Scope
from flows.report.sets import SetFacts, read_sets
from flows.report.training import Orders, read_orders, run_views, versus
from pipelines.workspace import Progress, Workspace, silent

if TYPE_CHECKING:
    from jinja2 import Environment

    from train.evaluation.report import Report

HERE = files("flows.report")
SAMPLES = 10_000
"""Samples that a page shows, where nothing else is asked for."""
MEDIA_MEGABYTES = 4.0
"""What small pictures and clips may add to a page, where nothing else is asked for."""
TEXT_BUDGET = 6_000_000
"""Characters of answers that a page holds."""
READING = "reading the catalog"

_AS_OF = """
select greatest(
    (select max(created_at) from samples), (select max(created_at) from rollouts),
    (select max(created_at) from datasets), (select max(coalesce(ended_at, started_at)) from runs),
    (select max(withdrawn_at) from withdrawals)
) as moment
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that was written, and what it had no room for."""

    path: Path
    bytes: int
    samples: int
    """Samples that can be looked through."""
    samples_left_out: int
    media: int
    """Small pictures and clips that it holds."""
    media_left_out: int
    answers_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one burst of the catalog gave."""

    scope: Scope
    as_of: str
    intake: Intake
    hardness: Sequence[Hardness]
    policies_left_out: Sequence[str]
    sets: list[SetFacts]
    pairs: Pairs
    orders: Orders
    browsed: Browsed


def read_facts(workspace: Workspace, scope: Scope, most_samples: int) -> Facts:
    """Read all that the page shows, but for what runs came to, in one burst."""
    with workspace.catalog.read() as connection:
        hardness, left_out = read_hardness(connection, scope.sets)
        sets = read_sets(connection, scope.sets)
        moment = rows(connection, _AS_OF)[0]["moment"]
        return Facts(
            scope=scope,
            as_of=f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "",
            intake=read_intake(connection),
            hardness=hardness,
            policies_left_out=left_out,
            sets=sets,
            pairs=read_pairs(connection, scope.sets),
            orders=read_orders(connection, scope),
            browsed=read_browsed(connection, scope, _main_policy(hardness, sets), most_samples),
        )


def write_page(
    workspace: Workspace,
    scope: Scope,
    done: "Report",
    path: Path,
    *,
    samples: int = SAMPLES,
    media_megabytes: float = MEDIA_MEGABYTES,
    progress: Progress = silent,
) -> Page:
    """Write the page of a scope, whose runs came to `done`; it appears whole or not at all."""
    progress(READING, 0, None)
    facts = read_facts(workspace, scope, samples)
    reasons = read_reasons(workspace, facts.sets)
    budget = int(media_megabytes * 1_000_000)
    album = fill_album(workspace.media, facts.browsed.samples, budget, progress)
    runs = run_views(done, facts.orders)
    names = {view.run.run_id: view.run.label for view in runs}
    blocks = data_blocks(facts.browsed.samples, album, reasons, names, TEXT_BUDGET)
    page = Page(
        path=path,
        bytes=0,
        samples=len(facts.browsed.samples),
        samples_left_out=facts.browsed.all_samples - len(facts.browsed.samples),
        media=len(album.held),
        media_left_out=album.left_out,
        answers_left_out=blocks.answers_left_out,
    )
    html = render(
        facts=facts,
        runs=runs,
        versus=versus(done),
        pairs=draw_pairs(workspace.media, facts.pairs),
        reasons=reasons,
        page=page,
        album=album,
        blocks=blocks.html,
        example=_example(facts.browsed),
    )
    data = html.encode("utf-8", "replace")
    _write_whole(path, data)
    return Page(**_fields(page) | {"bytes": len(data)})


def render(**said: Any) -> str:
    """Fill the template; every text of somebody else's is escaped."""
    style, script = _text("page.css"), _text("page.js")
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(style=style, script=script, policy=policy(style, script), **said)
    )


def _main_policy(hardness: Sequence[Hardness], sets: Sequence[SetFacts]) -> str:
    """Give the policy whose pass rates the browser shows: that of the set's evidence."""
    tries: dict[str, int] = {}
    for one in sets[:1]:
        for used in one.manifest.evidence:
            tries[used.policy_id] = tries.get(used.policy_id, 0) + used.tries
    named = sorted(tries, key=lambda policy_id: (-tries[policy_id], policy_id))
    return next(iter([*named, *(one.policy_id for one in hardness)]), "")


def _example(browsed: Browsed) -> Any:
    """Choose a sample whose way can be told whole: of the set, and asked in training."""
    candidates = [known for known in browsed.samples[:500] if known.visits and known.sources]
    return next(iter(candidates), browsed.samples[0] if browsed.samples else None)


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".tmp-{path.name}")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _fields(page: Page) -> dict[str, Any]:
    return {name: getattr(page, name) for name in Page.__dataclass_fields__}


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(charts=charts, svg=svg, words=words)
    return environment


__all__ = ["Album", "Facts", "Page", "read_facts", "render", "write_page"]
