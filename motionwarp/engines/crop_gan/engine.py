"""The base of engines whose networks draw the person's picture in a window that follows them, over a plain background.

The first pass lays an upright window around the person of each frame; the second has the engine draw the window's
picture and say which of its pixels are the person's, cuts them out and puts them into the frame. An engine says how it
plans and draws (`plan_crops`, `draw_crops`); its networks see the source through a window of its own.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.data.person_window import person_box, reshaped, window_around
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.geometry.affine import compose_affine
from motionwarp.geometry.grids import affine_lattice, normalizing_map, sample
from motionwarp.nn.fuse import ready_for
from motionwarp.parsing.labels import BACKGROUND, CLASS_COUNT
from motionwarp.perception.crops import extract_views
from motionwarp.perception.framing import CropView, visible_box
from motionwarp.pose.heatmaps import disc_heatmaps
from motionwarp.puppet.compositor import to_bytes
from motionwarp.types import ByteArray, FloatArray, PersonCrop, PersonLayer, Pose, SourcePerson

GRAY: Final = 127  # the plain background
_WINDOW_LENGTH: Final = 3
_LEAST_ALPHA: Final = 1 / 255


def over_plain(rgb: ByteArray, matte: FloatArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), with its person, by the matte (H, W) in [0, 1], over the plain background."""
    share = matte[..., None]
    return np.asarray(np.rint(rgb * share + GRAY * (1 - share)), dtype=np.uint8)


def one_hot_parsing(labels: Tensor) -> Tensor:
    """Return classes (B, H, W) as float32 (B, 20, H, W), zeros where they are not known."""
    planes = functional.one_hot(labels.long().clamp(max=CLASS_COUNT), CLASS_COUNT + 1)[..., :CLASS_COUNT]
    return planes.permute(0, 3, 1, 2).float()


@dataclass(frozen=True, eq=False)
class SourceCrop:
    """The source as networks see it: tensors on the device and in its type, of a batch of one or spread over a batch.

    Attributes
    ----------
    rgb : (B, 3, H, W)
        In [0, 1], the person over the plain background.
    parsing : (B, 20, H, W)
        One-hot.
    heatmaps : (B, C, h, w)
        The source's pose, as the engine's `pose_maps` draws it.
    """

    rgb: Tensor
    parsing: Tensor
    heatmaps: Tensor

    def expanded(self, count: int) -> SourceCrop:
        """Return the same for a batch of `count` frames."""
        return SourceCrop(*(plane.expand(count, -1, -1, -1) for plane in (self.rgb, self.parsing, self.heatmaps)))


@dataclass(frozen=True, eq=False)
class DrawnCrops:
    """The pictures that networks draw of a batch of windows.

    Attributes
    ----------
    rgb : float32 (B, 3, H, W)
        In [0, 1], over the plain background.
    person : float32 (B, 1, H, W)
        How much of each pixel is the person's, in [0, 1].
    classes : integer (B, 1, H, W) or None
        LIP's classes, where the networks know them.
    """

    rgb: Tensor
    person: Tensor
    classes: Tensor | None = None


