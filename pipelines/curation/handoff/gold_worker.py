"""The process that tries whether math_verify can parse gold: what hangs in here dies with it."""

import resource

from math_verify import parse

from pipelines.answering import serve

MEMORY = 4 * 2**30


def is_parsed(gold: str) -> bool:
    """Whether `accuracy_reward` could grade against this gold."""
    return bool(parse(gold, parsing_timeout=None))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    serve(is_parsed)
