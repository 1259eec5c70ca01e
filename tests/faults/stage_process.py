"""Every stage of the pipeline on a small workspace, struck at one operation after another.

This process opens nothing itself: it forks one that begins the work and is struck, and another that
does the same again and says what is there. So a thousand kills cost one start of Python.
"""

import hashlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import ingest_process
from operations import Operations, Strike, die, no_space
from scoring_process import uneven
from scripts import asker, filled, sums
from small_catalog import a_plan, add, picture_question, tried

from augment.recipes import chosen
from flows import stages
from flows.cli.errors import explain
from pipelines.clean.cleaning import clean
from pipelines.curation.curate import curate
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.scoring.search import SearchJob
from pipelines.scoring.tree import SearchRule
from pipelines.views import augment
from pipelines.workspace import Workspace, WrongUse

STRIKES: dict[str, Strike] = {"killed": die, "full": no_space}
LEFT = (".tmp-", ".withdrawing-")
"""Begin the names of what is under way."""

DERIVED = {
    "rollouts": "select sample_id, policy_id, template_id, sampling_id, purpose, origin, round, k, "
    "seed, completion from rollout_status where not superseded order by all",
    "grades": "select sample_id, purpose, k, reward_id, reward, correct, reason from graded order by all",
    "units": "select unit_id, status, kind from units order by all",
}
"""Of tables that also hold how often something was tried."""
TABLES = """
select table_name, list(column_name order by column_index) as columns
from duckdb_columns() join duckdb_tables() using (table_name, database_name)
where data_type not like 'TIMESTAMP%' and column_name not in ('attempt', 'rollout_id')
    and table_name <> 'beta_quantiles'
group by table_name order by table_name
"""


class Stage(NamedTuple):
    """Work on a workspace, and what must be there before."""

    prepare: Callable[[Path], object]
    work: Callable[[Path], object]


def _nothing(_root: Path) -> None:
    return None


def _open(root: Path) -> Workspace:
    return Workspace(root, lock_timeout=20)


def _bring_in(root: Path, revision: int) -> None:
    ingest_process.RECORDS = 32
    corpus = root.with_name(f"corpus-{revision}")
    if not corpus.exists():
        ingest_process.write_corpus(corpus, revision)
    ingest_process.bring_in_here(_open(root), corpus, f"r{revision}")


def _pictures(root: Path) -> None:
    workspace = _open(root)
    samples = [picture_question(i) for i in range(24)]
    add(workspace, samples)
    tried(workspace, {sample.sample_id: i % 9 for i, sample in enumerate(samples)})


def _curate(root: Path) -> None:
    workspace = _open(root)
    order = {"stages": 2, "prompts_per_step": 4}
    curate(workspace, a_plan(order=order, where="corpus = 'digits'", control={"draw": True}))
    workspace.catalog.publish()


def _curated(root: Path) -> None:
    _pictures(root)
    _curate(root)


def _export(root: Path) -> None:
    stages.export(_open(root), "small", "ms-swift", root / "export")


def _exported(root: Path) -> None:
    _curated(root)
    _export(root)


def _withdraw(root: Path) -> None:
    workspace = _open(root)
    try:
        going = stages.withdrawing(workspace, "sample_id < '6'", (), None)
        stages.withdraw(workspace, going, reason="a licence that ended")
    except WrongUse:
        # The same again, when all is done: nothing is left to choose.
        if not workspace.catalog.rows("from withdrawals"):
            raise


def _score(root: Path) -> None:
    workspace = _open(root)
    ids = filled(workspace, 6)
    who = asker(workspace, uneven)
    PassRateJob(workspace.catalog, who, StoppingRule(), batch=3).run(ids)
    SearchJob(workspace.catalog, who, SearchRule(iterations=4), batch=4).run(ids)


def _augment(root: Path) -> None:
    workspace = _open(root)
    augment(workspace, chosen("light-image", root), copies=2)
    workspace.catalog.publish()


def _clean(root: Path) -> None:
    workspace = _open(root)
    clean(workspace)
    workspace.catalog.publish()


def _repeating(root: Path) -> None:
    workspace = _open(root)
    again = [picture_question(i, corpus="again") for i in range(3)]
    add(workspace, [*(picture_question(i) for i in range(12)), *again, *sums(5)])