class CropGanEngine(Engine):
    """Base of engines that draw the window's picture.

    Parameters
    ----------
    height, width : int
        Size of the window in the networks' pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._settings: RenderSettings | None = None
        self.source: SourceCrop

    @abstractmethod
    def place_networks(self) -> None:
        """Bring the networks to the device, with `placed`; called by `prepare`, before the source is looked at."""

    def pose_maps(self, points: Tensor) -> Tensor:
        """Return poses as the networks take them: discs of radius 4 by default.

        Parameters
        ----------
        points : float32 (B, 18, 3)
            In pixels of the window, and the score.

        Returns
        -------
        float32 (B, C, h, w)
        """
        return disc_heatmaps(points, self.height, self.width)

    @abstractmethod
    def plan_crops(self, heatmaps: Tensor) -> Tensor:
        """Return the engine's own parameters of a batch of windows, float32 (B, D) on any device; D may be 0.

        Parameters
        ----------
        heatmaps : (B, C, h, w)
            The target poses, as `pose_maps` draws them.
        """

    @abstractmethod
    def draw_crops(self, heatmaps: Tensor, theta: Tensor) -> DrawnCrops:
        """Draw the pictures of a batch of windows.

        Parameters
        ----------
        heatmaps : (B, C, h, w)
            The target poses, as `pose_maps` draws them.
        theta : float32 (B, D)
            As from `plan_crops`, smoothed over time; on the device.
        """

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Look at the source through its own window; see `Engine.prepare`."""
        self._settings = settings
        self.place_networks()
        height, width = source.matte.shape
        window = self._window(person_box(source.pose.points, source.matte), height, width)
        rgb = extract_views(over_plain(source.rgb, source.matte), [CropView(window)])[0]
        parsing = cv2.warpAffine(
            source.parsing,
            window.frame_to_crop(),
            (self.width, self.height),
            flags=cv2.INTER_NEAREST,
            borderValue=BACKGROUND,
        )
        points = source.pose.transformed(window.frame_to_crop()).points
        self.source = SourceCrop(
            self.ready(torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255),
            self.ready(one_hot_parsing(torch.from_numpy(np.asarray(parsing, dtype=np.uint8))[None])),
            self.ready(self.pose_maps(torch.from_numpy(points)[None])),
        )

    @torch.inference_mode()
    def plan(self, motion: Motion) -> FloatArray:
        """Follow the person with a window, and plan what is drawn in it; see `Engine.plan`."""
        settings = self.settings
        windows = [self._window(visible_box(points), settings.height, settings.width) for points in motion.points]
        own = self.plan_crops(self._heatmaps(motion.points, windows))
        places = torch.tensor([(window.left, window.top, float(np.log(window.scale))) for window in windows])
        return torch.cat([own.cpu(), places], dim=1).numpy()

    @torch.inference_mode()
    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Draw the person; see `Engine.render`."""
        own, places = np.split(theta, [-_WINDOW_LENGTH], axis=1)
        windows = [
            PersonCrop(left, top, float(np.exp(log_scale)), self.width, self.height)
            for left, top, log_scale in places.tolist()
        ]
        heatmaps = self._heatmaps(motion.points, windows)
        drawn = self.draw_crops(heatmaps, torch.from_numpy(own).to(self.settings.device))
        layers = []
        for index, window in enumerate(windows):
            shown = bool(motion.points[index, :, 2].any())
            classes = None if drawn.classes is None else drawn.classes[index]
            layers.append(
                self._cut_out(drawn.rgb[index], drawn.person[index], classes, window) if shown else _nothing()
            )
        return layers

    @property
    def settings(self) -> RenderSettings:
        """What `prepare` was given."""
        if self._settings is None:
            raise RuntimeError(f"{type(self).__name__}.prepare must be called before plan and render")
        return self._settings

    def placed(self, network: nn.Module) -> nn.Module:
        """Return a copy of a network, ready on the device."""
        return ready_for(copy.deepcopy(network), self.settings.device, self.settings.dtype)

    def ready(self, planes: Tensor) -> Tensor:
        """Return planes as networks take them: on the device, in its type, channels last."""
        return planes.to(self.settings.device, self.settings.dtype).contiguous(memory_format=torch.channels_last)

    def _window(self, box: tuple[float, float, float, float], frame_height: int, frame_width: int) -> PersonCrop:
        return reshaped(window_around(box, frame_height, frame_width), self.height, self.width)

    def _heatmaps(self, poses: FloatArray, windows: Sequence[PersonCrop]) -> Tensor:
        inside = [
            Pose(points).transformed(window.frame_to_crop()).points
            for points, window in zip(poses, windows, strict=True)
        ]
        return self.ready(self.pose_maps(torch.from_numpy(np.stack(inside))))

    def _cut_out(self, picture: Tensor, person: Tensor, classes: Tensor | None, window: PersonCrop) -> PersonLayer:
        """Cut the person (1, H, W) out of a picture (3, H, W) and put them, and classes (1, H, W), into the frame."""
        settings = self.settings
        left, top = max(int(np.floor(window.left)), 0), max(int(np.floor(window.top)), 0)
        right = min(int(np.ceil(window.left + window.scale * window.width)), settings.width)
        bottom = min(int(np.ceil(window.top + window.scale * window.height)), settings.height)
        if right <= left or bottom <= top:
            return _nothing()
        to_units = compose_affine(normalizing_map(self.height, self.width), torch.from_numpy(window.frame_to_crop()))
        corner = torch.tensor([left, top], dtype=torch.float32)
        grid = affine_lattice(to_units, bottom - top, right - left, corner)[None].to(picture.device)
        # what is seen of the plain background is taken off again; before sampling, or the window's border would turn
        # dark
        colors = torch.minimum((picture - GRAY / 255 * (1 - person)).clamp_min(0), person)
        rgba = sample(torch.cat([colors, person])[None], grid)[0]  # (4, h, w), premultiplied
        alpha = rgba[3]
        rows = (alpha >= _LEAST_ALPHA).any(1).nonzero().flatten().tolist()
        columns = (alpha >= _LEAST_ALPHA).any(0).nonzero().flatten().tolist()
        if not rows:
            return _nothing()
        box = np.s_[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        parsing = None
        if settings.keep_parsing and classes is not None:
            labels = sample(classes[None].float(), grid, mode="nearest")[0, 0]
            parsing = labels[box].to(torch.uint8).cpu().numpy()
        return PersonLayer(to_bytes(rgba[box]), left + columns[0], top + rows[0], parsing)


def _nothing() -> PersonLayer:
    return PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)
