"""The training of RATE-Net (`motionwarp train rate_net generator`): the 1-1-3 cycle of section 4."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.engines.crop_gan.data import CropBatch
from motionwarp.engines.crop_gan.training import CropGanTask
from motionwarp.engines.crop_gan.validation import picture_figures
from motionwarp.engines.rate_net.config import RateNetTrainingConfig
from motionwarp.engines.rate_net.networks import (
    ARCHITECTURE,
    RATE_NET_FILE,
    CoarseOutput,
    RateNetGenerator,
    RateNetOutput,
    ResidualDiscriminator,
)
from motionwarp.errors import WeightsError
from motionwarp.nn.losses.adversarial import discriminator_loss, generator_loss
from motionwarp.nn.losses.perceptual import feature_distance, style_distance
from motionwarp.nn.losses.reconstruction import weighted_l1
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import perceptual_features
from motionwarp.training.preview import SHOWN_ROWS, write_rows
from motionwarp.types import POINT_COUNT

# what a discriminator sees beside the picture: the target pose, or the source picture
_CONDITIONS: Final = {"shape": POINT_COUNT, "appearance": 3}


class RateInputs(NamedTuple):
    """A batch as the networks take it.

    Attributes
    ----------
    source, true : float32 (B, 3, H, W)
        In [0, 1].
    source_maps, target_maps : float32 (B, 18, H, W)
    matte, inside : float32 (B, 1, H, W)
        How much of the target's pixels is the person's, and where the target has pixels.
    """

    source: Tensor
    true: Tensor
    source_maps: Tensor
    target_maps: Tensor
    matte: Tensor
    inside: Tensor


class RateNetTask(CropGanTask[RateNetTrainingConfig]):
    """The generator's two steps of a cycle, and those of the two discriminators, which are trained apart."""

    averaged = "generator"
    architecture = ARCHITECTURE
    engine_file = (ARCHITECTURE, "generator")

    def __init__(self, config: RateNetTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self.features = perceptual_features(config.vgg, "vgg19", device)
        if config.loss.adversarial > 0:
            for name, channels in _CONDITIONS.items():
                judge = ResidualDiscriminator(channels + 3, config.adversary.network)
                self.modules[name] = judge.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                self.optimizers[name] = self.make_optimizer(self.modules[name])

    def make_network(self) -> RateNetGenerator:
        """Return the generator, with the fixed pose transfer module where one is given."""
        network = RateNetGenerator(self.config.network)
        if self.config.pose_weights is not None:
            given = RATE_NET_FILE.load(self.config.pose_weights).network.pose
            try:
                network.pose.load_state_dict(given.state_dict())
            except RuntimeError as error:
                raise WeightsError(
                    "its pose transfer module has another size",
                    subject=self.config.pose_weights,
                    remedy="Give one that was trained with the same base, downs and blocks.",
                ) from error
            network.pose.requires_grad_(False)
        return network

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return rectified Adam (section 4.2)."""
        return torch.optim.RAdam(network.parameters(), lr=self.config.loop.learning_rate)

    @property
    def trains_coarse(self) -> bool:
        """Whether a cycle has its first step: without a texture module the second one trains the same picture."""
        return self.config.network.texture and self.config.pose_weights is None

    def train_step(self, batch: CropBatch) -> Mapping[str, Tensor]:
        """Make a cycle; returns the parts of the losses."""
        assert isinstance(self.network, RateNetGenerator)
        self.network.train()
        inputs = self.inputs(batch)
        optimizer, clip = self.optimizers[self.averaged], self.config.loop.gradient_clip
        figures: dict[str, Tensor] = {}
        if self.trains_coarse:
            figures |= self.coarse_losses(inputs)
            backward_and_step(figures["loss_coarse"], optimizer, self.network.pose, clip)
        made = self._drawn(self.network, inputs)
        figures |= self.final_losses(inputs, made)
        backward_and_step(figures["loss"], optimizer, self.network, clip)
        self.shown = [picture[:SHOWN_ROWS].detach() for picture in (inputs.source, made.coarse, made.rgb, inputs.true)]
        figures |= self._judges_learn(inputs, made.rgb.detach())
        return {name: value.detach() for name, value in figures.items()}

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the second step's loss and its parts."""
        inputs = self.inputs(batch)
        return self.final_losses(inputs, self._drawn(self.network, inputs))

    def inputs(self, batch: CropBatch) -> RateInputs:
        """Return a batch as the networks take it."""
        maps = self.config.network.pose_maps
        return RateInputs(
            self.plane(batch["source_rgb"]).contiguous(memory_format=torch.channels_last),
            self.plane(batch["target_rgb"]),
            maps(batch["source_points"].to(self.device)),
            maps(batch["target_points"].to(self.device)),
            self.plane(batch["target_matte"]),
            batch["inside"].to(self.device).float(),
        )

    def draw(self, network: nn.Module, batch: CropBatch) -> Tensor:
        """Return what a generator makes of a batch, float32 (B, 3, H, W)."""
        return self._drawn(network, self.inputs(batch)).rgb

    def _drawn(self, network: nn.Module, inputs: RateInputs) -> RateNetOutput:
        with self.autocast():
            made: RateNetOutput = network(inputs.source, inputs.source_maps, inputs.target_maps)
        return RateNetOutput(*(part.float() for part in made))

    def coarse_losses(self, inputs: RateInputs) -> dict[str, Tensor]:
        """Return L_1 of the coarse picture, `loss_coarse`, and its L1."""
        assert isinstance(self.network, RateNetGenerator)
        with self.autocast():
            made: CoarseOutput = self.network.pose(inputs.source, inputs.source_maps, inputs.target_maps)
        coarse = (made.coarse.float() + 1) / 2
        parts, _ = self._picture_losses(coarse, inputs)
        total = self._weighed(parts) + self.config.loss.coverage * _coverage(made.coverage.float(), inputs)
        return {"loss_coarse": total, "l1_coarse": parts["reconstruction"]}

    def final_losses(self, inputs: RateInputs, made: RateNetOutput) -> dict[str, Tensor]:
        """Return L_2 of the final picture, `loss`, and its parts."""
        parts, (of_made, of_true) = self._picture_losses(made.rgb, inputs)
        parts["style"] = style_distance(of_made, of_true)
        if self.config.loss.adversarial > 0:
            parts["adversarial"] = self._fooling(inputs, made.rgb)
        covered = _coverage(made.coverage, inputs)
        total = self._weighed(parts) + self.config.loss.coverage * covered
        names = {name: f"{name}_{self.features.name}" for name in ("perceptual", "style")}
        return {"loss": total, **{names.get(name, name): value for name, value in parts.items()}, "coverage": covered}

    def _weighed(self, parts: Mapping[str, Tensor]) -> Tensor:
        weighed = [getattr(self.config.loss, name) * value for name, value in parts.items()]
        total: Tensor = sum(weighed[1:], start=weighed[0])
        return total

    def _picture_losses(
        self, made: Tensor, inputs: RateInputs
    ) -> tuple[dict[str, Tensor], tuple[list[Tensor], list[Tensor]]]:
        """Return the losses that both steps have, and the features of the made and the true picture."""
        # beyond the target's picture nothing is known: there the made picture is right
        whole = inputs.true * inputs.inside + made.detach() * (1 - inputs.inside)
        with self.autocast():
            with torch.no_grad():
                of_true: list[Tensor] = self.features(whole)
            of_made: list[Tensor] = self.features(made)
        even = [1 / len(of_made)] * len(of_made)
        parts = {
            "reconstruction": weighted_l1(made, inputs.true, inputs.inside),
            "perceptual": feature_distance(of_made, of_true, weights=even),
        }
        return parts, (of_made, of_true)

    def _judged(self, name: str, picture: Tensor, inputs: RateInputs) -> Tensor:
        condition = inputs.target_maps if name == "shape" else 2 * inputs.source - 1
        seen = torch.cat([(2 * picture - 1) * inputs.inside, condition], dim=1)
        with self.autocast():
            logits: Tensor = self.modules[name](seen.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def _fooling(self, inputs: RateInputs, made: Tensor) -> Tensor:
        """Return L_GAN, the sum of both discriminators' parts."""
        total = torch.zeros((), device=self.device)
        for name in _CONDITIONS:
            self.modules[name].requires_grad_(False)  # the generator's gradient only passes through
            total = total + generator_loss([self._judged(name, made, inputs)], self.config.adversary.kind)
            self.modules[name].requires_grad_(True)
        return total

    def _judges_learn(self, inputs: RateInputs, made: Tensor) -> dict[str, Tensor]:
        """Make K steps of each discriminator and return their last losses."""
        if self.config.loss.adversarial <= 0:
            return {}
        adversary, figures = self.config.adversary, {}
        for name in _CONDITIONS:
            for _ in range(adversary.steps):
                real, fake = (self._judged(name, picture, inputs) for picture in (inputs.true, made))
                loss = discriminator_loss([real], [fake], adversary.kind)
                backward_and_step(loss, self.optimizers[name], self.modules[name], self.config.loop.gradient_clip)
            figures[f"discriminator_{name}"] = loss
        return figures

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the generator as the engine takes it, and its pictures; validate."""
        assert isinstance(module, RateNetGenerator)
        facts = {"step": str(step), "features": self.features.name}
        RATE_NET_FILE.save(folder / f"{ARCHITECTURE}.safetensors", module, facts)
        if self.shown:
            write_rows(self.shown, folder / "training.png")
        return {"exported_step": float(step), **self.validate(module)}

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return figures of held-out pairs, of the final and of the coarse picture, beside those of the source."""
        if self.config.validation is None:
            return {}
        module.eval()

        def measured(part: str) -> dict[str, float]:
            assert self.config.validation is not None
            return picture_figures(
                lambda batch: getattr(self._drawn(module, self.inputs(batch)), part),
                self.config.validation,
                self.config.data,
                self.device,
            )

        figures = measured("rgb")
        if self.config.network.texture:
            coarse = measured("coarse")
            figures |= {f"{name}_coarse": value for name, value in coarse.items() if not name.endswith("_copy")}
        return figures


def _coverage(logits: Tensor, inputs: RateInputs) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, inputs.matte, inputs.inside)