STAGES = {
    "ingest": Stage(_nothing, partial(_bring_in, revision=0)),
    "revision": Stage(partial(_bring_in, revision=0), partial(_bring_in, revision=1)),
    "clean": Stage(_repeating, _clean),
    "augment": Stage(_pictures, _augment),
    "score": Stage(_nothing, _score),
    "curate": Stage(_pictures, _curate),
    "export": Stage(_curated, _export),
    "export again": Stage(_exported, _export),
    "withdraw": Stage(_curated, _withdraw),
}


def facts(root: Path) -> dict[str, Any]:
    """Say all that is in a workspace, but for when it came and how often it was tried."""
    catalog = _open(root).catalog
    with catalog.write():
        pass  # the next burst, whatever it is for, sweeps away what a killed one had begun
    queries = dict(DERIVED)
    for row in catalog.rows(TABLES):
        columns = ", ".join(f'"{name}"' for name in row["columns"])
        queries.setdefault(
            row["table_name"], f"select {columns} from {row['table_name']} order by all"
        )
    with catalog.read() as connection:
        found = {
            name: repr(connection.execute(query).fetchall()) for name, query in queries.items()
        }
    return {"tables": found, "files": dict(_files(root)), "left": _left(root)}


def _files(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if (
            path.is_file()
            and ".lock/" not in name
            and ".duckdb" not in name
            and ".tmp-" not in name
        ):
            yield name, hashlib.sha256(path.read_bytes()).hexdigest()


def _left(root: Path) -> list[str]:
    """Name what was left under way; of media an hour is waited, since others may be writing."""
    names = (path.relative_to(root).as_posix() for path in root.rglob(".*"))
    return [n for n in names if Path(n).name.startswith(LEFT) and not n.startswith("media/")]


def struck(stage: Stage, root: Path, at: int, strike: Strike) -> dict[str, Any]:
    """Work until the N-th operation is struck, and say how it ended where the process lives on."""
    hit: list[str] = []

    def noting(what: str, path: str) -> None:
        hit.append(f"{what} {Path(path).relative_to(root) if str(root) in path else path}")
        sys.stderr.write(f"{hit[-1]}\n")
        strike(what, path)

    Operations(root, at, noting).watch()
    try:
        stage.work(root)
    except Exception as error:
        return {"hit": hit, "said": explain(error)}
    return {"hit": hit, "said": None}


def apart(function: Callable[[], Any], note: Path) -> tuple[int, Any]:
    """Call a function in a process of its own; give its exit status, and what it gave."""
    note.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            note.write_text(json.dumps(function()))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, json.loads(note.read_text()) if status == 0 else None


def strike_all(
    name: str, folder: Path, how: str, first: int, step: int
) -> Iterator[dict[str, Any]]:
    """Strike a stage at operations `first`, `first + step`, …, until one is never reached.

    A step of 0 strikes once.
    """
    stage, root, base, note = STAGES[name], folder / "w", folder / "base", folder / "note"
    base.mkdir(parents=True)
    prepared, _ = apart(lambda: stage.prepare(base), note)
    shutil.copytree(base, root)
    worked, _ = apart(lambda: stage.work(root), note)
    asked, whole = apart(partial(facts, root), note)
    assert (prepared, worked, asked) == (0, 0, 0), f"an undisturbed {name} failed"
    at, status, ended = first, -9, None
    while status != 0 or ended["hit"]:
        shutil.rmtree(root)
        shutil.copytree(base, root)
        status, ended = apart(partial(struck, stage, root, at, STRIKES[how]), note)
        again, _ = apart(lambda: stage.work(root), note)
        _, found = apart(partial(facts, root), note)
        differs = [key for key in whole if not found or found[key] != whole[key]]
        yield {"stage": name, "at": at, "status": status, "ended": ended, "again": again} | {
            "differs": differs
        }
        if not step:
            return
        at += step


def main(folder: Path, how: str, first: int, step: int, names: Sequence[str]) -> None:
    """Strike some stages, or all, and print what came of each strike."""
    for name in names or STAGES:
        for told in strike_all(name, folder / name, how, first, step):
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
