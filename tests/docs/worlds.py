"""What the commands of each page find when they are run: corpora, checkpoints, workspaces."""

import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blocks import blocks
from extracts import gsm8k, png, puzzle, puzzlevqa, word_problem, write, write_lines
from small_server import SmallServer, serving

from flows.cli.main import run

World = Callable[[Path, Path], None]
"""Puts what a page names into the folder that its commands are run in; given the tiny policy."""
WORKSPACE = "curricle-workspace"
REAL = os.environ.get("CURRICLE_TEST_CORPORA", "")
running = ExitStack()
"""What a world started, to be ended after its page."""
stands_for: dict[str, str] = {}
"""What is put in the place of an address that a page shows."""


def nothing(_folder: Path, _tiny: Path) -> None:
    """The page begins with an empty folder."""


def made_up(folder: Path, tiny: Path) -> None:
    """A workspace with the tiny policy, and a few pictures, clips and sums."""
    checkpoint(folder / WORKSPACE / "policies/tiny", tiny)
    for name, size in {"digits": 48, "beeps": 16, "sums": 48}.items():
        _curricle(folder, f"ingest {name} --size {size} --no-clean")


def with_tiny(folder: Path, tiny: Path) -> None:
    """A workspace with the tiny policy and nothing else."""
    checkpoint(folder / WORKSPACE / "policies/tiny", tiny)


def own_model_and_problems(folder: Path, tiny: Path) -> None:
    """A corpus and a checkpoint under the names that the page has for anybody's.

    The tiny policy solves none of it, so somebody else has to have been right sometimes.
    """
    problems(folder / "path/to/grade-school-math", 24)
    checkpoint(folder / "path/or/hub-id", tiny)
    _curricle(folder, f"ingest gsm8k {folder / 'path/to/grade-school-math'} --no-clean")
    _import_verdicts(folder, "gsm8k")


def corpora_of_others(folder: Path, _tiny: Path) -> None:
    """A folder, an archive, a quiz without a reader, and a set that was made for verl."""
    problems(folder.parent / "grade-school-math", 3)
    puzzles = puzzlevqa(folder / "puzzles", [puzzle()])
    with zipfile.ZipFile(folder / "LLM-PuzzleTest.zip", "w") as archive:
        for path in sorted(puzzles.rglob("*.*")):
            archive.write(path, path.relative_to(puzzles))
    quiz(folder.parent / "quiz")
    row = {
        "data_source": "mine",
        "prompt": [{"role": "user", "content": "What is 2 + 2?"}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "4"},
        "extra_info": {"split": "train", "index": 0},
    }
    pq.write_table(pa.Table.from_pylist([row]), folder.parent / "train.parquet")


def an_exam(folder: Path, _tiny: Path) -> None:
    """A benchmark with its mapping, and puzzles of which some repeat others."""
    quiz(folder / "exam")
    _curricle(folder, "init --from exam")
    shutil.copytree(real() / "puzzlevqa", folder / "puzzlevqa")


def at_home(folder: Path, _tiny: Path) -> None:
    """A corpus in the home folder."""
    problems(folder / "home/corpora/gsm8k", 3)


def two_revisions(folder: Path, _tiny: Path) -> None:
    """One corpus in May, and in June with a label changed and a record gone."""
    asked = ("Who has 6?", "How many lamps has Quince Lane?", "Who has 11?")
    in_may = [word_problem(q, f"#### {a}") for q, a in zip(asked, (6, 7, 11), strict=True)]
    gsm8k(folder / "may", train=in_may)
    gsm8k(folder / "june", train=[word_problem(asked[0], "#### 7"), in_may[1]])


def scanner(folder: Path, tiny: Path) -> None:
    """The made-up corpora, and the recipe that the page shows."""
    made_up(folder, tiny)
    write(folder / WORKSPACE / "recipes/scanner.toml", shown("docs/augmentation.md", "[[steps]]"))


