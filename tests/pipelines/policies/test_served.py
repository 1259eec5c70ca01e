"""A served policy against a small server that behaves, misbehaves, changes and dies."""

import asyncio
import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_server import Chat, Manners, Raw, SmallServer, error, serving

from pipelines.policies.open import checked_address, open_policy, refuse_other_weights
from pipelines.policies.policy import Completion, PolicyUnavailable, Request, Sampling
from pipelines.policies.served import ServedPolicy
from pipelines.policies.served_line import Patience
from pipelines.workspace import WrongUse

QUICK = Patience(tries=4, pause=0.005, timeout=5.0)
SHORT = Sampling(max_tokens=40)


@pytest.fixture
def start() -> Iterator[Callable[..., SmallServer]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(SmallServer(**settings)))


def opened(server: SmallServer, patience: Patience = QUICK, **settings: Any) -> ServedPolicy:
    return ServedPolicy(server.address, patience=patience, **settings)


def question(text: str, *pictures: Image.Image, n: int = 1, prefix: str = "") -> Request:
    blocks = [*({"type": "image"} for _ in pictures), {"type": "text", "text": text}]
    return Request([{"role": "user", "content": blocks}], pictures, n, prefix)


def text_of(body: Chat) -> str:
    content = body["messages"][0]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def misbehaving(on: str, *responses: Raw | Chat | None, then: Raw | None = None) -> Manners:
    """Give these responses to the question `on`, one after the other, and then another or none."""
    left = list(responses)

    def manners(body: Chat) -> Raw | Chat | None:
        if text_of(body) != on:
            return None
        return left.pop(0) if left else then

    return manners


def flat(answers: list[list[Completion]]) -> list[Completion]:
    return [completion for completions in answers for completion in completions]


# Answers


def test_a_server_that_heeds_n_is_asked_once_for_all_answers(start: Any) -> None:
    server = start()
    answers = opened(server).sample([question("a", n=4), question("b", n=4)], SHORT, 0)
    assert [len(completions) for completions in answers] == [4, 4]
    assert [body["n"] for body in server.asked] == [4, 4]
    assert len({completion.text for completion in flat(answers)}) == 8
    assert {c.finish_reason for c in flat(answers)} == {"stop"}
    # What the server counts is for all choices together.
    assert all(c.completion_tokens == len(c.text) for c in flat(answers))
    assert {c.prompt_tokens for c in flat(answers)} == {4}


def test_a_server_that_ignores_n_is_asked_for_the_rest_and_not_for_several_again(
    start: Any,
) -> None:
    server = start(manners=lambda body: server.completion(body | {"n": 1}))
    policy = opened(server)
    (first,) = policy.sample([question("a", n=4)], SHORT, 0)
    assert len(first) == len({completion.text for completion in first}) == 4
    assert [body.get("n") for body in server.asked] == [4, None, None, None]
    policy.sample([question("b", n=2)], SHORT, 0)
    assert [body.get("n") for body in server.asked[4:]] == [None, None]


def test_a_server_that_refuses_n_is_asked_for_one_at_a_time(start: Any) -> None:
    refusal = Raw(400, error("only one completion choice is allowed"))
    server = start(manners=lambda body: refusal if "n" in body else None)
    policy = opened(server)
    (answers,) = policy.sample([question("a", n=3)], SHORT, 0)
    assert [completion.problem for completion in answers] == ["", "", ""]
    assert policy.takes_n is False


def test_more_choices_than_asked_for_are_not_more_answers(start: Any) -> None:
    server = start(manners=lambda body: server.completion(body | {"n": 5}))
    assert len(flat(opened(server).sample([question("a", n=2)], SHORT, 0))) == 2
    assert len(flat(opened(server).sample([question("a")], SHORT, 0))) == 1


def test_every_answer_has_a_seed_of_its_own_and_equal_calls_give_equal_answers(
    start: Any,
) -> None:
    server = start(manners=lambda body: server.completion(body | {"n": 1}))
    policy = opened(server)
    requests = [question("a", n=3), question("a", n=3)]
    first = policy.sample(requests, SHORT, 5)
    assert len({body["seed"] for body in server.asked}) == 6
    policy.takes_n = True
    assert policy.sample(requests, SHORT, 5) == first
    assert policy.sample(requests, SHORT, 6) != first


