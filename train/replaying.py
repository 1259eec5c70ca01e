"""Between the trainer's tensors and the groups that a replay buffer keeps.

Shapes: a draw has B = P * G rows, prompts padded on the left, completions on the right.
"""

from collections.abc import Sequence
from typing import Any

import torch
from trl.data_utils import prepare_multimodal_messages
from trl.trainer.utils import pad

from pipelines.workspace import WrongUse
from train.replay import Stored
from train.step import Group
from train.step_batch import COMPLETION, OF_BATCH, PROMPT
from train.update import Drawn


def know_behaviour(trainer: Any, drawn: Drawn) -> None:
    """Add the log-probabilities of the answers, which TRL leaves out where it needs none.

    One forward pass; on every process alike.
    """
    output = drawn.output
    if "old_per_token_logps" in output:
        return
    not_shown = PROMPT | COMPLETION | OF_BATCH | {"advantages"}
    with torch.no_grad():
        output["old_per_token_logps"], _, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model,
            torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1),
            torch.cat([output["prompt_mask"], output["completion_mask"]], dim=1),
            output["completion_ids"].size(1),
            batch_size=trainer.args.per_device_train_batch_size,
            **{name: value for name, value in output.items() if name not in not_shown},
        )


def stored(drawn: Drawn, place: int, size: int, *, lane: int, step: int) -> Stored:
    """Keep the group at a place of a draw, without its padding and without its pictures."""
    output = drawn.output
    rows = range(place * size, (place + 1) * size)
    lengths = [int(output["completion_mask"][row].sum()) for row in rows]

    def unpadded(name: str) -> list[list[Any]]:
        return [output[name][row][:n].tolist() for row, n in zip(rows, lengths, strict=True)]

    return Stored(
        row=drawn.groups[place].row,
        lane=lane,
        completion_ids=unpadded("completion_ids"),
        advantages=[float(output["advantages"][row]) for row in rows],
        logps=unpadded("old_per_token_logps"),
        ref_logps=unpadded("ref_per_token_logps") if "ref_per_token_logps" in output else None,
        born=step,
    )


def drawn_again(trainer: Any, chosen: Sequence[Stored], like: Drawn) -> Drawn:
    """Make the tensors and the records of stored groups, with the tensors that `like` has."""
    made = _prompts(trainer, [group.row for group in chosen])
    tokens = [ids for group in chosen for ids in group.completion_ids]
    advantages = [value for group in chosen for value in group.advantages]
    logps = _right(trainer, [values for group in chosen for values in group.logps])
    made |= {
        "completion_ids": _right(trainer, tokens, trainer._tokenizer.pad_token_id),
        "completion_mask": _right(trainer, [[1] * len(ids) for ids in tokens]),
        "advantages": torch.tensor(advantages, device=logps.device),
        "old_per_token_logps": logps,
        # Of another engine's sampling: the ratio of the replay holds all there is to correct.
        "sampling_per_token_logps": logps,
        "importance_sampling_ratio": torch.ones_like(logps),
    }
    if "ref_per_token_logps" in like.output:
        known = [values for group in chosen for values in group.ref_logps or ()]
        made["ref_per_token_logps"] = _right(trainer, known)
    for name in ("token_type_ids", "mm_token_type_ids"):
        if name in made:
            answers = made["completion_ids"].new_zeros(made["completion_ids"].shape)
            made[name] = torch.cat([made[name], answers], dim=1)
    unknown = set(like.output) - set(made) - OF_BATCH
    if unknown:
        raise WrongUse(
            f"replay cannot make {', '.join(sorted(unknown))} again, which this model's batches "
            "have; leave [train.replay] out"
        )
    step = trainer.state.global_step + 1
    groups = [_record(trainer, group, step) for group in chosen]
    return Drawn({name: made[name] for name in like.output if name in made}, groups)


def _record(trainer: Any, group: Stored, step: int) -> Group:
    row = trainer.rows.rows[group.row]
    return Group(
        row=group.row,
        position=row.position,
        sample_id=row.sample.sample_id,
        came="replay",
        entered=True,
        abs_advantage=group.weight,
        age=step - group.born,
    )


def _prompts(trainer: Any, rows: Sequence[int]) -> dict[str, Any]:
    """Tokenise the prompts of rows, each for a whole group, as TRL does before it draws."""
    inputs = [row for index in rows for row in [trainer.rows.row(index)] * trainer.size]
    images = [row["images"] for row in inputs]
    prompts = [row["prompt"] for row in inputs]
    if any(images):
        prompts = [
            prepare_multimodal_messages(prompt, images=shown)
            for prompt, shown in zip(prompts, images, strict=True)
        ]
    ids, _, fields = trainer._tokenize_prompts(prompts)
    made: dict[str, Any] = {
        "prompt_ids": _left(trainer, ids, trainer._tokenizer.pad_token_id),
        "prompt_mask": _left(trainer, [[1] * len(row) for row in ids]),
    }
    if any(images):
        made["num_images"] = [len(shown) for shown in images]
        for name, value in fields.items():
            whole = isinstance(value, torch.Tensor)
            made[name] = value.to(trainer.accelerator.device) if whole else _left(trainer, value)
    return made


def _left(trainer: Any, rows: Sequence[Sequence[int]], value: int = 0) -> torch.Tensor:
    tensors = [torch.as_tensor(row) for row in rows]
    made: torch.Tensor = pad(tensors, padding_value=value, padding_side="left")
    return made.to(trainer.accelerator.device)


def _right(trainer: Any, rows: Sequence[Sequence[Any]], value: int = 0) -> torch.Tensor:
    tensors = [torch.tensor(row) for row in rows]
    made: torch.Tensor = pad(tensors, padding_value=value, padding_side="right")
    return made.to(trainer.accelerator.device)