def rollouts_of_others(folder: Path, _tiny: Path) -> None:
    """Files of rollouts, another workspace of the same corpus, and a reward of one's own."""
    workspace = folder / WORKSPACE
    problems(folder / "gsm8k", 12)
    for place in (workspace, folder / "elsewhere"):
        assert run(["ingest", "gsm8k", str(folder / "gsm8k"), "--workspace", str(place)]) == 0
    answers = [
        {"corpus": "gsm8k", "source_ref": ref, "completion": f"#### {n % 4}", "correct": n % 2 == 0}
        for n, ref in enumerate(_refs(folder))
    ]
    write_lines(
        folder / "rollouts.jsonl",
        [a | {"policy": "qwen-7b", "reward_name": "judge"} for a in answers],
    )
    pq.write_table(pa.Table.from_pylist(answers), folder / "evals.parquet")
    write(folder / "export.sql", shown("docs/evidence.md", "from graded g"))
    write(workspace / "mine.py", shown("docs/rewards.md", "@reward").replace('"brief"', '"mine"'))
    write(workspace / "curricle.toml", '[rewards.mine]\nfile = "mine.py"\n')


def real_pool(folder: Path, _tiny: Path) -> None:
    """The training questions of GSM8K and the puzzles."""
    train = real() / "gsm8k/grade_school_math/data/train.jsonl"
    lines = train.read_bytes()
    write(folder / "gsm8k/grade_school_math/data/train.jsonl", lines)
    write(folder / "gsm8k/grade_school_math/data/test.jsonl", b"")
    _curricle(folder, "ingest gsm8k gsm8k --no-clean")
    _curricle(folder, f"ingest puzzlevqa {real() / 'puzzlevqa'} --no-clean")


def a_catalog(folder: Path, _tiny: Path) -> None:
    """A workspace with something in it."""
    _curricle(folder, "ingest sums --size 8 --no-clean")


def a_frozen_set(folder: Path, _tiny: Path) -> None:
    """One version, frozen from verdicts that came from elsewhere."""
    _freeze(folder, "digits")


def frozen_sets(folder: Path, _tiny: Path) -> None:
    """A version under each name that a page has for one, and the doctor's odd rows."""
    _freeze(folder, "geometry", "small", "demo")
    write(folder / "train.jsonl", shown("docs/handoff.md", "How many are red?"))
    write(folder / "a.png", png())


def frozen_sets_and_models(folder: Path, tiny: Path) -> None:
    """The same, and policies whose processors the doctor may ask."""
    frozen_sets(folder, tiny)
    with_tiny(folder, tiny)
    checkpoint(folder / "path/to/Qwen2.5-VL", tiny)


def two_runs(folder: Path, tiny: Path) -> None:
    """Two runs to be measured: one on a set, one on its control."""
    frozen_sets(folder, tiny)
    checkpoint(folder / WORKSPACE / "policies/tiny", tiny)
    for name in ("demo", "demo-control"):
        _curricle(folder, f"train {name} --max-steps 2 --eval-samples 8")


def a_plan(folder: Path, tiny: Path) -> None:
    """An empty workspace, and the plan that the page tells to write."""
    with_tiny(folder, tiny)
    write(folder / WORKSPACE / "plans/first.toml", shown("docs/tutorial.md", 'name = "first"'))


def a_quiz(folder: Path, _tiny: Path) -> None:
    """A corpus that no reader knows."""
    quiz(folder.parent / "quiz")


def a_server(_folder: Path, _tiny: Path) -> None:
    """A server with OpenAI's API, under the address that the page has for anybody's."""
    small = running.enter_context(serving(SmallServer()))
    stands_for["http://127.0.0.1:8000/v1"] = small.address


def own_reward(folder: Path, tiny: Path) -> None:
    """The reward that the page shows, and its table."""
    page, workspace = "docs/howto/your-reward.md", folder / WORKSPACE
    with_tiny(folder, tiny)
    write(workspace / "close.py", shown(page, "@reward"))
    write(workspace / "curricle.toml", shown(page, "[rewards.close]"))


