"""The judge of translated photos: a fully convolutional network that finds the classes of a photo's pixels.

Long et al. 2015 predict at strides of 32, 16 and 8 and add these up (FCN-8s). Theirs begins with VGG-16; ours is
trained from real photos alone. The more of a label map it finds again in the photo made of it, the better the photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from motionwarp.checkpoints.checkpoint import half_precision, load_checkpoint, save_checkpoint
from motionwarp.data.loader import resumable_batches
from motionwarp.engines.cyclegan.data import picture_files, read_labels
from motionwarp.errors import MediaError, OptionError, WeightsError
from motionwarp.media.image import read_image
from motionwarp.nn.blocks import ConvNormAct, ResidualBlock
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adamw
from motionwarp.training.task import LoopConfig, TrainingTask
from motionwarp.types import ByteArray

ARCHITECTURE: Final = "fcn"
UNKNOWN: Final = 255
_STRIDE: Final = 32


@dataclass(frozen=True)
class FcnConfig:
    """Size of the judge.

    Attributes
    ----------
    classes : int
        From 0 on; 255 is not known.
    base : int
        Channels at half the size; twice as many at every further halving, up to 8 times.
    height, width : int
        Size that photos are brought to.
    """

    classes: int
    base: int = 24
    height: int = 256
    width: int = 256

    def __post_init__(self) -> None:
        if not 2 <= self.classes <= UNKNOWN or self.base < 1:
            raise OptionError(f"a judge tells from 2 to {UNKNOWN} classes apart, got {self}")
        if min(self.height, self.width) < _STRIDE or self.height % _STRIDE or self.width % _STRIDE:
            raise OptionError(f"its pictures have sides of multiples of {_STRIDE}, got {self.height} x {self.width}")


class Fcn(nn.Module):
    """Classes of pixels, (B, 3, H, W) in [0, 1] to logits (B, C, H, W); sides are multiples of 32."""

    def __init__(self, config: FcnConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base * min(2**level, 8) for level in range(5)]
        self.stages = nn.ModuleList()
        before = 3
        for width in widths:
            self.stages.append(nn.Sequential(ConvNormAct(before, width, 3, 2), ResidualBlock(width)))
            before = width
        self.scores = nn.ModuleList(nn.Conv2d(width, config.classes, 1) for width in widths[2:])  # strides 8, 16, 32

    def forward(self, picture: Tensor) -> Tensor:
        """Return the logits."""
        features, found = picture * 2 - 1, []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        total: Tensor = self.scores[2](found[4])
        for score, finer in ((self.scores[1], found[3]), (self.scores[0], found[2])):
            total = functional.interpolate(total, scale_factor=2.0, mode="bilinear") + score(finer)
        return functional.interpolate(total, size=picture.shape[-2:], mode="bilinear")


@dataclass(frozen=True)
class LabeledFolders:
    """Photos and their label maps, of the same names.

    Attributes
    ----------
    labels, photos : Path
        Folders; endings of names may differ.
    """

    labels: Path
    photos: Path

    def pairs(self) -> list[tuple[Path, Path]]:
        """Return label maps with their photos.

        Raises
        ------
        MediaError
            If a folder is missing or has fewer than two pictures, or a label map has no photo.
        """
        photos = {path.stem: path for path in picture_files(self.photos)}
        found = []
        for path in picture_files(self.labels):
            if path.stem not in photos:
                raise MediaError(
                    "there is no photo of this label map",
                    subject=path,
                    remedy=f"Give a photo of the name {path.stem} in {self.photos}.",
                )
            found.append((path, photos[path.stem]))
        return found


class JudgedBatch(TypedDict):
    """One batch.

    Keys
    ----
    rgb : uint8 (B, 3, H, W)
    labels : uint8 (B, H, W)
        255 where not known.
    """

    rgb: Tensor
    labels: Tensor


class LabeledPhotos(Dataset[JudgedBatch]):
    """Endless photos with labels by number, mirrored half of the time and shifted a little."""

    def __init__(self, folders: LabeledFolders, config: FcnConfig, seed: int) -> None:
        self._seed, self._config = seed, config
        self._kept = [self._read(*pair) for pair in folders.pairs()]

    def _read(self, label_file: Path, photo: Path) -> tuple[ByteArray, ByteArray]:
        size = self._config.width, self._config.height
        labels, rgb = read_labels(label_file), read_image(photo).rgb
        if int(labels[labels != UNKNOWN].max(initial=0)) >= self._config.classes:
            raise MediaError(
                f"has a class beyond the {self._config.classes} that are told apart (0 to {self._config.classes - 1})",
                subject=label_file,
            )
        return (
            np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8),
            np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
        )

    def __getitem__(self, index: int) -> JudgedBatch:
        rng = np.random.default_rng([self._seed, index])
        rgb, labels = self._kept[int(rng.integers(len(self._kept)))]
        height, width = labels.shape
        scale = float(rng.uniform(1.0, 1.2))
        shift = rng.uniform(0, 1, 2) * (scale - 1) * (width, height)
        matrix = np.array([[scale, 0, -shift[0]], [0, scale, -shift[1]]])
        moved = cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        classes = cv2.warpAffine(
            labels, matrix, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        if rng.random() < 0.5:
            moved, classes = moved[:, ::-1], classes[:, ::-1]
        bright = np.clip(moved.astype(np.float32) * rng.uniform(0.8, 1.2), 0, 255).astype(np.uint8)
        return JudgedBatch(
            rgb=torch.from_numpy(np.ascontiguousarray(bright)).permute(2, 0, 1),
            labels=torch.from_numpy(np.ascontiguousarray(classes)),
        )


def _loop() -> LoopConfig:
    return LoopConfig(steps=6_000, batch_size=8, learning_rate=2e-3, warmup_steps=50, decay_steps=3_000, workers=0)


@dataclass(frozen=True)
class FcnTrainingConfig:
    """Training of the judge from photos with label maps."""

    data: LabeledFolders
    network: FcnConfig
    loop: LoopConfig = field(default_factory=_loop)


class FcnTask(TrainingTask):
    """The judge, by cross-entropy; classes of few pixels weigh more.

    Parameters
    ----------
    config : FcnTrainingConfig
    device : torch.device
    dtype : torch.dtype
        Type of the activations.
    """

    averaged = "fcn"

    def __init__(self, config: FcnTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        self.samples = LabeledPhotos(config.data, config.network, config.loop.seed)
        self.network = Fcn(config.network).to(device)
        self.modules: dict[str, nn.Module] = {self.averaged: self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {self.averaged: adamw(self.network, config.loop)}

    def batches(self, first_step: int, steps: int) -> Iterator[JudgedBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return resumable_batches(self.samples, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: JudgedBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the loss and the share of pixels that are told rightly."""
        self.network.train()
        rgb, labels = batch["rgb"].to(self.device).float() / 255, batch["labels"].to(self.device).long()
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            logits = self.network(rgb)
        loss = functional.cross_entropy(logits.float(), labels, ignore_index=UNKNOWN)
        backward_and_step(loss, self.optimizers[self.averaged], self.network, self.config.loop.gradient_clip)
        known = labels != UNKNOWN
        right = (logits.argmax(1) == labels)[known].float().mean()
        return {"loss": loss.detach(), "pixels": right.detach()}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the judge in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{ARCHITECTURE}.safetensors", half_precision(module), ARCHITECTURE, config)
        return {"exported_step": float(step)}


