"""Who answers at an address: what it calls itself, what it understands, how it greets.

A server does not show its weights. So a served policy is named by what the server says of itself,
and beside that by its greeting, the greedy answer to one fixed question: other weights under the
same name give themselves away by it, where the server's arithmetic repeats itself at all.
"""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NoReturn

from pipelines.policies.policy import PolicyUnavailable, Request, Sampling
from pipelines.policies.served_line import Line, NoAnswer, Refused
from pipelines.policies.served_wire import (
    CONTINUE,
    KEEP_STOPS,
    WHOLE_DISTRIBUTION,
    Reply,
    body,
    fields,
    messages_json,
    most_bytes,
    read,
)
from pipelines.record.canonical import Json, content_hash

CHAT = "chat/completions"
QUESTION = (
    "Without any introduction, continue this list of unlike things in the order in which they come "
    "to your mind, one to a line: a lighthouse, an unpaid bill, seven geese, the smell of rain,"
)
"""Longer than the greeting may be, so that an answer which holds it is no answer but an echo."""
GREEDY = Sampling(temperature=0.0, max_tokens=16)
FEW_TRIES = 3
"""Tries at a greeting: whoever mistyped an address should not wait long for the answer."""
GREETINGS = 3
"""Times that one greeting is compared before it counts as another's."""
UNKNOWN_KEY, FORBIDDEN, NOT_FOUND = 401, 403, 404
SHUT_OUT = frozenset({UNKNOWN_KEY, FORBIDDEN, NOT_FOUND})
"""Refusals that hold for every request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What stays the same while the same model is served, wherever and whenever it is started."""

    model: str
    """The name to ask for."""
    root: str = ""
    """What the server says the name stands for: a hub id, a folder, the base of an adapter."""
    parent: str = ""
    answers_as: str = ""
    """The name under which answers come."""
    system_fingerprint: str = ""
    revision: str = ""
    """What the user says beside it, where a name alone does not tell two checkpoints apart."""

    @property
    def policy_id(self) -> str:
        """Hash of all of it; of neither address nor time."""
        return content_hash(["openai", asdict(self)])

    def check(self, reply: Reply, base_url: str) -> None:
        """Raise PolicyUnavailable when somebody else has answered."""
        known, now = (
            " ".join(part for part in pair if part)
            for pair in (
                (self.answers_as, self.system_fingerprint),
                (reply.model, reply.system_fingerprint),
            )
        )
        if known != now:
            raise PolicyUnavailable(
                f"{base_url} answered as {known!r} at first and now as {now!r}; serve the first "
                "again to go on, or start the command again to ask the second as another policy"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What the server understands beyond the API that all servers share."""

    takes_extras: bool
    """It knows sampling fields that OpenAI's API has not, and so can be told everything."""
    sees: bool
    greeting: str
    """The greedy answer to QUESTION; empty where it is not the same twice."""
    question_tokens: int | None
    max_model_len: int | None


@dataclass(frozen=True, slots=True)
class Met:
    """Who was met at an address."""

    identity: Identity
    manners: Manners


async def meet(line: Line, base_url: str, model: str, revision: str) -> Met:
    """Find out who is there. Raises PolicyUnavailable, with what to do, when nobody can be asked."""
    served = await _served(line, base_url)
    model = model or _only(served, base_url)
    card = served.get(model, {})
    named = partial(Identity, model=model, revision=revision)
    try:
        first, takes_extras = await _first_greeting(line, model)
        second = await greet(line, model, takes_extras)
        sees = await _sees(line, model, first)
    except (Refused, NoAnswer) as error:
        unavailable(base_url, model, error, served)
    text = _text(first)
    if QUESTION in text:
        raise PolicyUnavailable(
            f"{base_url} repeats the prompt in its answers, so none of them can be graded; give the "
            "model's tokenizer a `response_template` that fits its chat template, or serve it otherwise"
        )
    identity = named(
        root=str(card.get("root") or ""),
        parent=str(card.get("parent") or ""),
        answers_as=first.model,
        system_fingerprint=first.system_fingerprint,
    )
    identity.check(second, base_url)
    manners = Manners(
        takes_extras=takes_extras,
        sees=sees,
        greeting=text if text == _text(second) else "",
        question_tokens=first.prompt_tokens,
        max_model_len=card.get("max_model_len"),
    )
    return Met(identity, manners)


async def greet(line: Line, model: str, takes_extras: bool) -> Reply:
    """Ask the fixed question greedily. Raises Refused or NoAnswer."""
    return await _ask(line, _question(), model, WHOLE_DISTRIBUTION if takes_extras else {})


async def still_there(line: Line, base_url: str, met: Met) -> Reply:
    """Make sure that the same server answers at all. Raises PolicyUnavailable."""
    try:
        reply = await greet(line, met.identity.model, met.manners.takes_extras)
    except (Refused, NoAnswer) as error:
        unavailable(base_url, met.identity.model, error)
    met.identity.check(reply, base_url)
    return reply


async def still_the_same(line: Line, base_url: str, met: Met) -> None:
    """Compare the greeting, while nothing else is asked. Raises PolicyUnavailable."""
    for _ in range(GREETINGS):
        reply = await still_there(line, base_url, met)
        if not met.manners.greeting or _text(reply) == met.manners.greeting:
            return
    raise PolicyUnavailable(
        f"{base_url} still answers as {met.identity.model!r} but greets otherwise than before: other "
        "weights are served under the same name; give each a `revision` in [policy]"
    )


async def check_stops(line: Line, base_url: str, met: Met) -> None:
    """Make sure that the server can be told where to stop. Raises PolicyUnavailable."""
    extras = KEEP_STOPS | WHOLE_DISTRIBUTION if met.manners.takes_extras else {}
    try:
        await _ask(line, _question(), met.identity.model, {"stop": ["\n"], **extras})
    except (Refused, NoAnswer) as error:
        raise PolicyUnavailable(
            f"{base_url} cannot be told where to stop ({error}); tree search asks for single steps "
            "and needs a server that can, such as vLLM or SGLang"
        ) from None


async def check_prefix(line: Line, base_url: str, met: Met) -> None:
    """Make sure that the server goes on with a partial answer. Raises PolicyUnavailable.

    A server that takes the partial answer for a finished one puts an end mark behind it and opens
    another turn, which makes the prompt longer than the one token that was added.
    """
    try:
        reply = await _ask(line, _question(prefix="1"), met.identity.model, CONTINUE)
    except (Refused, NoAnswer) as error:
        said = f" ({error})"
    else:
        before, now = met.manners.question_tokens, reply.prompt_tokens
        if before is None or now is None or now <= before + 2:
            return
        said = " (it begins another)"
    raise PolicyUnavailable(
        f"{base_url} does not go on with a partial answer{said}; tree search needs a server that "
        "knows `continue_final_message`, such as vLLM or SGLang"
    )


def unavailable(
    base_url: str, model: str, error: Refused | NoAnswer, served: dict[str, Any] | None = None
) -> NoReturn:
    """Raise PolicyUnavailable with what is the matter and what to do."""
    status = error.status
    if not status:
        advice = "start the server, or correct `source` in [policy]"
        raise PolicyUnavailable(f"nobody answers at {base_url} ({error}); {advice}") from None
    if isinstance(error, NoAnswer):
        advice = "see what the server says, and start the same command again when it is well"
    elif status in (UNKNOWN_KEY, FORBIDDEN):
        advice = (
            "put a valid key into the environment variable that `api_key_env` in [policy] names"
        )
    elif status == NOT_FOUND and served:
        advice = f"it serves {', '.join(sorted(served))}: correct `model` in [policy]"
    else:
        advice = (
            "correct `source` or `model` in [policy], or start the server as docs/policies.md says"
        )
    raise PolicyUnavailable(f"{base_url} cannot be asked as {model!r}, {error}; {advice}") from None


async def _served(line: Line, base_url: str) -> dict[str, dict[str, Any]]:
    """The models on the server's list, by name; none where it keeps no list that can be read."""
    try:
        listed = await line.get("models", tries=FEW_TRIES)
        return {str(card["id"]): card for card in listed["data"]}
    except Refused as error:
        if error.status in (UNKNOWN_KEY, FORBIDDEN):
            unavailable(base_url, "", error)
    except NoAnswer as error:
        if not error.status:
            unavailable(base_url, "", error)
    except (TypeError, KeyError):
        pass
    return {}


def _only(served: dict[str, Any], base_url: str) -> str:
    if len(served) == 1:
        return next(iter(served))
    offered = f"serves {', '.join(sorted(served))}" if served else "names no model"
    raise PolicyUnavailable(f"{base_url} {offered}; say in [policy] which `model` to ask")


async def _first_greeting(line: Line, model: str) -> tuple[Reply, bool]:
    """Greet with the fields that OpenAI's API has not, else without; and whether they were taken."""
    try:
        extras = WHOLE_DISTRIBUTION | KEEP_STOPS
        return await _ask(line, _question(), model, extras), True
    except (Refused, NoAnswer) as error:
        if not error.status or error.status in SHUT_OUT:
            raise
    return await greet(line, model, takes_extras=False), False


async def _sees(line: Line, model: str, plain: Reply) -> bool:
    """Whether a picture beside the question reaches the model: it costs tokens of the prompt."""
    from PIL import Image

    try:
        reply = await _ask(line, _question(Image.new("RGB", (64, 64), "white")), model, {})
    except (Refused, NoAnswer):
        return False
    if plain.prompt_tokens is None or reply.prompt_tokens is None:
        return True
    return reply.prompt_tokens > plain.prompt_tokens


def _question(picture: Any = None, prefix: str = "") -> Request:
    blocks = [{"type": "text", "text": QUESTION}]
    if picture is not None:
        blocks.insert(0, {"type": "image"})
    images = () if picture is None else (picture,)
    return Request([{"role": "user", "content": blocks}], images, prefix=prefix)


async def _ask(line: Line, request: Request, model: str, extras: dict[str, Any]) -> Reply:
    content = body(messages_json(request), fields(model, GREEDY, seed=0) | extras)
    return await line.post(
        CHAT,
        content,
        partial(read, n=1, sampling=GREEDY),
        key=content_hash(["greeting", model]),
        most_bytes=most_bytes(1, GREEDY.max_tokens),
        tries=FEW_TRIES,
    )


def _text(reply: Reply) -> str:
    return reply.completions[0].text


def greeting_hash(met: Met) -> Json:
    """The greeting as it is kept: empty where it says nothing."""
    return content_hash(met.manners.greeting) if met.manners.greeting else ""
