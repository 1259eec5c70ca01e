"""The signals of a run in sentences."""

from typing import Any

from train.signals.signatures import SIGNATURES
from train.signals.summary import summarise


def row(step: int, signature: str, decision: str = "warn", detail: str = "why") -> dict[str, Any]:
    return {"step": step, "signature": signature, "decision": decision, "detail": detail}


def test_a_quiet_run_needs_no_sentence() -> None:
    assert summarise([]) == []


def test_each_signature_is_one_sentence_with_what_to_do() -> None:
    (said,) = summarise([row(12, "kl_jump"), row(60, "kl_jump")])
    known = SIGNATURES["kl_jump"]
    assert said == f"kl_jump at step 12, 60: {known.meaning} (why). What to do: {known.remedy}."


def test_what_stopped_the_run_comes_first_with_its_own_numbers() -> None:
    said = summarise(
        [
            row(5, "waiting"),
            row(12, "truncation", detail="a few; cut"),
            row(40, "truncation", "stop", detail="half; cut"),
        ]
    )
    assert said[0].startswith("truncation at step 12, 40: ")
    assert "(half; cut); the run was stopped. What to do: raise `max_tokens`" in said[0]
    assert said[1].startswith("waiting at step 5: ")


def test_it_says_what_was_switched() -> None:
    (said,) = summarise(
        [row(9, "vanishing_advantages", "switch", detail="9 of 10; switched refill")]
    )
    assert "(9 of 10); switched refill. What to do" in said


def test_a_step_that_was_done_again_counts_once() -> None:
    (said,) = summarise([row(12, "kl_jump"), row(12, "kl_jump")])
    assert said.startswith("kl_jump at step 12: ")


def test_many_episodes_are_counted() -> None:
    (said,) = summarise([row(step, "gradient_spike") for step in range(8)])
    assert said.startswith("gradient_spike at step 0, 1, 2, 3, 4 and 3 more: ")


def test_a_signature_of_another_version_is_still_told() -> None:
    (said,) = summarise([row(3, "unheard_of")])
    assert said == "unheard_of at step 3: a signature that this version does not know (why)."
