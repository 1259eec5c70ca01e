"""The process behind the math reward: pairs of expressions in, one verdict a line out.

It is a script and not an import: what hangs or eats memory in here dies with it.
"""

import json
import resource
import sys

MEMORY = 4 * 2**30


def main() -> None:
    """Answer each line `[gold, given]` with true, false, or null where comparing failed."""
    from math_verify import parse, verify

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries may print; the pipe is ours
    for line in sys.stdin:
        pair = json.loads(line)
        verdict: bool | None = None
        if pair is not None:
            try:
                gold, given = (
                    parse(f"\\boxed{{{text}}}", parsing_timeout=None, raise_on_error=True)
                    for text in pair
                )
                # The parent's clock is the only one: it also stops what ignores signals.
                verdict = bool(
                    gold
                    and given
                    and verify(gold, given, timeout_seconds=None, raise_on_error=True)
                )
            except Exception:
                verdict = None
        print(json.dumps(verdict), file=answers, flush=True)


if __name__ == "__main__":
    main()
