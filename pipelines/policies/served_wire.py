"""What an OpenAI-compatible server is sent and how its answers are read: pure functions.

Pictures travel as lossless data URLs, so that the server sees what `render` gave; nothing refers
to a file or an address that a server might open.
"""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ValidationError

from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.record.canonical import content_hash

if TYPE_CHECKING:
    from PIL import Image

WHOLE_DISTRIBUTION = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
"""Not of OpenAI: without them vLLM and SGLang sample as the model's generation_config.json says,
and not from what `Sampling` names."""
KEEP_STOPS = {"include_stop_str_in_output": True, "no_stop_trim": True}
"""How vLLM, and how SGLang, is asked to leave the stop text in the answer."""
NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}
"""How both are asked to tell the chat template that it is to be answered without thinking."""
CONTINUE = {"continue_final_message": True, "add_generation_prompt": False}
"""How both are asked to go on with the last message, where it is the assistant's."""

BYTES_A_TOKEN = 256
"""Generous: the longest tokens are runs of spaces, and JSON escapes a character in six bytes."""
ENVELOPE = 1 << 20


class Malformed(ValueError):
    """Not a chat completion, or one cut off: it may come whole when it is asked for again."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One response of the server, read."""

    model: str
    """What the server says has answered."""
    system_fingerprint: str
    prompt_tokens: int | None
    completions: list[Completion]


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    index: int = 0
    message: _Message
    finish_reason: str
    stop_reason: str | int | None = None
    """vLLM: the stop text that ended the answer."""
    matched_stop: str | int | None = None
    """The same of SGLang."""


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class _Chat(BaseModel):
    model: str = ""
    system_fingerprint: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


def messages_json(request: Request) -> bytes:
    """Encode the messages, which all answers to a request share, with the prefix as the last."""
    pictures = iter(request.images)
    messages: list[dict[str, Any]] = [
        {"role": message["role"], "content": _content(message["content"], pictures)}
        for message in request.messages
    ]
    if request.prefix:
        messages.append({"role": "assistant", "content": request.prefix})
    return json.dumps(messages, ensure_ascii=False).encode("utf-8", "replace")


def _content(blocks: Sequence[Mapping[str, Any]], pictures: "Iterator[Image.Image]") -> Any:
    """Plain text where there is no picture, which every chat template takes; else parts in order."""
    if all(block["type"] == "text" for block in blocks):
        return "".join(block["text"] for block in blocks)
    return [
        {"type": "text", "text": block["text"]}
        if block["type"] == "text"
        else {"type": "image_url", "image_url": {"url": data_url(next(pictures))}}
        for block in blocks
    ]


def data_url(picture: "Image.Image") -> str:
    """Write a picture as a PNG in a data URL, packed quickly rather than small."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def fields(model: str, sampling: Sampling, *, seed: int, n: int = 1) -> dict[str, Any]:
    """Everything but the messages that every server knows."""
    known: dict[str, Any] = {
        "model": model,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed,
    }
    if n > 1:
        known["n"] = n
    if sampling.stop:
        known["stop"] = list(sampling.stop)
    return known


def body(messages: bytes, known: Mapping[str, Any]) -> bytes:
    """Join messages, encoded once, with the fields of one question."""
    return b'{"messages":' + messages + b"," + json.dumps(known).encode()[1:]


def seed_of(seed: int, index: int, k: int) -> int:
    """Give the answer k to request `index` a seed of its own; 31 bits suit every server."""
    return int(content_hash([seed, index, k])[:8], 16) & 0x7FFFFFFF


def most_bytes(n: int, max_tokens: int) -> int:
    """How long a response with n answers may be before it is not read any further."""
    return ENVELOPE + n * max_tokens * BYTES_A_TOKEN


def read(data: bytes, n: int, sampling: Sampling) -> Reply:
    """Read a response to a question for n answers. Raises Malformed when it is none."""
    try:
        chat = _Chat.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Malformed(
            f"not a chat completion: {place} {first['msg']}".replace("  ", " ")
        ) from None
    choices = sorted(chat.choices, key=lambda choice: choice.index)[:n]
    if not choices:
        raise Malformed("a chat completion without choices")
    broken = {choice.finish_reason for choice in choices} & {"abort", "error"}
    if broken:
        raise Malformed(f"the server ended the answer with {broken.pop()!r}")
    return Reply(
        model=chat.model,
        system_fingerprint=chat.system_fingerprint or "",
        prompt_tokens=chat.usage.prompt_tokens if chat.usage else None,
        completions=_completions(choices, chat.usage, sampling),
    )


def _completions(
    choices: Sequence[_Choice], usage: _Usage | None, sampling: Sampling
) -> list[Completion]:
    prompt_tokens = usage.prompt_tokens if usage else 0
    said = usage.completion_tokens if usage else None
    if said is not None and said > len(choices) * sampling.max_tokens:
        problem = (
            f"over-long: {said} tokens in {len(choices)} answers, of which each may have "
            f"{sampling.max_tokens}; the server does not keep to max_tokens"
        )
        return [failed(problem, prompt_tokens, said // len(choices)) for _ in choices]
    tokens = _tokens_each(choices, said, sampling.max_tokens)
    return [
        _completion(choice, sampling.stop, prompt_tokens, count)
        for choice, count in zip(choices, tokens, strict=True)
    ]


def failed(problem: str, prompt_tokens: int = 0, completion_tokens: int = 0) -> Completion:
    """Make the completion that says why there is no answer."""
    return Completion("", "error", prompt_tokens, completion_tokens, problem)


def _completion(
    choice: _Choice, stop: Sequence[str], prompt_tokens: int, tokens: int
) -> Completion:
    if choice.finish_reason == "content_filter" or choice.message.refusal:
        said = choice.message.refusal or "its content filter"
        return failed(f"withheld by the server: {said}", prompt_tokens, tokens)
    text = choice.message.content or ""
    ends = [text.find(end) + len(end) for end in stop if end in text]
    if ends:
        return Completion(text[: min(ends)], "stop", prompt_tokens, tokens)
    named = choice.stop_reason if choice.stop_reason is not None else choice.matched_stop
    if choice.finish_reason == "stop" and named in stop:
        text += str(named)
    reason: Literal["stop", "length"] = "length" if choice.finish_reason == "length" else "stop"
    return Completion(text, reason, prompt_tokens, tokens)


def _tokens_each(choices: Sequence[_Choice], said: int | None, most: int) -> list[int]:
    """Share the tokens of all answers out; their sum is what the server says.

    An answer that was cut has `most`. Beyond one answer the others' are estimates by the length of
    their text, and so are all of them where the server says nothing (four characters each).
    """
    sizes = [len(choice.message.content or "") + 1 for choice in choices]
    cut = [choice.finish_reason == "length" for choice in choices]
    if said is None:
        sized = zip(sizes, cut, strict=True)
        return [most if is_cut else min(most, -(-size // 4)) for size, is_cut in sized]
    left = max(0, said - most * sum(cut))
    open_size = sum(size for size, is_cut in zip(sizes, cut, strict=True) if not is_cut)
    counts: list[int] = []
    for size, is_cut in zip(sizes, cut, strict=True):
        share = most if is_cut else min(most, round(left * size / open_size))
        if not is_cut:
            left, open_size = left - share, open_size - size
        counts.append(share)
    return counts if len(counts) > 1 else [said]