WORLDS: Mapping[str, World] = {
    "README.md": own_model_and_problems,
    "docs/augmentation.md": scanner,
    "docs/cards.md": frozen_sets,
    "docs/care.md": frozen_sets,
    "docs/sql.md": a_catalog,
    "docs/catalog.md": a_catalog,
    "docs/corpora.md": corpora_of_others,
    "docs/duplicates.md": an_exam,
    "docs/engines.md": at_home,
    "docs/evaluation.md": two_runs,
    "docs/evidence.md": rollouts_of_others,
    "docs/forms.md": real_pool,
    "docs/handoff.md": frozen_sets_and_models,
    "docs/invariance.md": made_up,
    "docs/media.md": with_tiny,
    "docs/plans.md": a_frozen_set,
    "docs/report.md": two_runs,
    "docs/revisions.md": two_revisions,
    "docs/shaping.md": made_up,
    "docs/howto/hand-off.md": frozen_sets,
    "docs/howto/your-corpus.md": a_quiz,
    "docs/howto/your-model.md": a_server,
    "docs/howto/your-reward.md": own_reward,
    "docs/tutorial.md": a_plan,
}
"""The world of each page that needs one."""
WITHOUT_POLICY = frozenset(
    {
        nothing,
        corpora_of_others,
        an_exam,
        at_home,
        two_revisions,
        rollouts_of_others,
        real_pool,
        a_catalog,
        a_frozen_set,
        frozen_sets,
        a_quiz,
        a_server,
    }
)
"""Worlds without the tiny policy, which takes a minute to make."""


def problems(root: Path, count: int) -> Path:
    """GSM8K in its own form, with sums that the tiny policy sometimes gets right."""
    pairs = [divmod(number, 10) for number in range(count)]
    made = [
        word_problem(f"{a}+{b}=", f"{a}+{b}=<<{a}+{b}={a + b}>>\n#### {a + b}") for a, b in pairs
    ]
    return gsm8k(root, train=made, test=[word_problem("What is 100 + 1?", "#### 101")])


def quiz(root: Path) -> Path:
    """A corpus that no reader knows, with a picture to each question."""
    for nth in range(4):
        write(root / f"pictures/{nth}.png", png(nth * 60))
    records = [
        {"id": f"q{n}", "question": "How bright is it?", "image": f"pictures/{n}.png", "answer": n}
        for n in range(4)
    ]
    return write_lines(root / "train.jsonl", records)


def checkpoint(place: Path, tiny: Path) -> None:
    """Put a copy of the tiny policy somewhere."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(tiny, place)


def shown(page: str, part: str) -> str:
    """The block of a page that has this in it."""
    (text,) = [block.text for block in blocks() if block.page == page and part in block.text]
    return text


def real() -> Path:
    """The real corpora; where there are none, the page is left out."""
    if not REAL:
        pytest.skip("needs CURRICLE_TEST_CORPORA")
    return Path(REAL).absolute()


def _curricle(folder: Path, command: str) -> None:
    assert run([*command.split(), "--workspace", str(folder / WORKSPACE)]) == 0, command


def _freeze(folder: Path, *names: str) -> None:
    _curricle(folder, "ingest digits --size 24 --no-clean")
    _import_verdicts(folder, "digits")
    for name in names:
        write(folder / f"{name}.toml", f'name = "{name}"\n')
        _curricle(folder, f"curate {name}.toml")


def _import_verdicts(folder: Path, corpus: str) -> None:
    """Four answers of somebody's to each training sample, of which half are right."""
    from pipelines.workspace import Workspace

    asked = Workspace(folder / WORKSPACE).catalog.rows(
        "select source_ref, s.answer->>'$.value' as answer from sources join samples s"
        " using (sample_id) where split = 'train'"
    )
    rows = [
        {
            "corpus": corpus,
            "source_ref": one["source_ref"],
            "policy": "p",
            "completion": f"<answer>{one['answer'] if k % 2 else 'no idea'}</answer>",
            "k": k,
        }
        for one in asked
        for k in range(4)
    ]
    write_lines(folder / "answers.jsonl", rows)
    _curricle(folder, "score import answers.jsonl")


def _refs(folder: Path) -> list[str]:
    from pipelines.workspace import Workspace

    rows = Workspace(folder / WORKSPACE).catalog.rows("from sources where split = 'train'")
    return [row["source_ref"] for row in rows]
