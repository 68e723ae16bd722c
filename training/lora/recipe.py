"""Every choice in a training run, and what to check before it begins."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..objective import SIGMA_MAX, SigmaDistribution
from .layers import Branch, Depth

OPTIMIZERS = ("AdamW", "AdamW 8-bit")


@dataclass(frozen=True)
class LoraRecipe:
    """What trains, on what, for how long.

    A step averages the gradients of `accumulation` batches of `batch_size` clips of one shape.
    Sigma is log-normal (Karras et al. 2022) with SVD's published training values, but for
    `high_noise_share`, drawn log-uniformly up to 700: there an unguided clip chooses what to do.
    `cond_noise`: the share of clips whose conditioning picture is a noisy one of the cache.
    `cond_dropout`: the share that is conditioned on nothing, which guidance needs.
    `ema_decay` 0 keeps the last weights instead of their average.
    """

    steps: int = 1000
    rank: int = 16
    alpha: float = 16.0
    branch: Branch = Branch.TEMPORAL
    depth: Depth = Depth.ATTENTION
    learning_rate: float = 1e-4
    warmup: int = 20
    weight_decay: float = 0.01
    optimizer: str = OPTIMIZERS[0]
    batch_size: int = 1
    accumulation: int = 1
    sigma_log_mean: float = 0.7
    sigma_log_std: float = 1.6
    high_noise_share: float = 0.2
    cond_noise: float = 0.5
    cond_dropout: float = 0.1
    ema_decay: float = 0.99
    precision: str = "bf16"
    checkpointing: bool = True
    seed: int = 0
    validate_every: int = 100
    save_every: int = 50

    def __post_init__(self) -> None:
        for name in ("steps", "rank", "batch_size", "accumulation", "validate_every", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: training needs at least 1.")
        for name in ("high_noise_share", "cond_noise", "cond_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it is a share, 0 to 1.")
        if not 0 < self.learning_rate <= 1:
            raise ValueError(
                f"The learning rate is {self.learning_rate:g}: give one above 0, such as 0.0001."
            )

    @property
    def sigmas(self) -> SigmaDistribution:
        return SigmaDistribution(
            log_mean=self.sigma_log_mean,
            log_std=self.sigma_log_std,
            middle=(2.0, SIGMA_MAX),
            middle_share=self.high_noise_share,
            top_share=0.0,
        )

    def settings(self) -> dict[str, str | int | float]:
        """Plain values by name, for metadata and for telling one run from another."""
        return {k: getattr(v, "value", v) for k, v in asdict(self).items()}
