"""Training of stage I of the `parts` preset (`motionwarp train parser`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.data.part_batches import PartBatch, PartSamples, batch_quarter_inputs, part_batches
from motionwarp.engines import layered_parts as parts
from motionwarp.networks.part_parser import PART_COUNT, PartParser, PartParserOutput
from motionwarp.parsing.labels import IGNORE
from motionwarp.training.frozen import trained
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adamw
from motionwarp.training.parallel import descend
from motionwarp.training.part_adversary import judged_parsings, parser_adversary, parser_condition
from motionwarp.training.parts_config import PartParserTrainingConfig
from motionwarp.training.picture_rows import SHOWN_ROWS, coloured, write_rows
from motionwarp.weights import half_precision, save_checkpoint

ARCHITECTURE = "part_parser"


class PartParserTask(TrainingTask):
    """Stage I by two cross-entropies, the classes and which part is in front, and by a discriminator of both where it is asked for."""

    averaged = "parser"

    def __init__(self, config: PartParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PartParser(config.network)
        if config.start_from is not None:
            trained(config.start_from, ARCHITECTURE).load_into(network)
        self.parser = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules: dict[str, nn.Module] = {"parser": self.parser}
        self.optimisers: dict[str, torch.optim.Optimizer] = {"parser": adamw(self.parser, config.loop)}
        self.adversary = parser_adversary(config, device, dtype)
        if self.adversary is not None:
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimisers["discriminator"] = self.adversary.optimiser
        weights = torch.ones(PART_COUNT + 1)
        weights[[part for limb in (parts.RIGHT_ARM, parts.LEFT_ARM) for part in limb.parts]] = config.limb_weight
        self._part_weights = weights.to(device)
        self._last: tuple[Tensor, Tensor] | None = None

    def batches(self, first_step: int, steps: int) -> Iterator[PartBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        samples = PartSamples(self.config.packs, loop.seed)
        return part_batches(samples, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PartBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.parser.train()
        seen = batch_quarter_inputs(batch, self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = PartParserOutput(*self.parser(*(plane.contiguous(memory_format=torch.channels_last) for plane in seen)))
        parsing, in_front = batch["parsing"].to(self.device).long(), batch["in_front"].to(self.device).long()
        weights = self.config.loss
        figures = {
            "parsing": functional.cross_entropy(output.parsing_logits.float(), parsing, ignore_index=IGNORE),
            "in_front": functional.cross_entropy(output.in_front_logits.float(), in_front, self._part_weights, ignore_index=IGNORE),
        }
        loss = weights.parsing * figures["parsing"] + weights.in_front * figures["in_front"]
        if self.adversary is not None:
            figures |= self.adversary.verdict(parser_condition(seen), *judged_parsings(output, parsing, in_front))
            loss = loss + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        descend(loss, self.optimisers["parser"], self.parser, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        self._last = (output.parsing_logits[:SHOWN_ROWS].detach().argmax(1), parsing[:SHOWN_ROWS])
        right = (output.in_front_logits.argmax(1) == in_front)[in_front < PART_COUNT].float().mean()
        return {"loss": loss.detach(), **{name: value.detach() for name, value in figures.items()}, "right": right}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `part_parser.safetensors` in half precision, and a picture: predicted, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "part_parser.safetensors", half_precision(module), ARCHITECTURE, config)
        if self._last is not None:
            write_rows([coloured(parsing) for parsing in self._last], folder / "training.png")
        return {"exported_step": float(step)}
