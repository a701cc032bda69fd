"""The Soft-Gated Warping-GAN in its `paper` preset: one warp for the whole person, and pictures straight from the generator.

The first pass looks at the person through a window that follows them, predicts the target's parsing there (stage I) and matches
the source's parsing to it. In the second pass the generator draws the window's picture over plain grey; what stage I takes for
background becomes transparent.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.data.person_window import person_box, reshaped, window_around
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.warping_gan_paper.networks import load_paper_networks
from motionwarp.geometry.affine import compose_affine
from motionwarp.geometry.grids import affine_lattice, normalizing_map, sample
from motionwarp.geometry.warps import PartWarps
from motionwarp.nn.fuse import ready_for
from motionwarp.parsing.labels import BACKGROUND, CLASS_COUNT
from motionwarp.perception.crops import extract_views
from motionwarp.perception.framing import View, visible_box
from motionwarp.pose.heatmaps import disc_heatmaps
from motionwarp.puppet.compositor import to_bytes
from motionwarp.types import ByteArray, FloatArray, PersonCrop, PersonLayer, Pose, SourcePerson

GRAY: Final = 127  # the plain background


def over_plain(rgb: ByteArray, matte: FloatArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), with its person, by the matte (H, W) in [0, 1], over the plain background."""
    share = matte[..., None]
    return np.asarray(np.rint(rgb * share + GRAY * (1 - share)), dtype=np.uint8)


def one_hot_parsing(labels: Tensor) -> Tensor:
    """Return classes (B, H, W) as float32 (B, 20, H, W), zeros where they are not known."""
    planes = functional.one_hot(labels.long().clamp(max=CLASS_COUNT), CLASS_COUNT + 1)[..., :CLASS_COUNT]
    return planes.permute(0, 3, 1, 2).float()


_WINDOW_LENGTH: Final = 3
_LEAST_ALPHA: Final = 1 / 255


@dataclass(frozen=True, eq=False)
class _Source:
    """What the networks see of the source; tensors of a batch of one, on the device and in its type."""

    rgb: Tensor  # (1, 3, H, W)
    parsing: Tensor  # (1, 20, H, W)
    heatmaps: Tensor  # (1, 18, H, W)


