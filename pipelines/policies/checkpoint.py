"""A `transformers` checkpoint as a policy: in process, in batches, on whatever device there is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.policies.render import in_words
from pipelines.policies.weights import checkpoint_id
from pipelines.record.canonical import Json
from pipelines.record.media import MediaKind

MAX_ROWS = 512
"""Completions in flight at once; a large model on a small device wants fewer."""
AS_SAMPLED = {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "min_p": None, "typical_p": 1.0}
"""What a checkpoint's generation_config.json may ask for beside what `Sampling` names, switched off:
training draws its answers without them."""
PIXELS_A_LETTER = 256
"""Pixels that lengthen a prompt about as much as a letter does: only to put like beside like."""


class CheckpointPolicy:
    """Any local folder or hub id that `transformers` loads, text-only or with pictures."""

    kind = "transformers"
    no_gradients: Callable[[], AbstractContextManager[None]] = torch.inference_mode
    """Under what answers are drawn."""

    def __init__(
        self,
        source: str | Path,
        *,
        name: str = "",
        device: str | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.name = name or Path(source).name
        self.folder = checkpoint_folder(source)
        self.max_rows = max_rows
        self.details: Mapping[str, Json] = {}
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        config = AutoConfig.from_pretrained(self.folder)
        self.sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        self.takes: frozenset[MediaKind] = frozenset({"image"} if self.sees else ())
        loader: Any = AutoModelForImageTextToText if self.sees else AutoModelForCausalLM
        dtype = torch.float32 if self.device == "cpu" else torch.bfloat16
        self.model = loader.from_pretrained(self.folder, dtype=dtype, use_safetensors=True)
        self.model.to(self.device).eval()
        self.model.generation_config.update(**AS_SAMPLED)
        reader: Any = AutoProcessor if self.sees else AutoTokenizer
        self.processor = reader.from_pretrained(self.folder)
        self.tokenizer = getattr(self.processor, "tokenizer", self.processor)
        self.tokenizer.padding_side = "left"

    @cached_property
    def policy_id(self) -> str:
        """Hash of every file that decides the answers."""
        return checkpoint_id(self.folder)

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> list[list[Completion]]:
        """Answer in batches of prompts of like length, each encoded once for its n answers."""
        answers: list[list[Completion]] = [[] for _ in requests]
        devices: list[int] | None = [] if self.device == "cpu" else None
        with self.no_gradients(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            for batch in self._batches(requests):
                chosen = [requests[index] for index in batch]
                completed = self._answer_within_memory(chosen, sampling)
                for index, completions in zip(batch, completed, strict=True):
                    answers[index] = completions
        return answers

    def prompt_text(self, request: Request) -> str:
        """The prompt as the model's chat template writes it, with the prefix behind it."""
        messages = request.messages if self.sees else in_words(request.messages)
        # A chat template that does not know the word passes over it.
        said = {} if request.thinking else {"enable_thinking": False}
        text: str = self.processor.apply_chat_template(
            list(messages), add_generation_prompt=True, tokenize=False, **said
        )
        return text + request.prefix

    def _batches(self, requests: Sequence[Request]) -> Iterator[list[int]]:
        """Group requests of one n and one shape of input, shortest first."""

        def key(index: int) -> tuple[int, bool, int]:
            request = requests[index]
            words = sum(len(b.get("text", "")) for m in request.messages for b in m["content"])
            pixels = sum(picture.width * picture.height for picture in request.images)
            length = words + len(request.prefix) + pixels // PIXELS_A_LETTER
            return request.n, bool(request.images), length

        batch: list[int] = []
        for index in sorted(range(len(requests)), key=key):
            full = batch and len(batch) * requests[index].n >= self.max_rows
            if full or (batch and key(batch[0])[:2] != key(index)[:2]):
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def encode(self, requests: Sequence[Request]) -> Any:
        """Tokenise prompts and pictures, padded on the left."""
        texts = [self.prompt_text(request) for request in requests]
        if requests[0].images:
            pictures = [list(request.images) for request in requests]
            return self.processor(text=texts, images=pictures, padding=True, return_tensors="pt")
        return self.tokenizer(texts, padding=True, return_tensors="pt", add_special_tokens=False)

    def _answer_within_memory(
        self, requests: Sequence[Request], sampling: Sampling
    ) -> list[list[Completion]]:
        """Answer a batch, in halves where it does not fit; what does not fit alone says so."""
        try:
            return self._answer(requests, sampling)
        except torch.OutOfMemoryError as error:
            if len(requests) == requests[0].n == 1:
                problem = "out of memory: " + str(error).partition(". ")[0]
                return [[Completion("", "error", 0, 0, problem)]]
        # Here and not in the handler, whose traceback holds on to the batch.
        torch.cuda.empty_cache()
        if len(requests) > 1:
            middle = len(requests) // 2
            halves = (requests[:middle], requests[middle:])
            return [c for half in halves for c in self._answer_within_memory(half, sampling)]
        one = requests[0]
        parts = (replace(one, n=one.n // 2), replace(one, n=one.n - one.n // 2))
        return [[c for part in parts for c in self._answer_within_memory([part], sampling)[0]]]

    def _answer(self, requests: Sequence[Request], sampling: Sampling) -> list[list[Completion]]:
        inputs = self.encode(requests).to(self.device)
        n = requests[0].n
        output = self.model.generate(
            **inputs,
            **self._stopping(sampling),
            do_sample=sampling.temperature > 0,
            temperature=sampling.temperature or None,
            top_p=sampling.top_p if sampling.temperature else None,
            top_k=0 if sampling.temperature else None,
            max_new_tokens=sampling.max_tokens,
            num_return_sequences=n,
            pad_token_id=self._pad_id,
        )
        width = inputs["input_ids"].shape[1]
        prompt_tokens = inputs["attention_mask"].sum(dim=1).tolist()
        rows = [self._read(row, sampling) for row in output[:, width:].cpu()]
        return [
            [
                Completion(text, "stop" if ended else "length", prompt_tokens[i], tokens)
                for text, ended, tokens in rows[i * n : (i + 1) * n]
            ]
            for i in range(len(requests))
        ]

    def _read(self, row: torch.Tensor, sampling: Sampling) -> tuple[str, bool, int]:
        """Cut an answer at its end mark: its text, whether it ended by itself, its tokens."""
        ids = row.tolist()
        ends = [i for i, token in enumerate(ids) if token in self._eos_ids]
        kept = ids[: ends[0]] if ends else [i for i in ids if i != self._pad_id]
        text: str = self.tokenizer.decode(kept, skip_special_tokens=True)
        stops = [text.find(stop) + len(stop) for stop in sampling.stop if stop in text]
        if stops:
            return text[: min(stops)], True, len(kept)
        return text, bool(ends), len(kept) + bool(ends)

    def _stopping(self, sampling: Sampling) -> dict[str, Any]:
        """Tokens that hold a stop text of one token are end tokens, which costs nothing.

        A blank line is often a token of its own, so the newline's alone would be passed over.
        Longer stop texts are searched for.
        """
        coded = {s: self.tokenizer.encode(s, add_special_tokens=False) for s in sampling.stop}
        short = [stop for stop, ids in coded.items() if len(ids) == 1]
        ends = {i for stop in short for i in (*coded[stop], *self._tokens_with(stop))}
        options: dict[str, Any] = {"eos_token_id": sorted(self._eos_ids | ends)}
        if len(short) < len(coded):
            options |= {"stop_strings": list(sampling.stop), "tokenizer": self.tokenizer}
        return options

    def _tokens_with(self, text: str) -> list[int]:
        return [token for token, written in enumerate(self._written) if text in written]

    @cached_property
    def _written(self) -> list[str]:
        """Every token as it is written in an answer."""
        every = [[token] for token in range(len(self.tokenizer))]
        texts: list[str] = self.tokenizer.batch_decode(every, skip_special_tokens=True)
        return texts

    @cached_property
    def _eos_ids(self) -> frozenset[int]:
        configured = self.model.generation_config.eos_token_id
        listed = configured if isinstance(configured, list) else [configured]
        return frozenset(i for i in (*listed, self.tokenizer.eos_token_id) if i is not None)

    @property
    def _pad_id(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(pad if pad is not None else next(iter(self._eos_ids)))


def checkpoint_folder(source: str | Path) -> Path:
    """Find the files of a checkpoint: a folder as it stands, else a hub id, downloaded once.

    Raises FileNotFoundError, naming the source, when it is neither.
    """
    folder = Path(source)
    if (folder / "config.json").is_file():
        return folder
    if folder.exists() or str(source).startswith((".", "/")):
        raise FileNotFoundError(f"{source} is not a checkpoint: it has no config.json")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(source), ignore_patterns=["*.bin", "*.pt", "*.pkl"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise FileNotFoundError(
            f"policy {str(source)!r} is neither a checkpoint folder nor a hub model that can be "
            "reached or is already downloaded"
        ) from error
