"""Short videos and clips of our own making, whole and broken."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soundfile


def shades(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Frames [T, height, width, 3], each of one grey that says its number: 20, 30, 40, ..."""
    levels = 20 + 10 * np.arange(count, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3)).copy()


def film(
    frames: np.ndarray, kind: str = "mp4", codec: str = "libx264", rate: int = 10, **options: str
) -> bytes:
    """Write frames [T, height, width, 3] as a video."""
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as out:
        stream: Any = out.add_stream(codec, rate=rate, options={"g": "1", **options})
        stream.height, stream.width = frames.shape[1:3]
        stream.thread_count = 1
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
        out.start_encoding()
        for frame in frames:
            pixels = av.VideoFrame.from_ndarray(frame, format="rgb24")
            out.mux(stream.encode(pixels.reformat(format=stream.pix_fmt)))
        out.mux(stream.encode())
    return file.getvalue()


def timed_film(frames: np.ndarray, seconds: Sequence[Fraction]) -> bytes:
    """Write frames that are shown at moments of their own, as Matroska does."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.height, stream.width = frames.shape[1:3]
        stream.codec_context.time_base = Fraction(1, 1000)
        for pixels, moment in zip(frames, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = int(moment * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


def turned(film: bytes, quarters: int) -> bytes:
    """Say in an MP4 file that the camera was held turned by so many quarters, clockwise."""
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters % 4]
    one = 1 << 16
    plain = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    matrix = (cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    at = film.index(plain, film.index(b"tkhd"))
    return film[:at] + struct.pack(">9i", *matrix) + film[at + 36 :]


def tone(
    kind: str = "WAV",
    *,
    rate: int = 8000,
    channels: int = 1,
    seconds: float = 0.5,
    subtype: str = "",
) -> bytes:
    """Write a tone, in each channel another."""
    time = np.arange(int(rate * seconds)) / rate
    samples = np.stack([0.5 * np.sin(2 * np.pi * 110 * (i + 1) * time) for i in range(channels)], 1)
    return sound(samples, kind, rate=rate, subtype=subtype)


def sound(samples: np.ndarray, kind: str = "WAV", *, rate: int = 8000, subtype: str = "") -> bytes:
    """Write samples [T] or [T, channels]."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype or None)
    return file.getvalue()


def track(kind: str, codec: str, *, rate: int = 16000, seconds: float = 1.0) -> bytes:
    """Write a stereo tone as FFmpeg does, such as AAC in MP4."""
    time = np.arange(int(rate * seconds)) / rate
    samples = np.stack([0.5 * np.sin(2 * np.pi * 440 * time)] * 2).astype(np.float32)
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as out:
        stream: Any = out.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()