class PaperEngine(Engine):
    """See the module's text.

    Parameters
    ----------
    weights : str or Path
        A file that training exported, `warping_gan_paper.safetensors`.

    Raises
    ------
    WeightsError
        If it is missing, damaged, for another engine, or lacks one of the three networks.
    """

    name = "warping_gan_paper"

    def __init__(self, weights: str | Path) -> None:
        self._networks = load_paper_networks(weights)
        self.weights_sha256 = self._networks.sha256
        self._height, self._width = self._networks.matcher.config.height, self._networks.matcher.config.width
        self._settings: RenderSettings | None = None
        self._source: _Source
        self._parser: nn.Module
        self._matcher: nn.Module
        self._generator: nn.Module

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Look at the source through its own window; see `Engine.prepare`."""
        self._settings = settings
        self._parser, self._matcher, self._generator = (
            ready_for(copy.deepcopy(network), settings.device, settings.dtype)
            for network in (self._networks.parser, self._networks.matcher, self._networks.generator)
        )
        height, width = source.matte.shape
        window = self._window(person_box(source.pose.points, source.matte), height, width)
        rgb = extract_views(over_plain(source.rgb, source.matte), [View(window)])[0]
        parsing = cv2.warpAffine(
            source.parsing,
            window.frame_to_crop(),
            (self._width, self._height),
            flags=cv2.INTER_NEAREST,
            borderValue=BACKGROUND,
        )
        points = source.pose.transformed(window.frame_to_crop()).points
        self._source = _Source(
            self._ready(torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255),
            self._ready(one_hot_parsing(torch.from_numpy(np.asarray(parsing, dtype=np.uint8))[None])),
            self._ready(disc_heatmaps(torch.from_numpy(points)[None], self._height, self._width)),
        )

    @torch.inference_mode()
    def plan(self, motion: Motion) -> FloatArray:
        """Follow the person with a window and match the parsings; see `Engine.plan`."""
        settings = self._prepared()
        windows = [self._window(visible_box(points), settings.height, settings.width) for points in motion.points]
        parsing = self._stage_one(self._heatmaps(motion.points, windows))
        warps: PartWarps = self._matcher(self._source.parsing.expand(len(windows), -1, -1, -1), self._ready(parsing))
        places = torch.tensor([(window.left, window.top, float(np.log(window.scale))) for window in windows])
        return torch.cat([warps.flatten().cpu(), places], dim=1).numpy()

    @torch.inference_mode()
    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Draw the person; see `Engine.render`."""
        settings = self._prepared()
        maps, places = np.split(theta, [-_WINDOW_LENGTH], axis=1)
        windows = [self._placed(*place) for place in places.tolist()]
        heatmaps = self._heatmaps(motion.points, windows)
        parsing = self._stage_one(heatmaps)
        warps = PartWarps.from_flat(
            torch.from_numpy(maps).to(settings.device), 1, self._networks.matcher.config.control_size
        )
        grid = warps.sampling_grid(self._height, self._width, self._height, self._width)[:, 0]
        source = (plane.expand(len(windows), -1, -1, -1) for plane in (self._source.rgb, self._source.parsing))
        poses = self._source.heatmaps.expand_as(heatmaps)
        made = self._generator(*source, self._ready(parsing), poses, heatmaps, grid).rgb.float()
        return [
            self._layer(picture, classes, window, shown=bool(points[:, 2].any()))
            for picture, classes, window, points in zip(made, parsing, windows, motion.points, strict=True)
        ]

    def _stage_one(self, heatmaps: Tensor) -> Tensor:
        """Return the target parsing, float32 (B, 20, H, W), probabilities."""
        source = (
            plane.expand(len(heatmaps), -1, -1, -1)
            for plane in (self._source.rgb, self._source.parsing, self._source.heatmaps)
        )
        logits: Tensor = self._parser(*source, heatmaps)
        return logits.float().softmax(1)

    def _heatmaps(self, poses: FloatArray, windows: Sequence[PersonCrop]) -> Tensor:
        inside = [
            Pose(points).transformed(window.frame_to_crop()).points
            for points, window in zip(poses, windows, strict=True)
        ]
        return self._ready(disc_heatmaps(torch.from_numpy(np.stack(inside)), self._height, self._width))

    def _layer(self, picture: Tensor, classes: Tensor, window: PersonCrop, *, shown: bool) -> PersonLayer:
        """Cut the person out of a picture (3, H, W) by the parsing (20, H, W) and put them into the frame."""
        settings = self._prepared()
        left, top = max(int(np.floor(window.left)), 0), max(int(np.floor(window.top)), 0)
        right = min(int(np.ceil(window.left + window.scale * window.width)), settings.width)
        bottom = min(int(np.ceil(window.top + window.scale * window.height)), settings.height)
        nothing = PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)
        if not shown or right <= left or bottom <= top:
            return nothing
        to_units = compose_affine(normalizing_map(self._height, self._width), torch.from_numpy(window.frame_to_crop()))
        corner = torch.tensor([left, top], dtype=torch.float32)
        grid = affine_lattice(to_units, bottom - top, right - left, corner)[None].to(picture.device)
        person = 1 - classes[BACKGROUND : BACKGROUND + 1]
        # what is seen of the plain background is taken off again; before sampling, or the window's border would turn dark
        colors = torch.minimum((picture - GRAY / 255 * (1 - person)).clamp_min(0), person)
        rgba = sample(torch.cat([colors, person])[None], grid)[0]  # (4, h, w), premultiplied
        alpha = rgba[3]
        rows = (alpha >= _LEAST_ALPHA).any(1).nonzero().flatten().tolist()
        columns = (alpha >= _LEAST_ALPHA).any(0).nonzero().flatten().tolist()
        if not rows:
            return nothing
        box = np.s_[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        parsing = None
        if settings.keep_parsing:
            labels = sample(classes.argmax(0)[None, None].float(), grid, mode="nearest")[0, 0]
            parsing = labels[box].to(torch.uint8).cpu().numpy()
        return PersonLayer(to_bytes(rgba[box]), left + columns[0], top + rows[0], parsing)

    def _window(self, box: tuple[float, float, float, float], frame_height: int, frame_width: int) -> PersonCrop:
        return reshaped(window_around(box, frame_height, frame_width), self._height, self._width)

    def _placed(self, left: float, top: float, log_scale: float) -> PersonCrop:
        return PersonCrop(left, top, float(np.exp(log_scale)), self._width, self._height)

    def _ready(self, plane: Tensor) -> Tensor:
        settings = self._prepared()
        return plane.to(settings.device, settings.dtype).contiguous(memory_format=torch.channels_last)

    def _prepared(self) -> RenderSettings:
        if self._settings is None:
            raise RuntimeError("PaperEngine.prepare must be called before plan and render")
        return self._settings
