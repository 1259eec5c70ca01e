"""A small OpenAI-compatible server on loopback: well-behaved, until a test gives it other manners."""

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Chat = dict[str, Any]


@dataclass(frozen=True)
class Raw:
    """A response that is no chat completion: its status, its bytes, and what else goes wrong."""

    status: int = 200
    data: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """To wait before it."""
    drop: bool = False
    """Close the connection and say nothing."""
    trickle: bool = False
    """Send the bytes one by one, for ever."""


Manners = Callable[[Chat], "Raw | Chat | None"]
"""From the body of a request to another response than the usual; None for the usual."""


@dataclass
class SmallServer:
    """What it serves and what it was asked."""

    manners: Manners = lambda _: None
    model: str = "small"
    weights: str = "first"
    fingerprint: str | None = None
    card: dict[str, Any] = field(default_factory=lambda: {"root": "org/small", "created": 1})
    seconds: float = 0.0
    """That an answer takes."""
    port: int = 0
    asked: list[Chat] = field(default_factory=list)
    """Bodies of the requests, without the greedy ones of the greeting."""
    keys: list[str] = field(default_factory=list)
    credentials: set[str | None] = field(default_factory=set)
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def listed(self) -> Chat:
        return {"object": "list", "data": [{"id": self.model, **self.card}]}

    def reply(self, body: Chat, headers: Mapping[str, str | None]) -> Raw | Chat:
        self.credentials.add(headers.get("Authorization"))
        if body["temperature"] > 0:
            with self.lock:
                self.asked.append(body)
                self.keys.append(str(headers.get("Idempotency-Key")))
        if body["model"] != self.model:
            return Raw(404, error(f"The model `{body['model']}` does not exist."))
        return self.manners(body) or self.completion(body)

    def completion(self, body: Chat, **changes: Any) -> Chat:
        """What a well-behaved server says."""
        choices = [self.choice(body, i) for i in range(body.get("n", 1))]
        tokens = sum(len(choice["message"]["content"]) for choice in choices)
        usage = {"prompt_tokens": prompt_tokens(body), "completion_tokens": tokens}
        said = {"model": self.model, "choices": choices, "usage": usage}
        if self.fingerprint is not None:
            said["system_fingerprint"] = self.fingerprint
        return said | changes

    def choice(self, body: Chat, index: int) -> Chat:
        seed = body["seed"] if body["temperature"] else self.weights
        told = json.dumps([body["messages"], seed, index])
        text = f"{hashlib.sha256(told.encode()).hexdigest()[:6]}\n=7\nmore"
        stop = next((s for s in body.get("stop", ()) if s in text), None)
        text = text.partition(stop)[0] if stop else text
        cut = text[: body["max_tokens"]]
        reason = "stop" if cut == text else "length"
        message = {"role": "assistant", "content": cut}
        named = stop if reason == "stop" else None
        return {"index": index, "message": message, "finish_reason": reason, "stop_reason": named}


def prompt_tokens(body: Chat) -> int:
    """A character is a token, a picture sixteen; every turn is opened and closed by two."""
    count = 0
    for message in body["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        count += 2 + sum(len(p["text"]) if p["type"] == "text" else 16 for p in parts)
    return count - 1 if body.get("continue_final_message") else count + 1


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message}}).encode()


@contextmanager
def serving(small: SmallServer) -> Iterator[SmallServer]:
    """Serve on loopback, on its port or a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            small.credentials.add(self.headers.get("Authorization"))
            self._give(Raw(data=json.dumps(small.listed()).encode()))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with small.lock:
                small.under_way += 1
                small.most_under_way = max(small.most_under_way, small.under_way)
            time.sleep(small.seconds)
            said = small.reply(body, self.headers)  # type: ignore[arg-type]
            with small.lock:
                small.under_way -= 1
            self._give(said if isinstance(said, Raw) else Raw(data=json.dumps(said).encode()))

        def _give(self, raw: Raw) -> None:
            time.sleep(raw.seconds)
            if raw.drop:
                # No lingering: the client sees the connection reset.
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.close_connection = True
                return
            try:
                self.send_response(raw.status)
                if not raw.trickle:
                    self.send_header("Content-Length", str(len(raw.data)))
                for name, value in raw.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw.data)
                while raw.trickle:
                    self.wfile.write(b" ")
                    time.sleep(0.01)
            except OSError:
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", small.port), Handler)
    small.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield small
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