class Judge:
    """A trained judge at work.

    Parameters
    ----------
    weights : str or Path
        What `motionwarp train fcn` exported.
    device : torch.device

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds another network.
    """

    def __init__(self, weights: str | Path, device: torch.device | None = None) -> None:
        checkpoint = load_checkpoint(weights, ARCHITECTURE)
        try:
            self.config = FcnConfig(**checkpoint.config["network"])
            network = checkpoint.made(lambda: Fcn(self.config))
        except (KeyError, TypeError, ValueError, RuntimeError, OptionError) as error:
            raise WeightsError(f"names a judge that cannot be made ({error!r})", subject=checkpoint.path) from error
        self.device = device or torch.device("cpu")
        self._network = network.float().eval().to(self.device)

    @torch.inference_mode()
    def classes(self, rgb: ByteArray) -> ByteArray:
        """Return the classes of a picture's pixels at the judge's own size, uint8 (h, w)."""
        size = self.config.width, self.config.height
        smaller = rgb.shape[0] > self.config.height
        scaled = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        planes = torch.from_numpy(np.asarray(scaled)).to(self.device).permute(2, 0, 1)[None].float() / 255
        logits: Tensor = self._network(planes)
        return np.asarray(logits[0].argmax(0).to(torch.uint8).cpu().numpy())
