"""What is said of a medium that cannot be used, whatever its kind."""

import re

_ADDRESS = re.compile(r" ?<[^<>]* at 0x[0-9a-f]+>")


class BadMedia(ValueError):
    """A medium that cannot be used; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def said(error: Exception) -> str:
    """Give what a decoder said, the same each time: without the addresses of its objects."""
    return _ADDRESS.sub("", f"{error}" or type(error).__name__)[:200]
