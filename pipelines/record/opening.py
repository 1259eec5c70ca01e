"""Opens sound and video for FFmpeg such that it reads the bytes it is given and nothing else."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.record.bad_media import BadMedia, said


@contextmanager
def opened(data: bytes, formats: str, reason: str) -> Iterator[Any]:
    """Open bytes as an `av` container of one of `formats` (names of FFmpeg, between commas).

    Playlists and other files that refer to files are no formats that are allowed, and what a file
    asks for beside itself is refused. Raises BadMedia, with `reason`, for whatever goes wrong
    inside.
    """
    import av

    only = {"format_whitelist": formats, "protocol_whitelist": ""}
    try:
        with av.open(
            io.BytesIO(data), container_options=only, io_open=_refuse, metadata_errors="replace"
        ) as file:
            yield file
    except BadMedia:
        raise
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError, ArithmeticError, RuntimeError) as error:
        raise BadMedia(reason, said(error)) from error


def _refuse(*_asked: object) -> Any:
    raise PermissionError("a medium may not open other files")
