"""Media that are looked at before they enter the catalog."""

from pathlib import Path

import pytest

from pipelines.clean import media as cleaning
from pipelines.clean.media import inspect_media
from pipelines.record.media import Media, MediaFacts, MediaKind, MediaStore
from pipelines.record.sample import Answer, Sample, ask
from pipelines.record.steps import Reject
from tests.pipelines.corpora import extracts


def make_sample(data: bytes | Path, kind: MediaKind = "image", ref: str = "r") -> Sample:
    medium = Media.of_file(data, kind) if isinstance(data, Path) else Media.of_bytes(data, kind)
    return Sample(
        prompt=ask("What?", medium),
        answer=Answer.number(4),
        media=(medium,),
        task="t",
        corpus="c",
        source_ref=ref,
    )


def test_a_sample_goes_on_with_what_its_media_showed() -> None:
    ((sample, (facts,)),) = inspect_media([make_sample(extracts.wav(800), "audio")])  # type: ignore[misc]
    assert isinstance(facts, MediaFacts)
    assert (facts.media_id, facts.seconds, facts.rate) == (sample.media[0].media_id, 0.1, 8000)


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (extracts.truncated_jpeg(), "image", "undecodable_image"),
        (b"no picture at all", "image", "undecodable_image"),
        (extracts.wav(0), "audio", "empty_audio"),
        (b"RIFF", "audio", "undecodable_audio"),
    ],
)
def test_what_does_not_decode_is_rejected_with_its_reason(
    data: bytes, kind: MediaKind, reason: str
) -> None:
    records = list(inspect_media([make_sample(data, kind, "bad"), make_sample(extracts.png())]))
    assert isinstance(records[0], Reject)
    assert (records[0].source_ref, records[0].stage, records[0].reason) == ("bad", "media", reason)
    assert not isinstance(records[1], Reject)


def test_a_medium_is_decoded_once_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def counted(medium: Media, data: bytes) -> MediaFacts:
        seen.append(medium.media_id)
        return MediaFacts(medium.media_id, medium.kind, len(data), "")

    monkeypatch.setattr(cleaning, "inspect", counted)
    many = [make_sample(extracts.png(i % 3), ref=str(i)) for i in range(200)]
    records = list(inspect_media(many))
    assert len(seen) == len(set(seen)) == 3
    assert [r[0].source_ref for r in records if not isinstance(r, Reject)] == [
        str(i) for i in range(200)
    ]


def test_a_decoder_that_breaks_rejects_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(medium: Media, data: bytes) -> MediaFacts:
        raise IndexError("inside a decoder")

    monkeypatch.setattr(cleaning, "inspect", broken)
    (record,) = inspect_media([make_sample(extracts.png())])
    assert isinstance(record, Reject)
    assert record.reason == "undecodable_image"


def test_only_good_media_are_kept(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    good, bad = make_sample(extracts.png()), make_sample(b"no picture")
    list(inspect_media([good, bad], keep=store.put))
    assert store.read(good.media[0].media_id) == extracts.png()
    assert not store.path(bad.media[0].media_id).exists()


def test_a_file_that_changed_or_went_after_it_was_read_is_rejected(tmp_path: Path) -> None:
    paths = [extracts.write(tmp_path / f"{i}.png", extracts.png(i)) for i in range(2)]
    changed, gone = (make_sample(path) for path in paths)
    paths[0].write_bytes(extracts.png(9))
    paths[1].unlink()
    records = inspect_media([changed, gone], keep=MediaStore(tmp_path / "store").put)
    assert [r.reason for r in records if isinstance(r, Reject)] == ["changed_file", "missing_file"]


def test_a_reject_passes_through() -> None:
    reject = Reject("c", "r", "read", "no_answer")
    assert list(inspect_media([reject])) == [reject]
