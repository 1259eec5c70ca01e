"""Clips of any rate and number of channels are heard, and what is not all there is refused."""

import struct

import numpy as np
import pytest

from pipelines.record import clips
from pipelines.record.media import BadMedia, decode_audio
from tests.pipelines.record.films import sound, tone, track

FORMATS = ["WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"]


def refused(data: bytes) -> str:
    with pytest.raises(BadMedia) as error:
        decode_audio(data)
    return error.value.reason


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("rate", [8000, 44100])
def test_every_format_is_heard_at_its_own_rate(kind: str, rate: int) -> None:
    samples, heard = decode_audio(tone(kind, rate=rate))
    assert heard == rate
    assert len(samples) == rate // 2
    assert samples.dtype == np.float32
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_channels_are_averaged(kind: str, channels: int) -> None:
    flat = np.arange(1, channels + 1) / 16 * np.ones((400, channels))
    samples, _ = decode_audio(sound(flat, kind))
    assert samples == pytest.approx(
        np.full(400, np.mean(np.arange(1, channels + 1)) / 16), abs=1e-4
    )


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp4", "aac"), ("adts", "aac"), ("matroska", "libopus")]
)
def test_what_libsndfile_does_not_know_is_heard_all_the_same(kind: str, codec: str) -> None:
    samples, rate = decode_audio(track(kind, codec, rate=48000))
    assert rate == 48000
    assert len(samples) / rate == pytest.approx(1.0, abs=0.06)
    assert np.abs(samples[9600:-9600]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW", "MS_ADPCM"])
def test_every_width_of_a_sample_is_heard(subtype: str) -> None:
    samples, _ = decode_audio(tone(subtype=subtype))
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("kind", ["WAV", "RF64", "AIFF", "MP3"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_clip_that_was_cut_is_shorter_than_it_declares(kind: str, share: float) -> None:
    data = tone(kind, seconds=2)
    assert refused(data[: int(len(data) * share)]) == "shorter_than_declared"


@pytest.mark.parametrize("kind", ["FLAC", "OGG"])
def test_a_compressed_clip_that_was_cut_is_refused(kind: str) -> None:
    data = tone(kind, seconds=2)
    with pytest.raises(BadMedia):
        decode_audio(data[: len(data) // 2])


def test_a_header_that_promises_more_than_there_is_lies() -> None:
    data = tone()
    at = data.index(b"data") + 4
    (length,) = struct.unpack_from("<I", data, at)
    lying = data[:at] + struct.pack("<I", 2 * length) + data[at + 4 :]
    assert refused(lying) == "shorter_than_declared"


def test_a_header_that_was_written_before_the_end_was_known_is_taken() -> None:
    data = tone()
    at = data.index(b"data") + 4
    streamed = data[:at] + struct.pack("<I", 0xFFFFFFFF) + data[at + 4 :]
    assert np.array_equal(decode_audio(streamed)[0], decode_audio(data)[0])


def test_what_stands_behind_the_sound_is_not_heard() -> None:
    assert np.array_equal(decode_audio(tone() + b"PK\3\4" * 40)[0], decode_audio(tone())[0])


def test_silence_is_a_clip_and_no_length_is_none() -> None:
    samples, _ = decode_audio(sound(np.zeros(800)))
    assert not samples.any()
    assert refused(sound(np.zeros(0))) == "empty_audio"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1e30])
def test_samples_that_are_no_sensible_numbers_are_refused(bad: float) -> None:
    samples = np.zeros((800, 2))
    samples[400, 1] = bad
    assert refused(sound(samples, subtype="FLOAT")) == "undecodable_audio"


def test_a_rate_that_no_recorder_has_is_refused() -> None:
    data = bytearray(tone())
    struct.pack_into("<I", data, 24, 3)
    assert refused(bytes(data)) == "bad_rate"


def test_a_clip_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "MAX_SECONDS", 0.4)
    assert refused(tone()) == "audio_too_long"
    monkeypatch.undo()
    monkeypatch.setattr(clips, "MAX_SAMPLES", 3000)
    assert refused(tone()) == "audio_too_long"


@pytest.mark.parametrize("kind", ["AU", "CAF", "W64", "VOC"])
def test_a_format_that_is_not_on_the_list_is_refused(kind: str) -> None:
    assert refused(tone(kind)) == "undecodable_audio"


def test_a_reason_is_the_same_each_time() -> None:
    texts = set()
    for _ in range(3):
        with pytest.raises(BadMedia) as error:
            decode_audio(b"no clip at all" * 9)
        texts.add(error.value.detail)
    assert len(texts) == 1
