"""The tiny policy: a real vision-language model, built and warmed up where no model is at hand.

It has the Qwen3-VL architecture of `transformers` in a small size, a tokenizer of characters and a
chat template of its own. An answer's steps each end with a newline and the final answer follows
`=`: a picture of 3 and 5 to add up is answered `3`, `5`, `=8` on three lines.
"""

from train.tiny.warm_up import STEPS, build_tiny, tiny_policy

__all__ = ["STEPS", "build_tiny", "tiny_policy"]
