"""The discriminator's side of a network's training: the generator's losses by it, and its own steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, get_args

import torch
from torch import Tensor

from motionwarp.errors import OptionError
from motionwarp.nn.discriminator import DiscriminatorConfig, DiscriminatorOutput, PyramidDiscriminator
from motionwarp.nn.losses.adversarial import AdversarialKind, discriminator_loss, generator_loss, pyramid_hierarchy_loss
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adam
from motionwarp.training.task import LoopConfig

_KINDS: Final = get_args(AdversarialKind)


@dataclass(frozen=True)
class AdversaryConfig:
    """The discriminator and how it learns.

    Attributes
    ----------
    network : DiscriminatorConfig
    kind : str
        "least_squares", "hinge" or "cross_entropy".
    rate_factor : float
        Its learning rate over the generator's.
    layer_weights : tuple of 3 float
        a_i of eq. 2.
    """

    network: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    kind: AdversarialKind = "least_squares"
    rate_factor: float = 1.0
    layer_weights: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise OptionError(f"there is no adversarial loss '{self.kind}'", remedy=f"There are: {', '.join(_KINDS)}.")
        if self.rate_factor <= 0:
            raise OptionError(f"the discriminator's rate factor must be positive, got {self.rate_factor}")


class Adversary:
    """A discriminator, judging for the generator first and learning from the same pictures then.

    Parameters
    ----------
    channels : (int, int)
        Channels of what it is conditioned on, and of what it judges.
    config : AdversaryConfig
    loop : LoopConfig
    device : torch.device
    dtype : torch.dtype
        Type of the activations.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        config: AdversaryConfig,
        loop: LoopConfig,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.config, self.dtype, self._clip = config, dtype, loop.gradient_clip
        network = PyramidDiscriminator(sum(channels), config.network)
        self.discriminator = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = adam(self.discriminator, loop)
        for group in self.optimizer.param_groups:
            group["rate_factor"] = config.rate_factor
        self._judged: tuple[Tensor, Tensor, Tensor] | None = None

    def generator_losses(self, condition: Tensor, made: Tensor, true: Tensor) -> dict[str, Tensor]:
        """Return the generator's losses, two scalars: `adversarial`, and `pyramid` (eq. 2).

        Parameters
        ----------
        condition : float (B, D, H, W)
        made, true : float (B, C, H, W)
            The same pair is what `discriminator_step` learns from.
        """
        self._judged = (condition.detach(), made.detach(), true.detach())
        self.discriminator.requires_grad_(False)  # the generator's gradient only passes through
        with torch.no_grad():
            of_true = self._judge(condition, true)
        of_made = self._judge(condition, made)
        self.discriminator.requires_grad_(True)
        return {
            "adversarial": generator_loss(of_made.logits, self.config.kind),
            "pyramid": pyramid_hierarchy_loss(of_true.features, of_made.features, self.config.layer_weights),
        }

    def discriminator_step(self) -> dict[str, Tensor]:
        """Make the discriminator's step on the pair last judged.

        Returns
        -------
        dict of str to scalar
            `discriminator`, its loss, and `fooled`, the share of patches of made pictures that it takes for real.
        """
        assert self._judged is not None, "generator_losses comes before discriminator_step"
        condition, made, true = self._judged
        of_true, of_made = self._judge(condition, true), self._judge(condition, made)
        loss = discriminator_loss(of_true.logits, of_made.logits, self.config.kind)
        backward_and_step(loss, self.optimizer, self.discriminator, self._clip)
        threshold = 0.5 if self.config.kind == "least_squares" else 0.0
        fooled = torch.stack([(logits > threshold).float().mean() for logits in of_made.logits]).mean()
        return {"discriminator": loss.detach(), "fooled": fooled}

    def _judge(self, condition: Tensor, picture: Tensor) -> DiscriminatorOutput:
        seen = torch.cat([condition.float(), picture.float()], dim=1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(seen.device.type, self.dtype, enabled=self.dtype != torch.float32):
            judged = self.discriminator(seen)
        # losses are taken in float32: means over thousands of patches have no room in 8 bits
        return DiscriminatorOutput(
            [logits.float() for logits in judged.logits],
            [[features.float() for features in layers] for layers in judged.features],
        )
