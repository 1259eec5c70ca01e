"""Clips: decoded to mono at their own rate, and held against the length that they declare.

libsndfile reads a WAV file that was cut, or whose header lies, as a shorter clip and says nothing;
so the bytes that its header promises are counted here.
"""

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.record.bad_media import BadMedia, said

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF")
"""What libsndfile may read."""
CONTAINERS = "mov,aac,matroska"
"""What FFmpeg may read where libsndfile cannot: AAC and Opus in MP4, ADTS or Matroska."""
MAX_SECONDS = 3600.0
MAX_SAMPLES = 200_000_000
"""Mono samples of a clip, which take four bytes each."""
RATES = (1_000, 768_000)
"""Samples a second that a clip may have."""
LOUDEST = 2.0**31
"""Of a sample, where 1 is full scale: some write integers as floats, and beyond lies noise."""
WHOLE = 0.99
"""Share of its declared length from which a clip counts as whole: writers round a little."""
BLOCK = 2**18
_UNKNOWN = (0xFFFFFFFF, 0x7FFFFFFF, 0)
"""What writers declare that cannot go back and say how much they wrote."""


def decode_audio(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Decode a clip to mono float samples [T] and its own rate in hertz.

    Channels are averaged. Raises BadMedia for a clip that does not decode, is shorter than it
    declares, has no length, or has samples that are no sensible numbers.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in FORMATS:
                raise BadMedia("undecodable_audio", f"the format {file.format} is not read")
            rate, declared = int(file.samplerate), int(file.frames)
            _check_rate(rate)
            mono = _joined(_read(file), rate)
    except (soundfile.SoundFileError, RuntimeError) as error:
        if not _is_for_ffmpeg(data):
            raise BadMedia("undecodable_audio", said(error)) from error
        mono, rate, declared = _decode_with_ffmpeg(data)
    _check_whole(len(mono), declared, data)
    if not (np.abs(mono) <= LOUDEST).all():
        raise BadMedia("undecodable_audio", "the clip has samples that are no sensible numbers")
    return mono, rate


def _read(file: Any) -> Iterator[NDArray[np.float32]]:
    """Give the samples in blocks [T, channels].

    Not by `file.blocks`: where a file ends early, that fills its last block with whatever was in
    memory.
    """
    while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
        yield block


def _check_rate(rate: int) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise BadMedia("bad_rate", f"{rate} samples a second")


def _joined(blocks: Iterator[NDArray[np.float32]], rate: int) -> NDArray[np.float32]:
    """Average the channels of blocks [T, channels] and join them, as long as they are within limits.

    Headers lie, so what is decoded is counted, and nothing is reserved for what is declared.
    """
    longest = int(min(MAX_SAMPLES, MAX_SECONDS * rate))
    parts, length = [], 0
    for block in blocks:
        parts.append(block.mean(axis=1, dtype=np.float32))
        length += len(block)
        if length > longest:
            raise BadMedia("audio_too_long", f"over {length / rate:.0f} s at {rate} a second")
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _check_whole(decoded: int, declared: int, data: bytes) -> None:
    """Hold what was decoded against what the header promised, in samples and in bytes."""
    if decoded < WHOLE * declared:
        raise BadMedia("shorter_than_declared", f"{decoded} of {declared} samples")
    there, promised = _sound_bytes(data)
    if there < WHOLE * promised:
        raise BadMedia("shorter_than_declared", f"{there} of {promised} bytes of sound")
    if not decoded:
        raise BadMedia("empty_audio", "the clip has zero length")


def _sound_bytes(data: bytes) -> tuple[int, int]:
    """Count the bytes of sound that a WAV or AIFF file has, and those that its header declares.

    Both are zero for other formats, and where the header leaves the length open.
    """
    heads = {b"RIFF": ("<", b"data"), b"RF64": ("<", b"data"), b"FORM": (">", b"SSND")}
    if data[:4] not in heads:
        return 0, 0
    order, wanted = heads[data[:4]]
    at, long = 12, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from(f"{order}4sI", data, at)
        if name == b"ds64" and at + 24 <= len(data):
            (long,) = struct.unpack_from("<Q", data, at + 16)
        if name == wanted:
            promised = long if size == 0xFFFFFFFF and long else size
            return (0, 0) if promised in _UNKNOWN else (len(data) - at - 8, promised)
        at += 8 + size + size % 2
    return 0, 0


def _is_for_ffmpeg(data: bytes) -> bool:
    """Whether a file begins like MP4, Matroska or ADTS, which libsndfile does not read."""
    return data[4:8] == b"ftyp" or data.startswith((b"\x1aE\xdf\xa3", b"\xff\xf1", b"\xff\xf9"))


def _decode_with_ffmpeg(data: bytes) -> tuple[NDArray[np.float32], int, int]:
    """Decode the first sound track of a file: samples, rate, and how many samples it declares."""
    from pipelines.record.opening import opened

    with opened(data, CONTAINERS, "undecodable_audio") as file:
        if not file.streams.audio:
            raise BadMedia("empty_audio", "the file has no sound")
        stream = file.streams.audio[0]
        rate = int(stream.rate or 0)
        _check_rate(rate)
        declared = int(stream.duration * stream.time_base * rate) if stream.duration else 0
        return _joined(_blocks(file, stream), rate), rate, declared


def _blocks(file: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    """Give the frames of a track as blocks [T, channels], up to the first that is broken."""
    import av

    to_floats = av.AudioResampler(format="fltp")
    try:
        for frame in file.decode(stream):
            for part in to_floats.resample(frame):
                yield part.to_ndarray().T.astype(np.float32, copy=False)
    except av.InvalidDataError:
        return
