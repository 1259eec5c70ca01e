"""The in-process back-end: batches, several answers to one prompt, partial answers, stops, seeds."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from small_world import text_policy, vision_policy

from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.policy import Request, Sampling


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vision_policy(tmp_path_factory.mktemp("policies") / "vision")


@pytest.fixture
def policy(folder: Path) -> CheckpointPolicy:
    return CheckpointPolicy(folder)


def question(text: str, *pictures: Image.Image, n: int = 1, prefix: str = "") -> Request:
    blocks = [*({"type": "image"} for _ in pictures), {"type": "text", "text": text}]
    return Request([{"role": "user", "content": blocks}], pictures, n, prefix)


def picture(width: int = 32) -> Image.Image:
    return Image.effect_noise((width, 32), 90).convert("RGB")


def texts(policy: CheckpointPolicy, request: Request, sampling: Sampling, seed: int) -> list[str]:
    return [completion.text for completion in policy.sample([request], sampling, seed)[0]]


def test_equal_batches_with_equal_seeds_give_equal_answers(policy: CheckpointPolicy) -> None:
    sampling = Sampling(max_tokens=12)
    first = texts(policy, question("why?", n=6), sampling, 3)
    assert len(set(first)) > 1
    assert texts(policy, question("why?", n=6), sampling, 3) == first
    assert texts(policy, question("why?", n=6), sampling, 4) != first


def test_a_chat_template_that_knows_thinking_is_told_when_it_is_off(
    policy: CheckpointPolicy,
) -> None:
    thinks = question("why?")
    before = policy.prompt_text(thinks)
    assert policy.prompt_text(replace(thinks, thinking=False)) == before
    off = "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
    policy.processor.chat_template += off
    assert policy.prompt_text(thinks) == before
    assert policy.prompt_text(replace(thinks, thinking=False)) == f"{before}<think></think>"


def test_asking_leaves_the_callers_random_numbers_alone(policy: CheckpointPolicy) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    policy.sample([question("why?")], Sampling(max_tokens=2), 9)
    assert torch.equal(torch.rand(2), expected)


def test_a_prompt_is_encoded_once_for_all_its_answers(
    policy: CheckpointPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []
    encode = policy.encode

    def watched(requests: Any) -> Any:
        encoded.extend(request.messages[0]["content"][-1]["text"] for request in requests)
        return encode(requests)

    monkeypatch.setattr(policy, "encode", watched)
    requests = [question(f"{i}?", picture(), n=8) for i in range(5)]
    answers = policy.sample(requests, Sampling(max_tokens=2), 0)
    assert sorted(encoded) == [f"{i}?" for i in range(5)]
    assert [len(completions) for completions in answers] == [8] * 5


def test_batches_hold_prompts_of_one_shape_and_of_like_length(policy: CheckpointPolicy) -> None:
    policy.max_rows = 4
    lengths = [900, 3, 910, 5, 4, 920, 6, 930]
    requests = [question("x" * length) for length in lengths]
    requests += [question("x", picture(width), n=2) for width in (256, 32, 256, 32)]
    batches = list(policy._batches(requests))
    assert sorted(i for batch in batches for i in batch) == list(range(len(requests)))
    shapes = [{(requests[i].n, len(requests[i].images)) for i in batch} for batch in batches]
    assert all(len(shape) == 1 for shape in shapes)
    assert [1, 4, 3, 6] in batches
    assert [9, 11] in batches
    assert [8, 10] in batches


def test_answers_come_in_the_order_of_the_questions(policy: CheckpointPolicy) -> None:
    requests = [question("x" * length) for length in (40, 2, 30, 1)]
    requests.insert(2, question("x", picture()))
    greedy = Sampling(temperature=0.0, max_tokens=8)
    together = policy.sample(requests, greedy, 0)
    alone = [policy.sample([request], greedy, 0)[0] for request in requests]
    assert [c.prompt_tokens for (c,) in together] == [c.prompt_tokens for (c,) in alone]
    assert [c.text for (c,) in together] == [c.text for (c,) in alone]


@pytest.mark.parametrize("with_picture", [False, True])
def test_a_prefix_is_gone_on_with_as_if_the_policy_had_said_it(
    policy: CheckpointPolicy, with_picture: bool
) -> None:
    pictures = (picture(),) if with_picture else ()
    greedy = Sampling(temperature=0.0, max_tokens=10)
    ((whole,),) = policy.sample([question("why?", *pictures)], greedy, 0)
    prefix = whole.text[:4]
    plain = policy.encode([question("why?", *pictures)])["input_ids"][0].tolist()
    given = policy.encode([question("why?", *pictures, prefix=prefix)])["input_ids"][0].tolist()
    said = policy.tokenizer.encode(prefix, add_special_tokens=False)
    assert given == plain + said
    rest = Sampling(temperature=0.0, max_tokens=6)
    ((continued,),) = policy.sample([question("why?", *pictures, prefix=prefix)], rest, 0)
    assert prefix + continued.text == whole.text
    assert continued.prompt_tokens == whole.prompt_tokens + len(said)


def test_an_answer_ends_with_the_stop_text_and_keeps_it(policy: CheckpointPolicy) -> None:
    free = texts(policy, question("why?", n=20), Sampling(max_tokens=30), 0)
    one, two = free[0][7], free[0][11:13]
    for stop in (one, two):
        sampling = Sampling(max_tokens=30, stop=(stop,))
        (completions,) = policy.sample([question("why?", n=20)], sampling, 0)
        ended = [c for c in completions if stop in c.text]
        assert ended
        assert all(c.text.index(stop) + len(stop) == len(c.text) for c in ended)
        assert {c.finish_reason for c in ended} == {"stop"}
        # It was ended and not cut afterwards.
        assert min(c.completion_tokens for c in ended) < 30


def test_a_token_that_holds_the_stop_text_ends_the_answer_too(tmp_path: Path) -> None:
    folder = text_policy(tmp_path / "text")
    tokens = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokens["model"]["vocab"]
    # A blank line as one token, as most vocabularies have it, in the place of a sign of no use.
    vocabulary["\n\n"] = vocabulary.pop("~")
    (folder / "tokenizer.json").write_text(json.dumps(tokens))
    policy = CheckpointPolicy(folder)
    blank_line = policy.tokenizer.convert_tokens_to_ids("\n\n")
    assert policy.tokenizer.decode([blank_line]) == "\n\n"
    ends = policy._stopping(Sampling(stop=("\n",)))["eos_token_id"]
    assert {blank_line, policy.tokenizer.convert_tokens_to_ids("\n")} < set(ends)
    assert len(ends) == 3
    row = torch.tensor([vocabulary["a"], blank_line, policy._pad_id])
    assert policy._read(row, Sampling(stop=("\n",))) == ("a\n", True, 2)


def test_what_the_checkpoint_says_of_sampling_does_not_hold(folder: Path, tmp_path: Path) -> None:
    headstrong = shutil.copytree(folder, tmp_path / "headstrong")
    path = headstrong / "generation_config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"repetition_penalty": 9.0, "min_p": 0.9, "top_k": 1}))
    sampling = Sampling(max_tokens=20)
    ours, theirs = (
        texts(CheckpointPolicy(folder), question("why?", n=4), sampling, 0)
        for folder in (folder, headstrong)
    )
    assert ours == theirs


def test_a_batch_that_does_not_fit_is_halved_and_what_does_not_fit_alone_says_so(
    policy: CheckpointPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = policy.model.generate

    def small_memory(**inputs: Any) -> Any:
        rows, width = inputs["input_ids"].shape
        if width > 100 or rows * inputs["num_return_sequences"] > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate much")
        return generate(**inputs)

    monkeypatch.setattr(policy.model, "generate", small_memory)
    requests = [question("x" * 200, n=2), *(question(f"{i}?", n=5) for i in range(4))]
    answers = policy.sample(requests, Sampling(max_tokens=3), 0)
    assert [len(completions) for completions in answers] == [2, 5, 5, 5, 5]
    assert {c.problem for c in answers[0]} == {"out of memory: CUDA out of memory"}
    assert {c.finish_reason for c in answers[0]} == {"error"}
    assert {c.problem for completions in answers[1:] for c in completions} == {""}


def test_weights_and_code_that_could_run_are_refused_and_not_run(
    folder: Path, tmp_path: Path
) -> None:
    hacked = tmp_path / "hacked"
    pickled = f"cos\nsystem\n(S'touch {hacked}'\ntR.".encode()
    loose = Path(shutil.copytree(folder, tmp_path / "loose"))
    (loose / "model.safetensors").unlink()
    (loose / "pytorch_model.bin").write_bytes(pickled)
    with pytest.raises(OSError, match="safetensors"):
        CheckpointPolicy(loose)
    coded = Path(shutil.copytree(folder, tmp_path / "coded"))
    config = json.loads((coded / "config.json").read_text())
    config["model_type"] = "of-my-own"
    config["auto_map"] = {"AutoConfig": "code.Config", "AutoModelForImageTextToText": "code.Model"}
    (coded / "config.json").write_text(json.dumps(config))
    (coded / "code.py").write_text(f"open({str(hacked)!r}, 'w')")
    with pytest.raises(ValueError, match=r"trust_remote_code|does not recognize"):
        CheckpointPolicy(coded)
    assert not hacked.exists()
