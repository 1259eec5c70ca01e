"""Mathematical expressions, compared by math-verify in a process that is killed when it hangs."""

import atexit
import json
import os
import re
import select
import subprocess
import sys
from pathlib import Path
from threading import Lock

from pipelines.record.sample import Answer
from pipelines.rewards.final_answer import final_answer, is_negated
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, unscored, wrong

LONGEST_EXPRESSION = 500
DEEPEST_EXPRESSION = 30
START_SECONDS = 60.0

_INLINE = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)")
_PLAIN_NUMBER = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_UNDONE = re.compile(r"[\w)}]\s*(?:[-+*/]|\\times|\\cdot|\\div)\s*[\w({\\]")


class Verifier:
    """A worker process that compares expressions, one at a time; started when first needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: subprocess.Popen[str] | None = None

    def same(self, gold: str, given: str, seconds: float) -> bool | None:
        """Whether two expressions are equal; None when that took too long or broke the worker."""
        with self._lock:
            try:
                verdict = self._ask(self._started(), [gold, given], seconds)
            except (TimeoutError, OSError, ValueError):
                self._stop()
                return None
            except BaseException:  # an interrupt: the next question must not get this answer
                self._stop()
                raise
            return verdict if isinstance(verdict, bool) else None

    def close(self) -> None:
        """Stop the worker; the next comparison starts another."""
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """Leave the worker to the process that forked this one."""
        self._lock, self._worker = Lock(), None

    def _started(self) -> subprocess.Popen[str]:
        if self._worker is None or self._worker.poll() is not None:
            script = Path(__file__).with_name("latex_worker.py")
            self._worker = subprocess.Popen(
                # -P: the worker's folder must not hide modules of the standard library.
                [sys.executable, "-P", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self._ask(self._worker, None, START_SECONDS)
        return self._worker

    @staticmethod
    def _ask(worker: subprocess.Popen[str], question: object, seconds: float) -> object:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(question) + "\n")
        worker.stdin.flush()
        answers = select.poll()
        answers.register(worker.stdout, select.POLLIN)
        if not answers.poll(seconds * 1000):
            raise TimeoutError
        return json.loads(worker.stdout.readline())

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.communicate()
            self._worker = None


VERIFIER = Verifier()
atexit.register(VERIFIER.close)
os.register_at_fork(after_in_child=VERIFIER.forget)


@reward("math", version=1)
def latex(answer: Answer, completion: str, *, seconds: float = 5.0) -> Score:
    """Give full marks to an expression that equals the reference; one that hangs is unscored."""
    found = final_answer(completion)
    given = _expression(found.text)
    if not given:
        return wrong(f"expected {str(answer.value)[:80]!r}, found {found.found_by}")
    if (problem := _problem(str(answer.value), given)) is not None:
        return wrong(f"expected {str(answer.value)[:80]!r}, found {problem}: {given[:80]!r}")
    same = VERIFIER.same(str(answer.value), given, seconds)
    if same is None:
        return unscored(f"comparing {given[:80]!r} took over {seconds:g} s or failed")
    return compared(given, answer.value, same)


def _expression(text: str) -> str:
    """Give the one formula of a sentence, or a text that has none as it is."""
    formulas = {match[1] or match[2] for match in _INLINE.finditer(text)}
    return formulas.pop().strip() if len(formulas) == 1 else text


def _problem(gold: str, given: str) -> str | None:
    """Say why an expression is not worth comparing, or would be right without being an answer."""
    if len(given) > LONGEST_EXPRESSION:
        return "an expression too long"
    depth = deepest = 0
    for sign in re.sub(r"\\[{}]", "", given):
        depth += (sign in "({[") - (sign in ")}]")
        deepest = max(deepest, depth)
        if depth < 0:
            return "unbalanced brackets"
    if deepest > DEEPEST_EXPRESSION:
        return "brackets nested too deep"
    # The sum that a question asks for equals its result; repeating it is no answer.
    if _PLAIN_NUMBER.fullmatch(gold) and _UNDONE.search(given.rpartition("=")[2]):
        return "a calculation left undone"
    return "a denial" if is_negated(given) else None
