"""What the photo does not show, repainted by a small network that has seen how people look from behind. Ours.

Rules (`backs.py`) make a first guess; the network says which of its details are not seen from behind, prints, buttons
and lapels, and which colors change. It works on a small picture of the whole person, and what it says is carried to the
photo's own size: cloth keeps the threads that the photo has. A network that was never trained changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.network_file import NetworkFormat
from motionwarp.nn.blocks import ConvNormAct, ResidualBlock
from motionwarp.parsing import labels
from motionwarp.puppet.textures import spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

Scalar = TypeVar("Scalar", np.uint8, np.float32)

COMPLETION_ARCHITECTURE: Final = "completion"
WINDOW_HEIGHT: Final = 256
WINDOW_WIDTH: Final = 192
_SURE: Final = 0.92  # matte above which a color is the person's own
_MARGIN: Final = 0.04  # of the person's height, around them in the window
# which classes the network tells apart; left and right are one
_GROUPS: Final = (
    (labels.HAIR, labels.HAT), (labels.FACE, labels.SUNGLASSES), (labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE),
    (labels.UPPER_CLOTHES, labels.SCARF), (labels.COAT,), (labels.DRESS, labels.JUMPSUITS, labels.SKIRT),
    (labels.PANTS,), (labels.LEFT_LEG, labels.RIGHT_LEG, labels.SOCKS), (labels.LEFT_SHOE, labels.RIGHT_SHOE),
)  # fmt: skip
INPUT_CHANNELS: Final = 3 + 3 + 1 + 1 + len(_GROUPS)
BANDS: Final = (2, 8)  # pixels of the window: what is finer than the first, and between both, can be taken away
_CELL: Final = 4
_CHANGE_CHANNELS: Final = 3 + len(BANDS)


@dataclass(frozen=True)
class CompletionConfig:
    """Size of the network.

    Attributes
    ----------
    channels : tuple of int
        At a quarter, an eighth .. of the window: beginning at a half takes twice as long.
    """

    channels: tuple[int, ...] = (64, 80, 96)


class Change(NamedTuple):
    """What becomes of a guess.

    Attributes
    ----------
    colors : float (B, 3, h, w)
        To be added, in [0, 1].
    details : float (B, 2, h, w)
        Share of the fine and of the middle details that stays, in (0, 2).
    """

    colors: Tensor
    details: Tensor


class CompletionNetwork(nn.Module):
    """From a front and a guess of the back to what is changed of the guess, a U-Net (Ronneberger et al. 2015).

    Ours in its size, its inputs and its output: colors to be added, and shares of details that stay.

    Parameters
    ----------
    config : CompletionConfig
    """

    def __init__(self, config: CompletionConfig | None = None) -> None:
        super().__init__()
        self.config = CompletionConfig() if config is None else config
        first, *others = self.config.channels
        self.enter = nn.Sequential(
            nn.PixelUnshuffle(_CELL), ConvNormAct(_CELL**2 * INPUT_CHANNELS, first, 1), ResidualBlock(first)
        )
        sizes = list(zip(self.config.channels, others, strict=False))
        self.downs = nn.ModuleList(
            nn.Sequential(ConvNormAct(before, after, stride=2), ResidualBlock(after)) for before, after in sizes
        )
        self.ups = nn.ModuleList(ConvNormAct(before + after, before) for before, after in reversed(sizes))
        self.leave = nn.Conv2d(first, _CELL**2 * _CHANGE_CHANNELS, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(_bias(self.leave))

    def forward(self, inputs: Tensor) -> Change:
        """Return what is changed.

        Parameters
        ----------
        inputs : float (B, `INPUT_CHANNELS`, h, w)
            As `network_inputs` makes them; sides are multiples of 16.
        """
        features = self.enter(inputs)  # (B, C, h/4, w/4)
        passed = []
        for down in self.downs:
            passed.append(features)
            features = down(features)
        for up in self.ups:
            finer = functional.interpolate(features, scale_factor=2.0)
            features = up(torch.cat([finer, passed.pop()], dim=1))
        change = functional.pixel_shuffle(self.leave(features), _CELL).float()  # (B, 5, h, w)
        return Change(change[:, :3], 1 - torch.tanh(change[:, 3:]))


COMPLETION_FILE: Final = NetworkFormat(
    COMPLETION_ARCHITECTURE, "network", CompletionNetwork, CompletionConfig, "motionwarp train avatar completion"
)


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def network_inputs(front: Tensor, guess: Tensor, matte: Tensor, parsing: Tensor) -> Tensor:
    """Return what the network sees, float (B, `INPUT_CHANNELS`, h, w).

    Parameters
    ----------
    front, guess : float (B, 3, h, w)
        In [0, 1], colors spread beyond the outline.
    matte : float (B, 1, h, w)
    parsing : uint8 (B, 1, h, w)
        LIP classes of the front.
    """
    made_up = (front - guess).abs().amax(dim=1, keepdim=True)
    groups = [torch.stack([parsing == label for label in group]).any(dim=0).to(front.dtype) for group in _GROUPS]
    return torch.cat([2 * front - 1, 2 * guess - 1, made_up, matte, *groups], dim=1)


def changed(guess: Tensor, change: Change) -> Tensor:
    """Return a guess with its change, float (B, 3, H, W), at the guess's own size, which is at least the window's.

    Parameters
    ----------
    guess : float (B, 3, H, W)
        In [0, 1].
    change : Change
        Of the window.
    """
    window, size = change.colors.shape[-2:], guess.shape[-2:]
    coarser = functional.interpolate(guess, size=window, mode="area")
    result = _enlarged(change.colors, size)
    finer = guess
    for band, cells in enumerate(BANDS):
        coarser = functional.interpolate(coarser, size=(window[0] // cells, window[1] // cells), mode="area")
        without = _enlarged(coarser, size)
        result = result + _enlarged(change.details[:, band : band + 1], size) * (finer - without)
        finer = without
    return result + finer


def _enlarged(planes: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    if planes.shape[-2:] == tuple(size):
        return planes
    return functional.interpolate(planes, size=tuple(size), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class PersonWindow:
    """The part of a picture, which it may leave, that the network sees whole.

    Attributes
    ----------
    left, top, width, height : int
        In pixels of the picture; three quarters as wide as high.
    """

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, matte: FloatArray) -> PersonWindow | None:
        """Return the window around a person, None where there is none."""
        left, top, width, height = cv2.boundingRect((matte > 0.5).astype(np.uint8))
        if not width:
            return None
        rows = max(height, width * WINDOW_HEIGHT / WINDOW_WIDTH) * (1 + 2 * _MARGIN)
        rows = max(round(rows), 8)
        columns = max(round(rows * WINDOW_WIDTH / WINDOW_HEIGHT), 6)
        return cls(round(left + (width - columns) / 2), round(top + (height - rows) / 2), columns, rows)

    def cut(self, plane: npt.NDArray[Scalar], fill: int) -> npt.NDArray[Scalar]:
        """Return what a plane (H, W) or (H, W, C) has in the window, and `fill` beyond it."""
        top, left = max(-self.top, 0), max(-self.left, 0)
        inside = plane[max(self.top, 0) : self.top + self.height, max(self.left, 0) : self.left + self.width]
        bottom, right = self.height - top - inside.shape[0], self.width - left - inside.shape[1]
        beyond = ((top, bottom), (left, right), (0, 0))[: plane.ndim]
        return np.pad(inside, beyond, constant_values=fill)

    def put(self, content: ByteArray, picture: ByteArray) -> ByteArray:
        """Return a picture (H, W, 3) with the window's content (height, width, 3) in its place."""
        height, width = picture.shape[:2]
        result = picture.copy()
        rows, columns = (
            slice(max(first, 0), min(first + count, limit))
            for first, count, limit in ((self.top, self.height, height), (self.left, self.width, width))
        )
        result[rows, columns] = content[
            rows.start - self.top : rows.stop - self.top, columns.start - self.left : columns.stop - self.left
        ]
        return result


