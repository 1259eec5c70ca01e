"""A machine without a network, for every Python that is started with this folder on its path.

Whoever tries to reach more than this very machine is refused, and written down.
"""

import os
import sys
from typing import Any

HEARD = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
HERE = ("127.", "::1", "localhost", "0.0.0.0")


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event not in HEARD:
        return
    place = (
        args[0] if event.startswith("socket.getho") or event == "socket.getaddrinfo" else args[1]
    )
    host = place[0] if isinstance(place, tuple) else place
    if not isinstance(place, tuple) and event in ("socket.connect", "socket.sendto"):
        return  # a socket of this machine's file system
    if host in (None, "", b"") or str(host).startswith(HERE):
        return
    with open(os.environ["CURRICLE_TEST_ATTEMPTS"], "a") as file:  # noqa: PTH123
        file.write(f"{' '.join(sys.argv)[:200]}: {event} {place}\n")
    raise OSError(101, "Network is unreachable")


sys.addaudithook(_refuse)
