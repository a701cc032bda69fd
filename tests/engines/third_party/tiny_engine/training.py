"""Its training: one color, drawn towards gray."""

from dataclasses import dataclass, field

import torch
from torch import nn

from motionwarp.checkpoints.checkpoint import half_precision, save_checkpoint
from motionwarp.data.pack_kinds import WrittenPack
from motionwarp.training.task import LoopConfig, TrainingTask


@dataclass(frozen=True)
class TinyConfig:
    """Training of the color."""

    gray: float = 0.5
    loop: LoopConfig = field(default_factory=LoopConfig)


class Color(nn.Module):
    """One color."""

    def __init__(self):
        super().__init__()
        self.color = nn.Parameter(torch.tensor([1.0, 0.0, 0.0]))


class TinyTask(TrainingTask):
    """The color by its distance from gray."""

    averaged = "color"

    def __init__(self, config, device, dtype):
        self.config = config
        network = Color().to(device)
        self.modules = {"color": network}
        self.optimizers = {"color": torch.optim.SGD(network.parameters(), config.loop.learning_rate)}

    def batches(self, first_step, steps):
        yield from range(first_step, steps)

    def train_step(self, batch):
        loss = (self.modules["color"].color - self.config.gray).square().sum()
        self.optimizers["color"].zero_grad()
        loss.backward()
        self.optimizers["color"].step()
        return {"loss": loss.detach()}

    def export(self, module, folder, step):
        save_checkpoint(folder / "tiny.safetensors", half_precision(module), "tiny", {})
        return {"exported_step": float(step)}


def write_colors(request):
    """Write a pack of nothing but its number."""
    options = request.options
    options.output.write_text(str(options.count))
    request.on_progress(options.count)
    return WrittenPack(options.count, options.output.stat().st_size)
