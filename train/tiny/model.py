"""The parts of a new tiny policy: tokenizer, picture processor, chat template and network."""

from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

PAD, END, UNKNOWN = "<|pad|>", "<|end|>", "<|unknown|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
MEDIA = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
CHARACTERS = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))

CHAT_TEMPLATE = """\
{%- for message in messages -%}
<|{{ message.role }}|>
{%- if message.content is string -%}{{ message.content }}{%- else -%}
{%- for block in message.content -%}
{%- if block.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif block.type == 'text' -%}{{ block.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|end|>
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"""

RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|assistant|>",
    "fields": {"content": {"close": ["<|end|>"], "content": "text"}},
}
"""Where an answer begins and ends: a server that is not told repeats the prompt before it."""

PATCH, MERGE = 8, 2
TOKEN_PIXELS = (PATCH * MERGE) ** 2
"""Pixels behind one token of a picture."""
LONGEST = 4096
"""Most tokens of prompt and answer together."""
WIDTH, LAYERS, HEADS = 128, 4, 4
VISION_WIDTH, VISION_LAYERS = 96, 2
INIT = 0.06
"""Spread of the first weights. With the usual 0.02, made for widths in the thousands, so small a
network has not begun to tell digits apart after 300 steps; with this it has after 80."""


def new_tokenizer() -> PreTrainedTokenizerFast:
    """Make a tokenizer whose tokens are the printable ASCII characters and the newline."""
    words = [PAD, END, UNKNOWN, *ROLES, *MEDIA, *CHARACTERS]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    wrap: Any = PreTrainedTokenizerFast
    wrapped: PreTrainedTokenizerFast = wrap(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        additional_special_tokens=[*ROLES, *MEDIA],
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=LONGEST,
        response_template=RESPONSE_TEMPLATE,
    )
    return wrapped


def new_processor() -> Qwen3VLProcessor:
    """Make what turns chat messages and pictures into the network's inputs."""
    patches: dict[str, Any] = {
        "patch_size": PATCH,
        "merge_size": MERGE,
        "temporal_patch_size": 1,
        # White paper becomes 0, black ink -4.
        "image_mean": [1.0, 1.0, 1.0],
        "image_std": [0.25, 0.25, 0.25],
    }
    limits = {"shortest_edge": TOKEN_PIXELS, "longest_edge": 32 * TOKEN_PIXELS}
    join: Any = Qwen3VLProcessor
    processor: Qwen3VLProcessor = join(
        Qwen2VLImageProcessor(size=limits, **patches),
        new_tokenizer(),
        Qwen3VLVideoProcessor(**patches),
        chat_template=CHAT_TEMPLATE,
    )
    return processor


def new_network(processor: Qwen3VLProcessor) -> Qwen3VLForConditionalGeneration:
    """Make the untrained network: 1.5 million weights, drawn from torch's random generator."""
    tokenizer: Any = processor.tokenizer
    tokens = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    start, end, image, video = tokenizer.convert_tokens_to_ids(list(MEDIA))
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 3 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": WIDTH // HEADS,
        "max_position_embeddings": LONGEST,
        # Each head's 16 frequencies are shared out over time, height and width.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "mrope_section": [8, 4, 4],
            "mrope_interleaved": True,
        },
        "initializer_range": INIT,
        **tokens,
    }
    vision = {
        "hidden_size": VISION_WIDTH,
        "intermediate_size": 3 * VISION_WIDTH,
        "depth": VISION_LAYERS,
        "num_heads": HEADS,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": 1,
        "out_hidden_size": WIDTH,
        "num_position_embeddings": 256,
        "deepstack_visual_indexes": [0],
        "initializer_range": INIT,
    }
    network = Qwen3VLForConditionalGeneration(
        Qwen3VLConfig(
            text_config=text,
            vision_config=vision,
            vision_start_token_id=start,
            vision_end_token_id=end,
            image_token_id=image,
            video_token_id=video,
        )
    )
    settings: Any = network.generation_config
    settings.update(**tokens, do_sample=True, temperature=1.0, top_k=0)
    return network
