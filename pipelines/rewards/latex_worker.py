"""The process behind the math reward: pairs of expressions in, a verdict out.

It is a program and not an import: what hangs or eats memory in here dies with it.
"""

import resource

from math_verify import parse, verify

from pipelines.answering import serve

MEMORY = 4 * 2**30


def verdict(pair: tuple[str, str]) -> bool | None:
    """Whether two expressions are equal; None where comparing failed."""
    try:
        gold, given = (
            parse(f"\\boxed{{{text}}}", parsing_timeout=None, raise_on_error=True) for text in pair
        )
        # The parent's clock is the only one: it also stops what ignores signals.
        return bool(
            gold and given and verify(gold, given, timeout_seconds=None, raise_on_error=True)
        )
    except Exception:
        return None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    serve(verdict)
