"""A line to a server: a request is sent until it is answered, refused, or not worth sending again.

Sent again after 429, 5xx, time-outs, lost connections and responses that are cut off, with
growing pauses; never after any other refusal. A repeated request carries the key of the first,
and whatever a server makes of both, one response is read.
"""

import asyncio
import json
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from pipelines.policies.served_wire import Malformed

T = TypeVar("T")

TOO_MANY, SERVER_ERROR = 429, 500
SLOW_WORTH = 3
"""Tries that a time-out counts for: what was too slow once will be again."""

LISTING_BYTES = 1 << 24
NOTHING: Mapping[str, str] = {}


class Refused(Exception):
    """The server will not answer this, now or later."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"refused by the server ({status}: {said})" if status else said)
        self.status = status


class NoAnswer(Exception):
    """Sent as often as it is worth, and never answered; `status` is 0 where nobody spoke."""

    def __init__(self, said: str, status: int = 0) -> None:
        super().__init__(said)
        self.status = status


class _Again(Exception):
    """Worth another try, at the earliest after so many seconds."""

    def __init__(self, said: str, *, status: int = 0, after: float = 0.0, worth: int = 1) -> None:
        super().__init__(said)
        self.status = status
        self.after = after
        self.worth = worth
        """Tries that this one counts for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often a server is waited for."""

    tries: int = 6
    pause: float = 0.5
    """Seconds before the second try; twice as many before each later one, give or take half."""
    longest_pause: float = 60.0
    """Seconds; the server's own Retry-After is heeded up to here."""
    timeout: float = 300.0
    """Seconds that one try may take; one that takes longer counts as three."""

    def before(self, attempt: int, asked: float) -> float:
        """Seconds to wait before this try (1 is the first repeated), of which `asked` by the server."""
        grown = self.pause * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)
        return min(self.longest_pause, max(grown, asked))


class Line:
    """Connections to one server for the time of one event loop."""

    def __init__(self, base_url: str, key: str, patience: Patience, concurrency: int) -> None:
        self.patience = patience
        self.disturbed = False
        """Whether anything had to be sent again: somebody else may be answering since."""
        self._base_url = base_url.rstrip("/") + "/"
        self._headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        secure = base_url.startswith("https:")
        self._trust: ssl.SSLContext | bool = httpx.create_ssl_context() if secure else False
        self._slots = asyncio.Semaphore(concurrency)
        self._idle: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._idle:
            await client.aclose()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[httpx.AsyncClient]:
        """Wait for a turn, and lend a client with a connection of its own.

        One client for all would look through all its connections at every request, which took
        half of the time with 32 of them.
        """
        async with self._slots:
            client = self._idle.pop() if self._idle else self._connect()
            try:
                yield client
            finally:
                self._idle.append(client)

    def _connect(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self._trust, trust_env=not is_loopback(self._base_url))

    def _request(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] = NOTHING
    ) -> httpx.Request:
        timeout = httpx.Timeout(self.patience.timeout, connect=min(10.0, self.patience.timeout))
        return httpx.Request(
            method,
            self._base_url + path,
            content=content,
            headers=self._headers | dict(headers),
            extensions={"timeout": timeout.as_dict()},
        )

    async def get(self, path: str, *, tries: int) -> Any:
        """Read a JSON document. Raises Refused or NoAnswer."""
        request = self._request("GET", path)
        return await self._send(request, _parsed, tries, LISTING_BYTES)

    async def post(
        self,
        path: str,
        content: bytes,
        read: Callable[[bytes], T],
        *,
        key: str,
        most_bytes: int,
        tries: int | None = None,
    ) -> T:
        """Send a question and give what `read` makes of the response. Raises Refused or NoAnswer."""
        request = self._request("POST", path, content, {"Idempotency-Key": key})
        return await self._send(request, read, tries or self.patience.tries, most_bytes)

    async def _send(
        self, request: httpx.Request, read: Callable[[bytes], T], tries: int, most_bytes: int
    ) -> T:
        left, attempt = tries, 0
        while True:
            attempt += 1
            try:
                async with self._slot() as client:
                    return await self._once(client, request, read, most_bytes)
            except _Again as error:
                self.disturbed = True
                left -= error.worth
                if left <= 0:
                    said = f"no answer in {attempt} {'try' if attempt == 1 else 'tries'}: {error}"
                    raise NoAnswer(said, error.status) from None
                pause = self.patience.before(attempt, error.after)
            # Outside the slot: while one waits, others are served.
            await asyncio.sleep(pause)

    async def _once(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        read: Callable[[bytes], T],
        most_bytes: int,
    ) -> T:
        try:
            async with asyncio.timeout(self.patience.timeout):
                response, data = await _exchange(client, request, most_bytes)
        except (TimeoutError, httpx.TimeoutException):
            said = f"nothing whole came within {self.patience.timeout:g} seconds"
            raise _Again(said, worth=SLOW_WORTH) from None
        except httpx.RequestError as error:
            raise _Again(f"{type(error).__name__} {error}".strip()) from None
        if not response.is_success:
            raise _refusal(response, data)
        try:
            return read(data)
        except Malformed as error:
            raise _Again(str(error), status=response.status_code) from None


async def _exchange(
    client: httpx.AsyncClient, request: httpx.Request, most_bytes: int
) -> tuple[httpx.Response, bytes]:
    response = await client.send(request, stream=True)
    try:
        return response, await _read_at_most(response, most_bytes)
    finally:
        await response.aclose()


def _refusal(response: httpx.Response, data: bytes) -> Refused | _Again:
    status, said = response.status_code, _words(data) or response.reason_phrase
    if status == TOO_MANY or status >= SERVER_ERROR:
        after = _seconds(response.headers.get("Retry-After", ""))
        return _Again(f"{status}: {said}", status=status, after=after)
    return Refused(status, said)


async def _read_at_most(response: httpx.Response, most_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > most_bytes:
            raise Refused(0, f"over-long: the response has more than {most_bytes:,} bytes")
    return bytes(data)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise Malformed("not JSON") from None


def _words(data: bytes) -> str:
    """What the server says of an error, in one line."""
    text = data.decode("utf-8", "replace")
    try:
        said: Any = json.loads(text)
    except ValueError:
        said = text
    for name in ("error", "detail", "message"):
        said = said.get(name, said) if isinstance(said, dict) else said
    words = " ".join(str(said).split())
    return words if len(words) <= 300 else words[:300] + "…"


def _seconds(retry_after: str) -> float:
    """Read a Retry-After header, which is a number of seconds or a date."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return 0.0


def is_loopback(url: str) -> bool:
    """Whether a server is on this machine, where no proxy may come between."""
    host = httpx.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, also where an event loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asyncio.run, work).result()
