"""Videos are decoded whole, upright and within limits, and nothing but their own bytes is read."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipelines.record import videos
from pipelines.record.media import BadMedia, Media, MediaFacts, inspect
from pipelines.record.videos import sample_frames, spread
from tests.pipelines.record.films import film, shades, timed_film, tone, track, turned

FORMATS = [
    ("mp4", "libx264"),
    ("mov", "libx264"),
    ("matroska", "libx264"),
    ("webm", "libvpx-vp9"),
    ("avi", "mpeg4"),
    ("mpegts", "libx264"),
    ("matroska", "mjpeg"),
    ("gif", "gif"),
]


def looked_at(data: bytes) -> MediaFacts:
    return inspect(Media.of_bytes(data, "video"), data)


def refused(data: bytes) -> str:
    with pytest.raises(BadMedia) as error:
        looked_at(data)
    return error.value.reason


def numbers(frames: np.ndarray) -> list[int]:
    """Which frames of `shades` these are."""
    return [round((frame.mean() - 20) / 10) for frame in frames]


@pytest.mark.parametrize(("kind", "codec"), FORMATS)
def test_frames_seconds_and_size_are_those_that_were_filmed(kind: str, codec: str) -> None:
    facts = looked_at(film(shades(12), kind, codec))
    assert (facts.frames, facts.width, facts.height) == (12, 64, 48)
    assert facts.seconds == pytest.approx(1.2, abs=0.011)
    assert facts.kind == "video"


@pytest.mark.parametrize(("kind", "codec"), FORMATS)
def test_sampled_frames_are_evenly_spaced_and_in_order(kind: str, codec: str) -> None:
    frames, seconds = sample_frames(film(shades(12), kind, codec), 4)
    assert frames.shape == (4, 48, 64, 3)
    assert numbers(frames) == [1, 4, 7, 10]
    assert seconds == pytest.approx([0.1, 0.4, 0.7, 1.0], abs=0.011)


def test_a_short_film_is_given_whole_and_only_what_counts_is_sampled() -> None:
    data = film(shades(3))
    assert numbers(sample_frames(data, 8)[0]) == [0, 1, 2]
    evens, seconds = sample_frames(film(shades(12)), 3, lambda total: range(0, total, 2))
    assert numbers(evens) == [2, 6, 10]
    assert seconds == pytest.approx([0.2, 0.6, 1.0])


@pytest.mark.parametrize("total", [1, 2, 7, 8, 9, 100, 18_000])
def test_chosen_numbers_rise_and_stay_as_far_apart_as_they_can(total: int) -> None:
    chosen = spread(range(total), 8)
    assert len(chosen) == min(total, 8)
    gaps = np.diff(chosen)
    assert not len(gaps) or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)
    assert abs(chosen[0] - (total - 1 - chosen[-1])) <= 1


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_film_is_turned_as_the_camera_was_held(quarters: int) -> None:
    frames = shades(2)
    frames[:, :16, :16] = 250
    plain = sample_frames(film(frames), 1)[0][0]
    (shown,) = sample_frames(turned(film(frames), quarters), 1)[0]
    assert np.array_equal(shown, np.rot90(plain, -quarters))
    facts = looked_at(turned(film(frames), quarters))
    assert (facts.width, facts.height) == ((64, 48) if quarters % 2 == 0 else (48, 64))


def test_frames_with_times_of_their_own_keep_them() -> None:
    moments = [Fraction(0), Fraction(1, 10), Fraction(2), Fraction(5)]
    data = timed_film(shades(4), moments)
    assert sample_frames(data, 4)[1] == pytest.approx([0, 0.1, 2, 5], abs=0.002)
    facts = looked_at(data)
    assert facts.frames == 4
    assert facts.seconds == pytest.approx(5.1, abs=0.2)


def test_the_content_hash_follows_what_is_shown_and_not_the_file() -> None:
    one, same = film(shades(12)), film(shades(12), "mov")
    other = shades(12)
    other[7] = 255
    assert one != same
    assert looked_at(one).content_hash == looked_at(same).content_hash
    assert looked_at(one).content_hash != looked_at(film(other)).content_hash
    assert looked_at(one).content_hash != looked_at(film(shades(11))).content_hash


@pytest.mark.parametrize(("kind", "codec"), [("matroska", "libx264"), ("mp4", "libx264")])
def test_a_film_of_which_a_part_is_missing_is_refused(kind: str, codec: str) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (20, 48, 64, 3)).astype(np.uint8)
    data = film(frames, kind, codec, movflags="faststart")
    assert looked_at(data).frames == 20
    assert refused(data[: len(data) * 6 // 10]) in ("shorter_than_declared", "undecodable_video")


def test_a_film_that_breaks_off_in_the_middle_is_shorter_than_it_declares() -> None:
    rng = np.random.default_rng(0)
    data = film(rng.integers(0, 255, (20, 48, 64, 3)).astype(np.uint8), "matroska")
    with pytest.raises(BadMedia, match="shorter_than_declared") as error:
        looked_at(data[: len(data) * 6 // 10])
    assert " of 2.0" in error.value.detail


def test_what_shows_nothing_is_refused() -> None:
    assert refused(tone()) == "undecodable_video"
    assert refused(b"no film at all") == "undecodable_video"
    assert refused(film(shades(1))[:60]) == "undecodable_video"


def test_a_film_without_frames_is_refused() -> None:
    assert refused(film(shades(0), "avi", "mpeg4")) == "empty_video"
    assert refused(track("mp4", "aac")) == "empty_video"


def test_a_film_whose_frames_change_their_size_is_refused() -> None:
    first, second = film(shades(30), "mpegts"), film(shades(30, 32, 32), "mpegts")
    assert looked_at(first).frames == 30
    with pytest.raises(BadMedia, match="not all of one size"):
        looked_at(first + second)


def test_limits_hold_before_a_film_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = film(shades(12))
    monkeypatch.setattr(videos, "MAX_FRAME_PIXELS", 64 * 48 - 1)
    assert refused(data) == "video_too_large"
    monkeypatch.undo()
    monkeypatch.setattr(videos, "MAX_FRAMES", 11)
    assert refused(data) == "video_too_long"
    monkeypatch.undo()
    monkeypatch.setattr(videos, "MAX_SECONDS", 1.0)
    assert refused(data) == "video_too_long"


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {}\n",
        "<?xml version='1.0'?><MPD><Period><AdaptationSet><Representation><BaseURL>{}</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>",
    ],
)
@pytest.mark.parametrize("scheme", ["", "file://", "http://127.0.0.1:9"])
def test_a_playlist_opens_nothing(tmp_path: Path, playlist: str, scheme: str) -> None:
    there = tmp_path / "real.mp4"
    there.write_bytes(film(shades(2)))
    assert refused(playlist.format(f"{scheme}{there}").encode()) == "undecodable_video"
