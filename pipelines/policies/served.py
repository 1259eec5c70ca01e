"""Any OpenAI-compatible server as a policy: vLLM, SGLang, `transformers serve`, or a service."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.policies.served_identity import (
    CHAT,
    SHUT_OUT,
    check_prefix,
    check_stops,
    greeting_hash,
    meet,
    still_the_same,
    still_there,
    unavailable,
)
from pipelines.policies.served_line import Line, NoAnswer, Patience, Refused, run
from pipelines.policies.served_wire import (
    CONTINUE,
    KEEP_STOPS,
    NO_THINKING,
    WHOLE_DISTRIBUTION,
    body,
    failed,
    fields,
    messages_json,
    most_bytes,
    read,
    seed_of,
)
from pipelines.record.canonical import Json
from pipelines.record.media import MediaKind

T = TypeVar("T")

CONCURRENCY = 32
"""Requests under way at once; a server with many replicas wants more."""


class ServedPolicy:
    """A model behind an address. Opening it asks the server who it is."""

    kind = "openai"

    def __init__(
        self,
        base_url: str,
        model: str = "",
        *,
        name: str = "",
        revision: str = "",
        key: str = "",
        concurrency: int = CONCURRENCY,
        patience: Patience | None = None,
    ) -> None:
        self.base_url = base_url
        self._key = key
        self._concurrency = concurrency
        self._patience = patience or Patience()
        self.takes_n = True
        """Whether several answers may be asked for at once; learned from the first that are."""
        self._checked: set[str] = set()
        self.met = run(self._on_line(lambda line: meet(line, base_url, model, revision)))
        self.name = name or self.met.identity.model
        seen: tuple[MediaKind, ...] = ("image",) if self.met.manners.sees else ()
        self.takes: frozenset[MediaKind] = frozenset(seen)

    @property
    def policy_id(self) -> str:
        """Hash of what the server says of itself, and of the revision that the user states."""
        return self.met.identity.policy_id

    @property
    def details(self) -> Mapping[str, Json]:
        """Where it is served, as what, and the hash of its greeting."""
        identity, manners = self.met.identity, self.met.manners
        return {
            "base_url": self.base_url,
            "model": identity.model,
            "root": identity.root,
            "parent": identity.parent,
            "answers_as": identity.answers_as,
            "system_fingerprint": identity.system_fingerprint,
            "revision": identity.revision,
            "max_model_len": manners.max_model_len,
            "whole_distribution": manners.takes_extras,
            "greeting": greeting_hash(self.met),
        }

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> list[list[Completion]]:
        """Answer over several connections at once; what alone cannot be answered says why.

        Every answer has a seed of its own, which servers heed as well as they can.
        """
        return run(self._on_line(partial(self._answer_all, requests, sampling, seed)))

    async def _on_line(self, work: Callable[[Line], Coroutine[Any, Any, T]]) -> T:
        async with Line(self.base_url, self._key, self._patience, self._concurrency) as line:
            return await work(line)

    async def _answer_all(
        self, requests: Sequence[Request], sampling: Sampling, seed: int, line: Line
    ) -> list[list[Completion]]:
        await self._check_once(line, "stop", check_stops, bool(sampling.stop))
        await self._check_once(line, "prefix", check_prefix, any(r.prefix for r in requests))
        # Twice as many as are asked at once: some pack their pictures while others are answered.
        gate = asyncio.Semaphore(2 * self._concurrency)
        answers = await _together(
            _Asking(self, line, request, sampling, seed, index).answers(gate)
            for index, request in enumerate(requests)
        )
        silent = requests and all(c.problem for completions in answers for c in completions)
        if line.disturbed or silent:
            await still_the_same(line, self.base_url, self.met)
        return answers

    async def _check_once(
        self, line: Line, what: str, check: Callable[..., Coroutine[Any, Any, None]], needed: bool
    ) -> None:
        if needed and what not in self._checked:
            await check(line, self.base_url, self.met)
            self._checked.add(what)


@dataclass
class _Asking:
    """One request under way: its n answers, asked for together or one by one."""

    policy: ServedPolicy
    line: Line
    request: Request
    sampling: Sampling
    seed: int
    index: int
    messages: bytes = b""

    async def answers(self, gate: asyncio.Semaphore) -> list[Completion]:
        """Ask for all at once where the server heeds `n`, and for those that did not come."""
        async with gate:
            if self.request.images:
                self.messages = await asyncio.to_thread(messages_json, self.request)
            else:
                self.messages = messages_json(self.request)
            got = await self._at_once()
            rest = range(len(got), self.request.n)
            return got + await _together(self._single(k) for k in rest)

    async def _at_once(self) -> list[Completion]:
        n = self.request.n
        if n == 1 or not self.policy.takes_n:
            return []
        try:
            got = await self._ask(0, n)
        except Refused:
            # Is it `n` that the server does not take, or the question?
            try:
                got = await self._ask(0, 1)
            except Refused as error:
                return [failed(str(error))] * n
        if len(got) < n:
            self.policy.takes_n = False
        return got

    async def _single(self, k: int) -> Completion:
        try:
            return (await self._ask(k, 1))[0]
        except Refused as error:
            return failed(str(error))

    async def _ask(self, k: int, n: int) -> list[Completion]:
        """Ask for n answers, the first of which is number k. Raises Refused."""
        met, base_url = self.policy.met, self.policy.base_url
        content = body(self.messages, self._fields(k, n))
        try:
            reply = await self.line.post(
                CHAT,
                content,
                partial(read, n=n, sampling=self.sampling),
                key=hashlib.sha256(self.policy.policy_id.encode() + content).hexdigest(),
                most_bytes=most_bytes(n, self.sampling.max_tokens),
            )
        except Refused as error:
            if error.status in SHUT_OUT:
                unavailable(base_url, met.identity.model, error)
            raise
        except NoAnswer as error:
            await still_there(self.line, base_url, met)
            return [failed(str(error))] * n
        met.identity.check(reply, base_url)
        return reply.completions

    def _fields(self, k: int, n: int) -> dict[str, Any]:
        seed = seed_of(self.seed, self.index, k)
        known = fields(self.policy.met.identity.model, self.sampling, seed=seed, n=n)
        if self.policy.met.manners.takes_extras:
            known |= WHOLE_DISTRIBUTION
            known |= KEEP_STOPS if self.sampling.stop else {}
            known |= {} if self.request.thinking else NO_THINKING
        return known | (CONTINUE if self.request.prefix else {})


async def _together(work: Any) -> list[Any]:
    """Run all at once; the first that raises ends the others, and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as several:
        raise _first(several) from None
    return [task.result() for task in tasks]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