def test_the_whole_distribution_is_asked_for_where_the_server_knows_how(start: Any) -> None:
    server = start()
    policy = opened(server)
    policy.sample([question("a")], Sampling(temperature=0.7, top_p=0.9, max_tokens=9), 0)
    (body,) = server.asked
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.7, 0.9, 9)
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (-1, 0.0, 1.0)
    strict = start(manners=lambda b: Raw(422, error("unexpected field")) if "top_k" in b else None)
    policy = opened(strict)
    policy.sample([question("a")], SHORT, 0)
    assert "top_k" not in strict.asked[0]
    assert policy.details["whole_distribution"] is False


def test_the_chat_template_is_told_not_to_think_where_the_server_knows_how(start: Any) -> None:
    server = start()
    policy = opened(server)
    policy.sample([question("a"), replace(question("b"), thinking=False)], SHORT, 0)
    told = {b["messages"][-1]["content"]: b.get("chat_template_kwargs") for b in server.asked}
    assert told == {"a": None, "b": {"enable_thinking": False}}
    strict = start(manners=lambda b: Raw(422, error("unexpected field")) if "top_k" in b else None)
    opened(strict).sample([replace(question("b"), thinking=False)], SHORT, 0)
    assert "chat_template_kwargs" not in strict.asked[0]


def test_where_tokens_are_not_counted_they_are_estimated(start: Any) -> None:
    server = start(manners=lambda body: server.completion(body, usage=None))
    ((ended,),) = opened(server).sample([question("a")], SHORT, 0)
    ((cut,),) = opened(server).sample([question("a")], Sampling(max_tokens=3), 0)
    assert (ended.finish_reason, ended.completion_tokens) == ("stop", 4)
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 3)


def test_tokens_of_several_answers_sum_to_what_the_server_counts(start: Any) -> None:
    def manners(body: Chat) -> Chat | None:
        if "n" not in body:
            return None
        said = server.completion(body)
        said["choices"][1]["finish_reason"] = "length"
        return said | {"usage": {"prompt_tokens": 3, "completion_tokens": 57}}

    server = start(manners=manners)
    (answers,) = opened(server).sample([question("a", n=3)], Sampling(max_tokens=31), 0)
    tokens = [completion.completion_tokens for completion in answers]
    assert tokens == [13, 31, 13]


def test_pictures_travel_in_the_request_pixel_for_pixel(start: Any) -> None:
    server = start()
    pixels = np.random.default_rng(0).integers(0, 255, (30, 50, 3), dtype=np.uint8)
    two = (Image.fromarray(pixels), Image.fromarray(255 - pixels))
    opened(server).sample([question("which?", *two)], SHORT, 0)
    (body,) = server.asked
    *shown, words = body["messages"][0]["content"]
    assert words == {"type": "text", "text": "which?"}
    for part, picture in zip(shown, two, strict=True):
        head, _, data = part["image_url"]["url"].partition(",")
        assert head == "data:image/png;base64"
        received = Image.open(io.BytesIO(base64.b64decode(data)))
        assert np.array_equal(np.asarray(received), np.asarray(picture))


def test_a_server_that_drops_or_refuses_pictures_takes_none(start: Any) -> None:
    def without_pictures(body: Chat) -> Chat | None:
        if isinstance(body["messages"][0]["content"], str):
            return None
        words = [{"role": "user", "content": text_of(body)}]
        return server.completion(body | {"messages": words})

    server = start(manners=without_pictures)
    assert opened(server).takes == frozenset()
    refusing = start(
        manners=lambda body: (
            None
            if isinstance(body["messages"][0]["content"], str)
            else Raw(400, error("not a multimodal model"))
        )
    )
    assert opened(refusing).takes == frozenset()
    assert opened(start()).takes == {"image"}


def test_the_stop_text_stays_in_the_answer_whether_the_server_keeps_it_or_names_it(
    start: Any,
) -> None:
    sampling = Sampling(max_tokens=40, stop=("\n",))
    naming = start()
    ((named,),) = opened(naming).sample([question("a")], sampling, 0)
    assert naming.asked[0]["include_stop_str_in_output"] is True
    assert (named.text[-1], named.text.count("\n"), named.finish_reason) == ("\n", 1, "stop")
    keeping = start(manners=lambda b: keeping.completion({k: b[k] for k in b if k != "stop"}))
    ((kept,),) = opened(keeping).sample([question("a")], sampling, 0)
    assert kept.text == named.text
    assert kept.finish_reason == "stop"


