"""IDENTITY: what is the same thing."""

from dataclasses import replace

import pytest

from pipelines.record.canonical import canonical_json, content_hash
from pipelines.record.media import BadMedia, Media, MediaStore
from pipelines.record.sample import Answer, Sample, ask, plain_decimal


def make(text: str = "2+2", answer: str = "4", **changes: object) -> Sample:
    sample = Sample(
        prompt=ask(text),
        answer=Answer.number(answer),
        task="sums/add",
        corpus="sums",
        source_ref="train/0",
    )
    return replace(sample, **changes)  # type: ignore[arg-type]


def picture(text: str, data: bytes) -> Sample:
    medium = Media.of_bytes(data, "image")
    return make(prompt=ask(text, medium), media=(medium,))


def test_where_a_sample_came_from_is_not_what_it_is() -> None:
    moved = make(corpus="other", source_ref="x/9", split="test", licence="MIT", tags=("ocr",))
    assert moved.sample_id == make().sample_id


def test_another_answer_is_another_sample_of_the_same_question() -> None:
    assert make(answer="5").question_id == make().question_id
    assert make(answer="5").sample_id != make().sample_id


def test_media_enter_the_question_by_their_bytes_and_order() -> None:
    assert picture("add", b"a").question_id != picture("add", b"b").question_id
    one, two = Media.of_bytes(b"a", "image"), Media.of_bytes(b"b", "image")
    forth = make(prompt=ask("which", one, two), media=(one, two))
    back = make(prompt=ask("which", two, one), media=(two, one))
    assert forth.question_id != back.question_id


def test_a_view_never_shares_its_parents_id_and_history_decides_it() -> None:
    parent = make()
    noisy = make(parent=parent.sample_id, history=({"name": "noise", "params": {"sigma": 3}},))
    noisier = make(parent=parent.sample_id, history=({"name": "noise", "params": {"sigma": 4}},))
    assert len({parent.sample_id, noisy.sample_id, noisier.sample_id}) == 3


def test_a_sibling_without_history_keeps_the_identity_of_its_content() -> None:
    assert make(parent="somebody").sample_id == make().sample_id


def test_a_view_without_a_parent_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the sample"):
        make(history=({"name": "noise"},))


def test_a_prompt_must_have_a_place_for_each_medium() -> None:
    with pytest.raises(ValueError, match="has places for"):
        make(media=(Media.of_bytes(b"a", "image"),))


def test_canonical_json_ignores_key_order_and_unicode_form() -> None:
    assert canonical_json({"b": 1, "a": "e\u0301"}) == canonical_json({"a": "\u00e9", "b": 1})
    assert content_hash(["a", "b"]) != content_hash(["b", "a"])


def test_canonical_json_refuses_floats() -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        canonical_json({"x": 0.1})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("written", "plain"),
    [("1,000.50", "1000.5"), ("-0", "0"), ("16.0", "16"), ("1e3", "1000"), (7, "7"), ("00", "0")],
)
def test_numbers_have_one_plain_form(written: str, plain: str) -> None:
    assert plain_decimal(written) == plain


@pytest.mark.parametrize("written", ["", "abc", "nan", "inf", "1e999", "1 2"])
def test_what_is_not_a_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        plain_decimal(written)


def test_answers_survive_their_json() -> None:
    for answer in (
        Answer.number("1,000", tolerance="0.5", unit="km"),
        Answer.choice("B", ["x", "y"]),
        Answer.bool(False),
        Answer.text("cat", ["a cat"]),
        Answer.json([5, 6]),
    ):
        assert Answer.from_json(answer.as_json()) == answer


def test_a_letter_that_names_no_option_is_refused() -> None:
    with pytest.raises(ValueError, match="names none of 2"):
        Answer.choice("C", ["x", "y"])


def test_the_store_keeps_original_bytes_and_notices_damage(tmp_path) -> None:  # type: ignore[no-untyped-def]
    store = MediaStore(tmp_path)
    medium = Media.of_bytes(b"original", "image")
    path = store.put(medium)
    assert store.read(medium.media_id) == b"original"
    assert path.parent.name == medium.media_id[:2]
    path.write_bytes(b"0riginal")
    with pytest.raises(BadMedia, match="damaged_file"):
        store.read(medium.media_id)
    store.put(medium)  # a damaged file is replaced
    assert store.read(medium.media_id) == b"original"


def test_a_file_that_changed_after_hashing_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "x.png"
    file.write_bytes(b"one")
    medium = Media.of_file(file, "image")
    file.write_bytes(b"two")
    with pytest.raises(BadMedia, match="changed_file"):
        MediaStore(tmp_path / "store").put(medium)
