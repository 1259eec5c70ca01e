import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits

from augment.labels import TAGS
from pipelines.corpora import beeps as beeps_module
from pipelines.corpora import digits as digits_module
from pipelines.corpora.beeps import beeps, pitches
from pipelines.corpora.blinks import blinks
from pipelines.corpora.digits import digits, scan_numbers
from pipelines.corpora.sums import sums
from pipelines.record.media import decode_audio, decode_image
from pipelines.record.sample import Sample

Corpus = Callable[..., Iterator[Sample]]
every_corpus = pytest.mark.parametrize("corpus", [digits, beeps, blinks, sums])


def asked(corpus: Corpus, task: str, size: int = 300) -> list[Sample]:
    return [s for s in corpus(size=size, held_out=size) if s.task.endswith(f"/{task}")]


@every_corpus
def test_the_same_seed_gives_the_same_samples_byte_for_byte(corpus: Corpus) -> None:
    first, second = (list(corpus(seed=3, size=40, held_out=10)) for _ in range(2))
    assert first == second
    assert [m.read() for s in first for m in s.media] == [m.read() for s in second for m in s.media]


@every_corpus
def test_another_seed_gives_other_samples(corpus: Corpus) -> None:
    ids = [{s.sample_id for s in corpus(seed=seed, size=60, held_out=0)} for seed in (0, 1)]
    assert len(ids[0] & ids[1]) < 15  # short sums recur


@every_corpus
def test_a_larger_corpus_repeats_the_smaller_one(corpus: Corpus) -> None:
    assert list(corpus(size=50, held_out=0))[:20] == list(corpus(size=20, held_out=0))


@every_corpus
def test_it_gives_as_many_samples_of_each_split_as_asked_for(corpus: Corpus) -> None:
    samples = list(corpus(size=30, held_out=12))
    assert [s.split for s in samples] == ["train"] * 30 + ["test"] * 12
    assert len({s.source_ref for s in samples}) == 42
    assert samples[-1].source_ref == "test/000011"


@every_corpus
def test_every_level_is_asked_in_both_splits(corpus: Corpus) -> None:
    samples = list(corpus(size=250, held_out=250))
    levels = {
        split: {(s.task, len(s.steps)) for s in samples if s.split == split}
        for split in ("train", "test")
    }
    assert levels["train"] == levels["test"]


@every_corpus
def test_label_tags_are_ones_that_the_augmentation_table_knows(corpus: Corpus) -> None:
    for sample in corpus(size=60, held_out=0):
        assert all(tag in TAGS[sample.modality] for tag in sample.tags)
        assert bool(sample.tags) == bool(sample.media)


def test_no_scan_is_in_both_splits() -> None:
    train, test = (set(scan_numbers(split).tolist()) for split in ("train", "test"))
    assert not train & test
    assert len(train | test) == 1797


@pytest.mark.parametrize("split", ["train", "test"])
def test_pictures_show_scans_of_their_own_split(split: str) -> None:
    size = digits_module.INK
    scans = (load_digits().images * (255 / 16)).astype(np.uint8)
    drawn = {cv2.resize(scan, (size, size)).tobytes(): i for i, scan in enumerate(scans)}
    single = [s for s in digits(size=200, held_out=200) if not s.steps and s.split == split]
    assert single
    for sample in single:
        ink = 255 - decode_image(sample.media[0].read())[..., 0]
        places = [(top, left) for top in range(3) for left in range(3)]
        cuts = [np.ascontiguousarray(ink[y : y + size, x : x + size]) for y, x in places]
        shown = {drawn[cut.tobytes()] for cut in cuts if cut.tobytes() in drawn}
        assert any((number % 5 == 4) == (split == "test") for number in shown)


def test_digits_are_drawn_in_whole_cells_and_four_a_row() -> None:
    sizes = {
        len(s.steps): decode_image(s.media[0].read()).shape[:2]
        for s in digits(size=300, held_out=0)
    }
    assert (sizes[0], sizes[3], sizes[5], sizes[8]) == ((16, 16), (16, 48), (32, 64), (32, 64))


def test_answers_about_digits_follow_from_the_digits() -> None:
    for sample in asked(digits, "add"):
        assert sum(map(int, sample.steps)) == int(str(sample.answer.value))
    for sample in asked(digits, "largest"):
        assert max(sample.steps) == sample.answer.value
    for sample in asked(digits, "count"):
        wanted = sample.question.removeprefix("how many ")[0]
        assert str(sample.steps.count(wanted)) == sample.answer.value
    for sample in asked(digits, "place"):
        assert sample.steps[int(sample.question.split()[1]) - 1] == sample.answer.value
    for sample in asked(digits, "larger"):
        assert (sample.steps[0] > sample.steps[1]) == sample.answer.value
    for sample in asked(digits, "choose"):
        letter = "ABC".index(str(sample.answer.value))
        assert sample.answer.options[letter] == str(sum(map(int, sample.steps)))
        assert f"\n{sample.answer.value}) {sample.answer.options[letter]}" in sample.question
        assert len(set(sample.answer.options)) == 3


def test_reading_keeps_leading_zeros() -> None:
    read = asked(digits, "read", 400)
    assert any(str(s.answer.value).startswith("0") and len(s.steps) > 1 for s in read)
    assert all(s.answer.value == "".join(s.steps) for s in read if s.steps)


def test_no_tone_is_in_both_splits_and_bands_stay_apart() -> None:
    train, test = pitches("train"), pitches("test")
    assert np.abs(np.subtract.outer(train.ravel(), test.ravel())).min() > 0.5
    assert all(low.max() < high.min() for low, high in pairwise(train))


def test_a_single_beep_sounds_at_a_pitch_of_its_split() -> None:
    single = [s for s in asked(beeps, "count") if not s.steps]
    assert {s.split for s in single} == {"train", "test"}
    for sample in single:
        clip, rate = decode_audio(sample.media[0].read())
        spectrum = np.abs(np.fft.rfft(clip, 8 * rate))
        heard = np.argmax(spectrum) / 8
        assert np.abs(pitches(sample.split) - heard).min() < 1.5


def test_clips_are_wav_of_8_khz_and_no_longer_than_a_picture_shows() -> None:
    for sample in beeps(size=60, held_out=0):
        clip, rate = decode_audio(sample.media[0].read())
        assert rate == beeps_module.RATE
        assert 0.1 < len(clip) / rate < 128 * 0.02
        assert np.abs(clip).max() < 1


def test_answers_about_beeps_follow_from_their_bands() -> None:
    for sample in asked(beeps, "count"):
        assert int(str(sample.answer.value)) == (len(sample.steps) or 1)
    for sample in asked(beeps, "higher"):
        first, second = sample.steps
        assert first == second or (second > first) == sample.answer.value


def test_no_expression_is_in_both_splits() -> None:
    expressions: dict[str, set[str]] = {"train": set(), "test": set()}
    for sample in sums(size=2000, held_out=500):
        expressions[sample.split].add(sample.question.split("=")[0])
    assert not expressions["train"] & expressions["test"]


def test_answers_to_sums_are_true() -> None:
    for sample in sums(size=400, held_out=0):
        left, *claim = re.findall(r"[\d+*]+", sample.question)
        terms = [int(term) for term in re.split(r"[+*]", left)]
        value = int(np.prod(terms)) if "*" in left else sum(terms)
        if sample.task == "sums/check":
            assert sample.answer.value == (int(claim[0]) == value)
        else:
            assert sample.answer.value == str(value)
        if "*" in left:
            assert sum(map(int, sample.steps)) == value
