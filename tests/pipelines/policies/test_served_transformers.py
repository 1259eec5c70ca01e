"""The tiny policy behind a real `transformers serve`: asked over HTTP, graded into a catalog."""

from itertools import chain
from typing import Any

import httpx
import pytest

from pipelines.catalog.samples import add_samples
from pipelines.corpora.digits import digits
from pipelines.corpora.sums import sums
from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.policy import PolicyUnavailable, Request, Sampling
from pipelines.policies.render import render
from pipelines.policies.served import ServedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.record.media import inspect
from pipelines.record.sample import Sample
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def policy(served_tiny: Any) -> ServedPolicy:
    return ServedPolicy(served_tiny.address, str(served_tiny.folder))


def requests_of(samples: list[Sample], n: int = 1) -> list[Request]:
    held = {medium.media_id: medium for sample in samples for medium in sample.media}
    return [
        render(sample, TEMPLATES["plain"], lambda media_id: held[media_id].read(), n=n)
        for sample in samples
    ]


def test_the_server_says_who_it_is_and_sees(policy: ServedPolicy, served_tiny: Any) -> None:
    assert policy.kind == "openai"
    assert policy.takes == {"image"}
    assert policy.details["answers_as"] == f"{served_tiny.folder}@main"
    assert policy.details["greeting"]
    again = ServedPolicy(served_tiny.address, str(served_tiny.folder))
    assert again.policy_id == policy.policy_id


def test_text_and_pictures_are_asked_as_they_are_in_process(
    policy: ServedPolicy, served_tiny: Any
) -> None:
    samples = [*digits(size=4, held_out=0), *sums(size=4, held_out=0)]
    greedy = Sampling(temperature=0.0, max_tokens=8)
    served = policy.sample(requests_of(samples), greedy, 0)
    here = CheckpointPolicy(served_tiny.folder, device="cpu").sample(
        requests_of(samples), greedy, 0
    )
    # The same prompt to the token, and so the same greedy answer; the server strips its ends.
    assert [c.prompt_tokens for (c,) in served] == [c.prompt_tokens for (c,) in here]
    assert [c.text for (c,) in served] == [c.text.strip() for (c,) in here]
    assert {c.problem for (c,) in served} == {""}


def test_several_answers_are_asked_for_one_by_one_since_n_is_ignored(policy: ServedPolicy) -> None:
    requests = requests_of(list(sums(size=3, held_out=0)), n=4)
    answers = policy.sample(requests, Sampling(max_tokens=6), 1)
    assert [len(completions) for completions in answers] == [4, 4, 4]
    assert policy.takes_n is False
    completions = list(chain.from_iterable(answers))
    assert {completion.problem for completion in completions} == {""}
    assert len({completion.text for completion in completions}) > 3
    assert all(0 < completion.completion_tokens <= 6 for completion in completions)


def test_a_job_grades_text_and_pictures_into_the_catalog(
    policy: ServedPolicy, workspace: Workspace
) -> None:
    samples = [*digits(size=5, held_out=0), *sums(size=5, held_out=0)]
    media = [medium for sample in samples for medium in sample.media]
    for medium in media:
        workspace.media.put(medium)
    with workspace.catalog.write() as connection:
        add_samples(connection, samples, [inspect(m, m.read()) for m in media])
    asker = Asker(policy, TEMPLATES["plain"], Sampling(max_tokens=6), workspace.media.read)
    ids = [sample.sample_id for sample in samples]
    job = PassRateJob(workspace.catalog, asker, StoppingRule(cap=4), batch=4)
    assert job.run(ids).rollouts == 40
    rows = workspace.catalog.rows("from graded")
    assert len(rows) == len({row["rollout_id"] for row in rows}) == 40
    assert {row["policy_id"] for row in rows} == {policy.policy_id}
    assert all(row["correct"] is not None and row["completion_tokens"] > 0 for row in rows)
    assert job.run(ids).rollouts == 0


def test_a_model_that_is_not_pinned_there_is_refused_in_a_sentence(served_tiny: Any) -> None:
    with pytest.raises(PolicyUnavailable, match="Server is pinned to"):
        ServedPolicy(served_tiny.address, "another/model")
    with pytest.raises(PolicyUnavailable, match=r"say in .policy. which `model`"):
        ServedPolicy(served_tiny.address)


def test_it_cannot_be_searched_and_says_so(policy: ServedPolicy) -> None:
    (request,) = requests_of(list(sums(size=1, held_out=0)))
    with pytest.raises(PolicyUnavailable, match="cannot be told where to stop"):
        policy.sample([request], Sampling(stop=("\n",)), 0)
    begun = Request(request.messages, prefix="1")
    with pytest.raises(PolicyUnavailable, match="does not go on with a partial answer"):
        policy.sample([begun], Sampling(), 0)


def test_what_it_does_not_know_it_still_refuses(served_tiny: Any) -> None:
    """What docs/policies.md says of its limits, seen on the server itself."""
    body = {"model": str(served_tiny.folder), "messages": [{"role": "user", "content": "1+1"}]}
    ask = f"{served_tiny.address}/chat/completions"
    several = httpx.post(ask, json=body | {"n": 4, "max_tokens": 2}, trust_env=False)
    assert len(several.json()["choices"]) == 1
    unknown = httpx.post(ask, json=body | {"top_k": -1}, trust_env=False)
    assert unknown.status_code == 422