def test_an_answer_that_ends_by_itself_gets_no_stop_text(start: Any) -> None:
    server = start()
    ((answer,),) = opened(server).sample([question("a")], Sampling(max_tokens=40, stop=("?",)), 0)
    assert answer.text.endswith("more")


def test_a_server_that_cannot_be_told_where_to_stop_is_not_searched(start: Any) -> None:
    server = start(manners=lambda body: Raw(500, b"oops") if "stop" in body else None)
    with pytest.raises(PolicyUnavailable, match=r"cannot be told where to stop.*vLLM"):
        opened(server).sample([question("a")], Sampling(stop=("\n",)), 0)


def test_a_partial_answer_is_continued_as_the_last_message(start: Any) -> None:
    server = start()
    ((answer,),) = opened(server).sample([question("a", prefix="so far\n")], SHORT, 0)
    (body,) = server.asked
    assert body["messages"][-1] == {"role": "assistant", "content": "so far\n"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert "so far" not in answer.text


def test_a_server_that_begins_another_answer_instead_is_not_searched(start: Any) -> None:
    def begins_anew(body: Chat) -> Chat:
        return server.completion({k: body[k] for k in body if k != "continue_final_message"})

    server = start(manners=begins_anew)
    with pytest.raises(PolicyUnavailable, match=r"does not go on with a partial answer.*begins"):
        opened(server).sample([question("a", prefix="so far")], SHORT, 0)
    refusing = start(
        manners=lambda b: Raw(422, error("no")) if "continue_final_message" in b else None
    )
    with pytest.raises(PolicyUnavailable, match=r"does not go on.*422"):
        opened(refusing).sample([question("a", prefix="so far")], SHORT, 0)


# Trouble


TROUBLE = {
    "500": Raw(500, b"Internal Server Error"),
    "503": Raw(503, error("loading")),
    "429": Raw(429, error("slow down")),
    "truncated": Raw(data=b'{"model": "small", "choices": [{"index": 0, "mess'),
    "not JSON": Raw(data=b"<html>gateway</html>"),
    "no choices": Raw(data=b'{"model": "small", "choices": []}'),
    "unfinished": Raw(
        data=b'{"model": "small", "choices": [{"message": {"content": "x"}, "finish_reason": null}]}'
    ),
    "dropped": Raw(drop=True),
    "slow": Raw(data=b"{}", seconds=0.6),
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_what_passes_is_asked_again_and_answered_once(start: Any, kind: str) -> None:
    server = start(manners=misbehaving("b", TROUBLE[kind], TROUBLE[kind]))
    patience = Patience(tries=8, pause=0.005, timeout=0.3)
    answers = opened(server, patience).sample([question(q) for q in "abc"], SHORT, 0)
    assert [len(completions) for completions in answers] == [1, 1, 1]
    assert {completion.problem for completion in flat(answers)} == {""}
    asked = [text_of(body) for body in server.asked]
    assert sorted(asked) == ["a", "b", "b", "b", "c"]
    # Every repetition carries the key of the first, and no other question does.
    keys = {q: {k for a, k in zip(asked, server.keys, strict=True) if a == q} for q in "abc"}
    assert [len(keys[q]) for q in "abc"] == [1, 1, 1]
    assert len(set.union(*keys.values())) == 3


def test_retry_after_is_heeded(start: Any) -> None:
    wait = Raw(429, error("slow down"), {"Retry-After": "0.4"})
    server = start(manners=misbehaving("a", wait))
    policy = opened(server)
    started = time.monotonic()
    policy.sample([question("a")], SHORT, 0)
    assert 0.4 <= time.monotonic() - started < 3


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_refused_is_a_problem_of_its_own(start: Any, status: int) -> None:
    refusal = Raw(status, error("the prompt is longer than 4,096 tokens"))
    server = start(manners=misbehaving("long", then=refusal))
    answers = opened(server).sample([question("a"), question("long", n=3)], SHORT, 0)
    assert answers[0][0].problem == ""
    said = f"refused by the server ({status}: the prompt is longer than 4,096 tokens)"
    assert [c.problem for c in answers[1]] == [said] * 3
    assert {(c.finish_reason, c.text) for c in answers[1]} == {("error", "")}
    # Once with n, once without: never for its own sake again.
    assert [text_of(body) for body in server.asked].count("long") == 2


def test_a_request_that_the_server_stumbles_over_is_a_problem_of_its_own(start: Any) -> None:
    server = start(manners=misbehaving("bad", then=Raw(500, b"oops")))
    answers = opened(server).sample([question(q) for q in ("a", "bad", "c")], SHORT, 0)
    assert [bool(c.problem) for c in flat(answers)] == [False, True, False]
    assert answers[1][0].problem == "no answer in 4 tries: 500: oops"
    # Alone, it is still the request's problem and not the server's.
    ((alone,),) = opened(server).sample([question("bad")], SHORT, 0)
    assert alone.problem == "no answer in 4 tries: 500: oops"


def test_what_the_server_withholds_is_no_wrong_answer(start: Any) -> None:
    def filtered(body: Chat) -> Chat:
        said = server.completion(body)
        if text_of(body) == "b":
            said["choices"][0]["finish_reason"] = "content_filter"
        return said

    server = start(manners=filtered)
    answers = flat(opened(server).sample([question("a"), question("b")], SHORT, 0))
    assert [c.problem for c in answers] == ["", "withheld by the server: its content filter"]


def test_over_long_answers_are_bounded_and_no_answers(start: Any) -> None:
    def endless(body: Chat) -> Raw | Chat | None:
        said = server.completion(body)
        if text_of(body) == "tokens":
            return said | {"usage": {"prompt_tokens": 1, "completion_tokens": 9999}}
        if text_of(body) == "bytes":
            return Raw(data=b" " * 3_000_000 + json.dumps(said).encode())
        if text_of(body) == "time":
            return Raw(data=b"{", trickle=True)
        return None

    server = start(manners=endless)
    patience = Patience(tries=2, pause=0.005, timeout=0.5)
    names = ("tokens", "bytes", "time", "fine")
    answers = flat(opened(server, patience).sample([question(q) for q in names], SHORT, 0))
    problems = dict(zip(names, (c.problem for c in answers), strict=True))
    assert "9999 tokens" in problems["tokens"]
    assert "more than 1,058,816 bytes" in problems["bytes"]
    assert "nothing whole came within 0.5 seconds" in problems["time"]
    assert problems["fine"] == ""
    asked = [text_of(body) for body in server.asked]
    assert [asked.count(name) for name in names] == [1, 1, 1, 1]


def test_no_more_requests_are_under_way_than_allowed(start: Any) -> None:
    server = start(seconds=0.02)
    opened(server, concurrency=5).sample([question(str(i)) for i in range(40)], SHORT, 0)
    assert server.most_under_way == 5


def test_it_can_be_asked_from_within_an_event_loop(start: Any) -> None:
    server = start()

    async def notebook() -> list[list[Completion]]:
        return opened(server).sample([question("a")], SHORT, 0)

    assert asyncio.run(notebook())[0][0].problem == ""


# Who is there


def test_nobody_at_the_address_is_one_sentence_with_what_to_do(start: Any) -> None:
    with serving(SmallServer()) as server:
        address = server.address
    with pytest.raises(PolicyUnavailable, match=f"nobody answers at {address}.*start the server"):
        ServedPolicy(address, patience=QUICK)


def test_a_model_that_is_not_served_is_named_with_those_that_are(start: Any) -> None:
    server = start()
    with pytest.raises(PolicyUnavailable, match=r"'large'.*404.*it serves small: correct `model`"):
        opened(server, model="large")


def test_a_list_of_several_models_asks_for_a_choice(start: Any) -> None:
    server = start()
    listed = {"data": [{"id": "small"}, {"id": "other"}]}
    server.listed = lambda: listed
    with pytest.raises(PolicyUnavailable, match=r"serves other, small; say .* which `model`"):
        opened(server)
    assert opened(server, model="small").name == "small"


def test_a_refused_key_names_the_setting_that_holds_it(start: Any) -> None:
    server = start(manners=lambda _: Raw(401, error("invalid api key")))
    with pytest.raises(PolicyUnavailable, match=r"401: invalid api key.*`api_key_env`"):
        opened(server)


def test_the_key_comes_from_the_environment_and_is_kept_nowhere(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    monkeypatch.setenv("SMALL_KEY", "very-secret")
    policy = open_policy(server.address, api_key_env="SMALL_KEY")
    policy.sample([question("a")], SHORT, 0)
    assert server.credentials == {"Bearer very-secret"}
    assert "very-secret" not in json.dumps(policy.details) + policy.policy_id + policy.name
    monkeypatch.delenv("SMALL_KEY")
    with pytest.raises(WrongUse, match="SMALL_KEY, named by `api_key_env`, holds no key"):
        open_policy(server.address, api_key_env="SMALL_KEY")


def test_an_address_is_checked_before_anybody_is_asked() -> None:
    with pytest.raises(WrongUse, match="holds a key"):
        checked_address("http://me:secret@host/v1")
    with pytest.raises(WrongUse, match="not the address of an API"):
        checked_address("http:///v1")
    assert checked_address("http://host:1/v1/") == "http://host:1/v1"
    assert checked_address("http://host:1/v1/chat/completions") == "http://host:1/v1"


def test_the_same_model_is_the_same_policy_wherever_and_whenever_it_is_served(start: Any) -> None:
    here = opened(start(card={"root": "org/small", "created": 1, "max_model_len": 100}))
    there = opened(start(card={"root": "org/small", "created": 2, "max_model_len": 200}))
    assert here.base_url != there.base_url
    assert here.policy_id == there.policy_id
    others = [
        opened(start(model="large")),
        opened(start(card={"root": "org/small-tuned"})),
        opened(start(fingerprint="fp_1")),
        opened(start(), revision="step 100"),
    ]
    assert len({policy.policy_id for policy in (here, *others)}) == 5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": "other"}, "'small' at first and now as 'other'"),
        ({"fingerprint": "fp_2"}, "fp_2"),
    ],
)
def test_another_model_behind_the_port_stops_the_call(
    start: Any, change: dict[str, Any], named: str
) -> None:
    server = start()
    policy = opened(server)
    assert policy.sample([question("a")], SHORT, 0)[0][0].problem == ""
    said = change | {"system_fingerprint": change.get("fingerprint")}
    server.manners = lambda body: server.completion(body, **said)
    with pytest.raises(PolicyUnavailable, match=named):
        policy.sample([question("a")], SHORT, 0)


def test_other_weights_under_the_same_name_are_known_by_their_greeting(start: Any) -> None:
    server = start()
    policy = opened(server)
    # The server went away and came back with something else.
    server.weights = "second"
    server.manners = misbehaving("a", Raw(drop=True))
    with pytest.raises(PolicyUnavailable, match="greets otherwise than before"):
        policy.sample([question("a")], SHORT, 0)


def test_other_weights_are_known_by_what_the_catalog_keeps(start: Any, workspace: Any) -> None:
    from scripts import filled

    from pipelines.policies.templates import TEMPLATES
    from pipelines.scoring.ask import Asker

    filled(workspace, 1)
    server = start()
    first = opened(server)
    refuse_other_weights(workspace.catalog, first)
    with workspace.catalog.write() as connection:
        Asker(first, TEMPLATES["plain"], SHORT, workspace.media.read).introduce(connection)
    refuse_other_weights(workspace.catalog, opened(server))
    server.weights = "second"
    with pytest.raises(PolicyUnavailable, match="`revision`"):
        refuse_other_weights(workspace.catalog, opened(server))
    refuse_other_weights(workspace.catalog, opened(server, revision="second"))


def test_a_server_whose_greeting_varies_is_not_judged_by_it(start: Any) -> None:
    server = start()

    def restless(body: Chat) -> Chat | None:
        server.weights = str(time.monotonic_ns())
        return None

    server.manners = restless
    policy = opened(server)
    assert policy.details["greeting"] == ""
    server.manners = misbehaving("a", Raw(503))
    assert policy.sample([question("a")], SHORT, 0)[0][0].problem == ""


def test_a_server_that_repeats_the_prompt_is_not_asked(start: Any) -> None:
    def echo(body: Chat) -> Chat:
        said = server.completion(body)
        said["choices"][0]["message"]["content"] = f"<user>{text_of(body)}<assistant>x"
        return said

    server = start(manners=echo)
    with pytest.raises(PolicyUnavailable, match="repeats the prompt"):
        opened(server)
