"""The failure signatures: what measures each, where it is a failure, and what to do about it.

Thresholds are practice values, to be tuned on a run that is known to be good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from train.signals.advantages import Ungraded, VanishingAdvantages
from train.signals.answers import AnswerPrior
from train.signals.entropy import EntropyCollapse, EntropyExplosion, EntropyFloor
from train.signals.gradient import GradientSpike, NotFinite
from train.signals.hacking import (
    Blindness,
    FormatOnly,
    RewardGap,
    ThoughtMismatch,
    VerifierHole,
)
from train.signals.length import LengthChange, Truncation, WrongLonger
from train.signals.reading import Detector
from train.signals.trust import EngineMismatch, KlJump, KlStuck, Metric
from train.signals.wording import Repetition, Waiting

Side: TypeAlias = Literal["above", "below"]
Switch: TypeAlias = Literal["refill", "replay", "noisy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One way in which training fails, and how it is noticed."""

    name: str
    detector: Callable[[], Detector]
    side: Side = "above"
    """Which side of the threshold is the failure."""
    threshold: float
    window: int
    """Readings in a row beyond the threshold before it counts."""
    stop: tuple[float, int] | None = None
    """Threshold and window at which a run is stopped by default."""
    switch: Switch | None = None
    """What `action = "switch"` turns on or off, unless it says."""
    meaning: str
    """What it says of the run, as a sentence without its full stop."""
    remedy: str
    """What to do about it, likewise."""