def spread(rgb: ByteArray, sure: BoolArray) -> ByteArray:
    """Return a picture whose colors go on beyond what is surely the person's, uint8 (H, W, 3)."""
    if not sure.any():
        return rgb
    return np.rint(spread_colors(rgb.astype(np.float32), sure)).clip(0, 255).astype(np.uint8)


class Completer:
    """The network in use.

    Parameters
    ----------
    network : CompletionNetwork
        In evaluation mode.
    """

    def __init__(self, network: CompletionNetwork) -> None:
        self._network = network

    @classmethod
    def load(cls, name_or_path: str | Path = COMPLETION_ARCHITECTURE) -> Completer:
        """Read the network, the one that ships by default.

        Raises
        ------
        WeightsError
            If the file is missing, damaged or holds something else.
        """
        return _loaded(str(name_or_path))

    def repainted(self, source: SourcePerson, guess: ByteArray) -> ByteArray:
        """Return a guess of how a person looks from behind, repainted.

        Parameters
        ----------
        source : SourcePerson
        guess : uint8 (H, W, 3)
            Mirrored, so that it has the photo's outline, as `back_views` makes it.

        Returns
        -------
        uint8 (H, W, 3)
        """
        window = PersonWindow.around(source.matte)
        if window is None:
            return guess
        matte, parsing = window.cut(source.matte, 0), window.cut(source.parsing, labels.BACKGROUND)
        sure: BoolArray = matte > _SURE
        front, before = (spread(window.cut(rgb, 0), sure) for rgb in (source.rgb, guess))
        small = WINDOW_WIDTH, WINDOW_HEIGHT
        planes = [cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in (front, before, matte)]
        classes = cv2.resize(parsing, small, interpolation=cv2.INTER_NEAREST)
        with torch.inference_mode():
            small_front, small_guess = (_plane(np.asarray(plane)) for plane in planes[:2])
            inputs = network_inputs(
                small_front, small_guess, torch.from_numpy(planes[2])[None, None], torch.from_numpy(classes)[None, None]
            )
            change = self._network(inputs)
            made = changed(_plane(before), change).clamp(0, 1)
        painted = np.rint(made[0].numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
        return np.where(source.matte[..., None] > 0, window.put(painted, guess), guess)


def _plane(rgb: ByteArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float().div_(255)[None]


@lru_cache(maxsize=2)
def _loaded(name_or_path: str) -> Completer:
    return Completer(COMPLETION_FILE.load(name_or_path).network.eval())
