"""What the signals of a run come to, in sentences: what each means, and what to do."""

from collections.abc import Iterable, Mapping
from typing import Any

from train.signals.signatures import SIGNATURES

SEVERITY = ("stop", "switch", "warn")


def summarise(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say one sentence for each signature in rows of `signals`, the most severe first.

    Steps that a killed run did again count once.
    """
    by_name: dict[str, dict[tuple[int, str], Mapping[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["signature"], {})[row["step"], row["decision"]] = row
    episodes = {name: sorted(known.values(), key=_place) for name, known in by_name.items()}
    worst = {name: min(map(_severity, found)) for name, found in episodes.items()}
    ordered = sorted(episodes, key=lambda name: (worst[name], _place(episodes[name][0])))
    return [_sentence(name, episodes[name]) for name in ordered]


def _sentence(name: str, found: list[Mapping[str, Any]]) -> str:
    gravest = min(found, key=_severity)
    signature = SIGNATURES.get(name)
    meaning = signature.meaning if signature else "a signature that this version does not know"
    remedy = f" What to do: {signature.remedy}." if signature else ""
    steps = ", ".join(str(step) for step in dict.fromkeys(row["step"] for row in found[:5]))
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    detail, followed = str(gravest["detail"]), ""
    if gravest["decision"] == "stop":
        followed = "; the run was stopped"
    elif gravest["decision"] == "switch":
        # The table has no column of its own for it: the detail ends with what was switched.
        detail, _, switched = detail.rpartition("; ")
        followed = f"; {switched}"
    return f"{name} at step {steps}{more}: {meaning} ({detail}){followed}.{remedy}"


def _severity(row: Mapping[str, Any]) -> int:
    return SEVERITY.index(row["decision"])


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["step"], _severity(row)
