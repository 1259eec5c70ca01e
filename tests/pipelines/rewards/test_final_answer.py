"""Where the final answer is looked for."""

import pytest

from pipelines.rewards.final_answer import final_answer


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("so \\boxed{5} <answer>6</answer>\n#### 7", "5"),
        ("<answer>6</answer>\n#### 7", "6"),
        ("#### 7\nAnswer: 8", "7"),
        ("Answer: 8\nbecause 4+4 is 8", "8"),
        ("3+5\n=8", "8"),
        ("first\nlast\n\n", "last"),
        ("A: 8", "8"),
        ("So the final answer is $8$.", "8"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{5} and again \\boxed{ 5 }", "5"),
        ("\\boxed{\\boxed{5}}", "5"),
        ("<think>\\boxed{4}</think> \\boxed{5}", "5"),
        ("**8**", "8"),
        ("\\boxed{\\text{yes}}", "yes"),
    ],
)
def test_the_surest_sign_decides(completion: str, text: str) -> None:
    assert final_answer(completion).text == text


@pytest.mark.parametrize(
    ("completion", "why"),
    [
        ("", "nothing"),
        ("\\boxed{5} \\boxed{6}", "several different answers, each in a box"),
        ("How many are there?", "a question"),
        ("(A) one\n(B) two", "a list of options"),
        ("4\x002", "control characters"),
        ("9" * 3000, "longer than any answer"),
    ],
)
def test_what_commits_to_nothing_says_why(completion: str, why: str) -> None:
    assert final_answer(completion) == ("", why)


@pytest.mark.timeout(5)
def test_hostile_completions_are_searched_in_little_time() -> None:
    for piece in ("\\boxed{", "{", "<answer>", "**answer ", "the answer is ", "$", " ", "####"):
        final_answer(piece * 20_000)