_ALL = (
    Signature(
        name="vanishing_advantages",
        detector=VanishingAdvantages,
        threshold=0.5,
        window=10,
        stop=(0.7, 20),
        switch="refill",
        meaning="most groups were all right or all wrong and taught nothing",
        remedy="turn on refill or replay, curate a new band, or draw more answers to a question",
    ),
    Signature(
        name="ungraded",
        detector=Ungraded,
        threshold=0.1,
        window=5,
        meaning="answers could not be graded and were left out",
        remedy="read the reason and repair the reward: `curricle reward try` shows what it says",
    ),
    Signature(
        name="entropy_collapse",
        detector=EntropyCollapse,
        side="below",
        threshold=0.2,
        window=5,
        meaning="entropy fell to less than a fifth within 100 steps: the policy stops exploring",
        remedy="clip higher (`epsilon_high = 0.28`), raise the temperature, or lower the rate",
    ),
    Signature(
        name="entropy_floor",
        detector=EntropyFloor,
        side="below",
        threshold=0.1,
        window=20,
        meaning="entropy is nearly gone: answers to a question hardly differ any more",
        remedy="clip higher (`epsilon_high = 0.28`), raise the temperature, or end the run here",
    ),
    Signature(
        name="entropy_explosion",
        detector=EntropyExplosion,
        threshold=2.0,
        window=10,
        meaning="entropy doubled and rises while the reward is flat: the policy falls apart",
        remedy="lower the learning rate, clip tighter, or leave cut answers out",
    ),
    Signature(
        name="kl_blow_up",
        detector=partial(Metric, "kl"),
        threshold=0.1,
        window=10,
        stop=(0.5, 5),
        meaning="the policy moved far from its reference",
        remedy="raise `beta`, lower the learning rate, or start anew from an earlier checkpoint",
    ),
    Signature(
        name="kl_jump",
        detector=KlJump,
        threshold=10.0,
        window=3,
        meaning="KL leapt to ten times its median: an update went wrong",
        remedy="lower the learning rate, raise `beta`, and look at the answers of that step",
    ),
    Signature(
        name="kl_stuck",
        detector=KlStuck,
        side="below",
        threshold=1e-4,
        window=100,
        meaning="the policy stayed where its reference is and the reward is flat: nothing is learned",
        remedy="raise the learning rate or lower `beta`",
    ),
    Signature(
        name="clip_ratio",
        detector=partial(Metric, "clip_ratio/region_mean"),
        threshold=0.1,
        window=10,
        meaning="many tokens hit the clip range: updates are too large for the trust region",
        remedy="lower the learning rate, use a larger batch, or replay younger groups",
    ),
    Signature(
        name="engine_mismatch",
        detector=EngineMismatch,
        threshold=0.05,
        window=5,
        meaning="vLLM and the trainer disagree about probabilities: training is off-policy",
        remedy="give both one dtype and one version, and keep the importance-sampling correction on",
    ),
    Signature(
        name="gradient_spike",
        detector=GradientSpike,
        threshold=10.0,
        window=1,
        meaning="the gradient was ten times as large as usual",
        remedy="look at that step's answers; lower the learning rate if it happens again",
    ),
    Signature(
        name="gradient_gone",
        detector=partial(Metric, "grad_norm"),
        side="below",
        threshold=1e-6,
        window=10,
        switch="refill",
        meaning="steps had no gradient: nothing was learned in them",
        remedy="see `vanishing_advantages` and `ungraded`; turn on refill",
    ),
    Signature(
        name="not_finite",
        detector=NotFinite,
        threshold=0.0,
        window=1,
        meaning="a number was NaN, infinite or missing",
        remedy="see which; go back to a checkpoint before it if the loss or gradient was one of them",
    ),
    Signature(
        name="truncation",
        detector=Truncation,
        threshold=0.1,
        window=10,
        stop=(0.3, 20),
        meaning="many answers ran into `max_tokens` and were cut",
        remedy="raise `max_tokens`, or punish overlong answers (`[train.shaping] overlong`)",
    ),
    Signature(
        name="length_inflation",
        detector=LengthChange,
        threshold=0.3,
        window=5,
        meaning="answers grew by a third while accuracy gained nothing",
        remedy='reward short right answers (`[train.shaping] length = "kimi"`), or ask directly',
    ),
    Signature(
        name="length_collapse",
        detector=LengthChange,
        side="below",
        threshold=-0.5,
        window=5,
        meaning="answers shrank by half while accuracy gained nothing",
        remedy="weaken what rewards shortness, and read answers: the work may be skipped",
    ),
    Signature(
        name="wrong_longer",
        detector=WrongLonger,
        threshold=1.5,
        window=10,
        meaning="wrong answers are much longer than right ones to the same questions",
        remedy='punish overlong answers, take `loss = "dapo"`, or reward short right answers',
    ),
    Signature(
        name="reward_hacking",
        detector=RewardGap,
        threshold=0.05,
        window=5,
        meaning="the reward rose faster than what the strict verifier calls right",
        remedy="repair the reward, or drop the source that it is fooled on: `curricle reward audit`",
    ),
    Signature(
        name="format_only",
        detector=FormatOnly,
        threshold=0.98,
        window=20,
        meaning="the form is learned and accuracy does not follow",
        remedy="weigh the form less, and look at whether the questions are within reach",
    ),
    Signature(
        name="image_blindness",
        detector=Blindness,
        side="below",
        threshold=0.03,
        window=1,
        switch="noisy",
        meaning="the policy is about as often right without the media: it does not look",
        remedy="drop what is solvable blind (`curricle score blind`), and turn noisy rollouts off",
    ),
    Signature(
        name="option_prior",
        detector=partial(AnswerPrior, "choice"),
        threshold=0.25,
        window=5,
        meaning="one option is given far more often than it is true",
        remedy="permute the options, and balance where the right one stands",
    ),
    Signature(
        name="yes_prior",
        detector=partial(AnswerPrior, "bool"),
        threshold=0.25,
        window=5,
        meaning="yes, or no, is given far more often than it is true",
        remedy="balance claims that are true with ones that are false",
    ),
    Signature(
        name="answer_prior",
        detector=partial(AnswerPrior, "number", "text", "math"),
        threshold=0.25,
        window=5,
        meaning="one answer is given to all kinds of questions, far more often than it is true",
        remedy="balance the answers of the dataset",
    ),
    Signature(
        name="verifier_hole",
        detector=VerifierHole,
        threshold=0.005,
        window=1,
        meaning="answers were called right whose form raises doubts",
        remedy="audit the reward on them: `curricle reward audit`",
    ),
    Signature(
        name="thought_mismatch",
        detector=ThoughtMismatch,
        threshold=0.1,
        window=5,
        meaning="final answers differ from what their thoughts conclude",
        remedy="filter for consistency, or train that task without thinking",
    ),
    Signature(
        name="repetition",
        detector=Repetition,
        side="below",
        threshold=0.5,
        window=5,
        meaning="answers repeat their own phrases",
        remedy="shorten `max_tokens`, lower the temperature, or leave such answers unrewarded",
    ),
    Signature(
        name="waiting",
        detector=Waiting,
        threshold=4.0,
        window=5,
        meaning="answers are stuffed with the word wait",
        remedy="take out of the reward what pays for it",
    ),
)

SIGNATURES = {signature.name: signature for signature in _ALL}
"""By name, in the order in which they are told."""
