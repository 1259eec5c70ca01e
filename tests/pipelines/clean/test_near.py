"""Near texts and near pictures are all found, without comparing all with all."""

import random

import numpy as np
import pytest
from planted import encoded, figure

from pipelines.clean.near_pictures import near_hashes, near_versions
from pipelines.clean.near_texts import contained_texts, near_texts
from pipelines.clean.pixels import SAME, difference, turned
from pipelines.clean.texts import plain_words, similarity, told_apart, wording
from pipelines.record.media import decode_image
from pipelines.record.phash import VERSIONS, phashes


def hashes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-(2**63), 2**63 - 1, count, dtype=np.int64)


def flipped(number: int, bits: list[int]) -> int:
    changed = (number + 2**64) % 2**64
    for bit in bits:
        changed ^= 1 << bit
    return changed - 2**64 if changed >= 2**63 else changed


def test_every_pair_of_hashes_within_seven_bits_is_found() -> None:
    rng = random.Random(0)
    given = hashes(3000)
    for i in range(1000):
        given[-1 - i] = flipped(int(given[i]), rng.sample(range(64), i % 8))
    found = {(r["a"], r["b"]): r["distance"] for r in near_hashes(given, 7).to_pylist()}
    assert found == {(i, 2999 - i): i % 8 for i in range(1000)}


def test_a_version_is_found_and_named() -> None:
    picture = np.asarray(figure(3))
    others = np.array([phashes(np.ascontiguousarray(turned(picture, v)))[0] for v in range(8)])
    found = near_versions(np.array([phashes(picture)]), others).to_pylist()
    assert [(row["b"], row["version"]) for row in found if row["distance"] <= 2] == [
        (v, v) for v in range(len(VERSIONS))
    ]


def test_every_pair_of_near_texts_is_found() -> None:
    rng = random.Random(1)
    texts = [
        " ".join(f"w{rng.randrange(400)}" for _ in range(rng.randrange(2, 60))) for _ in range(300)
    ]
    for text in texts[:60]:
        words = text.split()
        words[rng.randrange(len(words))] = "other"
        texts.append(" ".join(words))
    texts = list(dict.fromkeys(texts))
    found = {(r["a"], r["b"]): r["similarity"] for r in near_texts(texts).to_pylist()}
    expected = {
        (a, b): alike
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if (alike := similarity(texts[a], texts[b])) >= 0.8
    }
    assert len(expected) > 30
    assert found == pytest.approx(expected)


def test_the_wording_of_a_template_makes_no_texts_alike() -> None:
    template = "look at the figure and find the length of the side that is marked by {}"
    texts = [template.format(f"the letter {i}") for i in range(200)]
    assert similarity(texts[0], texts[1]) > 0.7
    assert near_texts(texts, 0.7).num_rows == 0


def test_a_question_is_found_in_a_longer_text_only_by_eight_words() -> None:
    question = "how many birds are left on the tree when two of them fly away"
    wholes = [f"answer this {question} thank you", "how many birds are left", "nothing of it"]
    (row,) = contained_texts([question, "how many birds"], wholes).to_pylist()
    assert (row["a"], row["b"], row["share"]) == (0, 0, 1.0)


def test_no_texts_are_no_trouble() -> None:
    assert near_texts([]).num_rows == 0
    assert near_texts(["one"]).num_rows == 0
    assert contained_texts([], ["one"]).num_rows == 0
    assert near_hashes(hashes(0)).num_rows == 0


@pytest.mark.parametrize("number", [1, 3, 4, 9])
def test_another_number_is_another_picture_and_a_copy_is_not(number: int) -> None:
    picture = np.asarray(figure(2, 7))
    assert difference(picture, np.asarray(figure(2, number))) > SAME
    copy = decode_image(encoded(figure(2, 7), "JPEG", quality=30))
    assert difference(picture, copy) < SAME


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  How MANY apples?  ", "how many apples"),
        ("It is 1,000.50 or 12%.", "it is 1000.5 or 12%"),
        (r"$\dfrac{1}{2}$ \left( x^{2} \right)", r"\frac { 1 } { 2 } ( x ^ 2 )"),
        (r"$\frac12$", r"\frac { 1 } { 2 }"),
        ("3-5 is not well-known", "3 - 5 is not well-known"),
        ("5! and f'(x)", "5 ! and f ( x )"),
        ("<image 1> Is ★ a star?", "is ★ a star"),
    ],
)
def test_spelling_is_taken_away_and_meaning_is_not(text: str, plain: str) -> None:
    assert plain_words(text) == plain


def test_an_answer_reads_the_same_as_a_choice_and_as_a_text() -> None:
    choice = wording("Which?", '{"kind":"choice","value":"B","options":["one","Two "]}')
    text = wording("Which?", '{"kind":"text","value":"two"}')
    assert choice.answer == text.answer == "two"
    assert choice.stem == text.stem


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("how many cats sit on 3 mats", "how many cats sit on 4 mats", True),
        ("is the red one left", "is the red one right", True),
        ("3 - 5", "3 + 5", True),
        ("how many cats sit there", "how many cats are there", False),
    ],
)
def test_words_that_matter_tell_questions_apart(first: str, second: str, apart: bool) -> None:
    assert told_apart(first, second) is apart
