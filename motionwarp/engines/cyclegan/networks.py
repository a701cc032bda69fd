"""The networks of the CycleGAN family: generators that translate pictures, and the discriminators of both domains.

Thesis of Y. Liu (Leiden, 2018), section 8.1: an encoder of three convolutions, residual blocks, two convolutions of
stride 1/2 and one of stride 1, with instance norm and ReLU; a PatchGAN discriminator of four convolutions and one of a
single channel. The number of residual blocks is not given; it is CycleGAN's (Zhu et al. 2017), 9 at 256 x 256.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor, nn

from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.errors import OptionError, WeightsError
from motionwarp.nn.blocks import start_small
from motionwarp.nn.resnet import NORM_EPSILON, ReflectConv, residual_stack

ARCHITECTURE: Final = "cyclegan"
MULTIPLE: Final = 4  # of sides: generators halve a picture twice

Direction = Literal["a2b", "b2a"]


@dataclass(frozen=True)
class TranslationConfig:
    """Size of the networks of both directions.

    Attributes
    ----------
    forward, backward : int
        Generators in a row from A to B (M) and from B to A (N).
    base : int
        Channels of the first layer, 64 in CycleGAN.
    blocks : int
        Residual blocks of each generator.
    discriminator_base : int
        Channels of the discriminators' first layer.
    height, width : int
        Size of the pictures that were trained on; networks take any size.
    """

    forward: int = 1
    backward: int = 1
    base: int = 64
    blocks: int = 9
    discriminator_base: int = 64
    height: int = 256
    width: int = 256

    def __post_init__(self) -> None:
        if min(self.forward, self.backward, self.base, self.discriminator_base) < 1 or self.blocks < 0:
            raise OptionError(f"networks need at least one generator a direction and one channel, got {self}")
        if min(self.height, self.width) < 4 * MULTIPLE or self.height % MULTIPLE or self.width % MULTIPLE:
            raise OptionError(
                f"height and width must be multiples of {MULTIPLE} from {4 * MULTIPLE} on, "
                f"got {self.height} x {self.width}"
            )


class Generator(nn.Module):
    """One translation, (B, 3, H, W) in [0, 1] to the same; sides are multiples of 4."""

    def __init__(self, base: int, blocks: int) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            ReflectConv(3, base, 7), _Down(base, 2 * base), _Down(2 * base, 4 * base)
        )  # (B, 4 base, H / 4, W / 4)
        self.blocks = residual_stack(4 * base, blocks)
        self.decode = nn.Sequential(
            _Up(4 * base, 2 * base), _Up(2 * base, base), nn.ReflectionPad2d(3), nn.Conv2d(base, 3, 7), nn.Tanh()
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Return the translated picture."""
        made: Tensor = self.decode(self.blocks(self.encode(picture * 2 - 1)))
        return (made + 1) / 2


class _Down(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, 2, 1),
            nn.InstanceNorm2d(out_channels, eps=NORM_EPSILON),
            nn.ReLU(inplace=True),
        )


class _Up(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, output_padding=1),
            nn.InstanceNorm2d(out_channels, eps=NORM_EPSILON),
            nn.ReLU(inplace=True),
        )


class Translators(nn.Module):
    """The generators of both directions, each a row of networks that are applied one after the other.

    Parameters
    ----------
    config : TranslationConfig
    """

    def __init__(self, config: TranslationConfig) -> None:
        super().__init__()
        self.config = config
        self.a2b = nn.ModuleList(Generator(config.base, config.blocks) for _ in range(config.forward))
        self.b2a = nn.ModuleList(Generator(config.base, config.blocks) for _ in range(config.backward))
        self.apply(start_small)

    def steps(self, picture: Tensor, direction: Direction) -> list[Tensor]:
        """Return what each generator of a direction makes of what the one before made; the last is the translation."""
        return applied(list(self.row(direction)), picture)

    def row(self, direction: Direction) -> Sequence[nn.Module]:
        """Return the generators of a direction, in order."""
        return list(self.a2b if direction == "a2b" else self.b2a)

    def forward(self, picture: Tensor, direction: Direction = "a2b") -> Tensor:
        """Translate pictures (B, 3, H, W) in [0, 1]."""
        return self.steps(picture, direction)[-1]


def applied(row: Sequence[nn.Module], picture: Tensor) -> list[Tensor]:
    """Return what each network of a row makes of what the one before made."""
    made = []
    for network in row:
        picture = network(picture)
        made.append(picture)
    return made


class PicturePool(nn.Module):
    """A history of made pictures that a discriminator learns from (Shrivastava et al. 2017); 0 keeps none.

    It is a module so that a run's state has it: a run that goes on draws what it would have drawn.

    Parameters
    ----------
    size : int
    shape : (int, int, int)
        Of a picture.
    """

    pictures: Tensor
    count: Tensor

    def __init__(self, size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("pictures", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchanged(self, made: Tensor) -> Tensor:
        """Return pictures (B, 3, H, W), half of them exchanged for older ones once the history is full."""
        if self.size == 0:
            return made
        chosen = []
        for picture in made:
            filled = int(self.count)
            if filled < self.size:
                self.pictures[filled] = picture.to(self.pictures.dtype)
                self.count += 1
            elif torch.rand(()) < 0.5:
                slot = int(torch.randint(self.size, ()))
                older = self.pictures[slot].clone()
                self.pictures[slot] = picture.to(self.pictures.dtype)
                picture = older.to(picture.dtype)
            chosen.append(picture)
        return torch.stack(chosen)


def load_translators(weights: str | Path) -> tuple[Translators, str]:
    """Read the generators of both directions.

    Returns
    -------
    Translators
        On the CPU, in float32 and evaluation mode.
    sha256 : str

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds other networks.
    """
    checkpoint = load_checkpoint(weights, ARCHITECTURE)
    try:
        config = TranslationConfig(**checkpoint.config["network"])
        made = checkpoint.made(lambda: Translators(config))
    except (KeyError, TypeError, ValueError, RuntimeError, OptionError) as error:
        raise WeightsError(f"names networks that cannot be made ({error!r})", subject=checkpoint.path) from error
    return made.float().eval(), checkpoint.sha256
