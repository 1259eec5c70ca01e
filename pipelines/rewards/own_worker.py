"""The process behind a reward of the user's own: its code runs here and nowhere else."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from pipelines.answering import serve
from pipelines.record.sample import Reference
from pipelines.rewards.registry import REWARDS, Grader
from pipelines.rewards.score import Score

LONGEST_REASON = 500


def grader_of(source: str, function: str) -> Grader:
    """Load a file or a module and find the grader in it: by name, or the one decorated."""
    registered = set(REWARDS)
    module = _file(Path(source)) if source.endswith(".py") else import_module(source)
    if function:
        found: Grader = getattr(module, function)
        return found
    decorated = [name for name in REWARDS if name not in registered]
    if len(decorated) != 1:
        raise LookupError(f"{source} decorates {len(decorated)} functions; say which `function`")
    return REWARDS[decorated[0]].grader


def answering(grader: Grader) -> Callable[[Any], object]:
    """Make the function that grades a question and says its score in JSON."""

    def answer(question: Any) -> object:
        try:
            score: Any = grader(Reference.from_json(question["reference"]), question["completion"])
            if not isinstance(score, Score):
                return {"problem": f"gave {type(score).__name__}, not a Score"}
            return _plain(score)
        except Exception as error:
            return {"problem": f"failed: {type(error).__name__}: {error}"[:LONGEST_REASON]}

    return answer


def _file(path: Path) -> Any:
    sys.path.append(str(path.parent))
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _plain(score: Score) -> dict[str, object]:
    if score.correct not in (True, False, None):
        return {"problem": f"gave correct = {score.correct!r}"[:LONGEST_REASON]}
    return {
        "value": float(score.value),
        "correct": None if score.correct is None else bool(score.correct),
        "reason": str(score.reason)[:LONGEST_REASON],
        "components": {str(name): float(value) for name, value in score.components.items()},
    }


def main() -> None:
    """Load the grader, and answer; a file that cannot be loaded answers with why."""
    try:
        answer = answering(grader_of(*sys.argv[1:3]))
    except Exception as error:
        problem = f"cannot be loaded: {type(error).__name__}: {error}"[:LONGEST_REASON]

        def answer(question: Any) -> object:  # noqa: ARG001
            return {"problem": problem}

    serve(answer)


if __name__ == "__main__":
    main()
