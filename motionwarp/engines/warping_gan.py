"""The Soft-Gated Warping-GAN in its `parts` preset: the layered engine's parts, matched, gated and blended by trained networks.

The first pass fits the parts' affine maps in closed form, looks at the person through a window that follows them, predicts the
target's parsing and order of depth there (stage I), and regresses the splines that the affine maps leave over. In the second
pass the warped parts go through stage II at half of the window's resolution; its recipe is then followed at the output's own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from motionwarp.analysis.folding import folded, ready_for
from motionwarp.analysis.framing import visible_box
from motionwarp.engines.base import Engine, RenderSettings
from motionwarp.engines.layer_stack import stacked_layers
from motionwarp.engines.layered_compositing import to_bytes
from motionwarp.engines.layered_person import LayeredPerson
from motionwarp.engines.layered_theta import THETA_LENGTH, LayeredTheta
from motionwarp.engines.part_inputs import quarter_inputs, stage_one_probabilities
from motionwarp.engines.part_maps import part_maps, pose_change
from motionwarp.engines.person_window import window_around
from motionwarp.engines.recipe import BlendedFrame, blended
from motionwarp.engines.warping_networks import WarpingNetworks, load_warping_networks
from motionwarp.networks.part_generator import PartGeneratorOutput
from motionwarp.networks.part_parser import PartParserOutput
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, FloatArray, PersonCrop, PersonLayer, SourcePerson

DEFAULT_WEIGHTS: Final = "warping_gan"
_WINDOW_LENGTH: Final = 3
_HALF_HEIGHT, _HALF_WIDTH = CROP_HEIGHT // 2, CROP_WIDTH // 2
# from pixels of the half-size window to those of the window
_HALF_TO_WINDOW: Final = ((2.0, 0.0, 0.5), (0.0, 2.0, 0.5))


@dataclass(frozen=True, eq=False)
class SeenThroughWindow:
    """What the networks see of a batch of frames.

    Attributes
    ----------
    layers : float32 (B, 16, 4, H/2, W/2)
    classes : float32 (B, H/4, W/4)
        Of the source, carried along.
    poses : float32 (B, 18, 3)
        In pixels of the window.
    window_to_frame : float32 (B, 2, 3)
    """

    layers: Tensor
    classes: Tensor
    poses: Tensor
    window_to_frame: Tensor


class WarpingGanEngine(Engine):
    """See the module's text.

    Parameters
    ----------
    weights : str or Path
        The name of shipped weights, or a file that training exported.

    Raises
    ------
    WeightsError
        If they are missing, damaged or for another engine.
    """

    name = "warping_gan"

    def __init__(self, weights: str | Path = DEFAULT_WEIGHTS) -> None:
        self._networks = load_warping_networks(weights)
        self.weights_sha256 = self._networks.sha256
        self._person: LayeredPerson | None = None
        self._settings: RenderSettings | None = None
        self._parser: nn.Module
        self._generator: nn.Module

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Cut the source into parts and bring the networks to the device; see `Engine.prepare`.

        Raises
        ------
        NoPersonError
            If the source's points show no upper body.
        """
        self._person = LayeredPerson(source, settings.device, keep_parsing=True)
        self._settings = settings
        self._parser, self._generator = _placed(self._networks, settings)

    def plan(self, target_poses: FloatArray) -> FloatArray:
        """Fit all maps and the window; see `Engine.plan`."""
        person, settings = self._prepared()
        poses = torch.from_numpy(target_poses)
        theta = person.plan(poses)
        windows = _windows(person.bounds(poses, theta).numpy(), target_poses, settings)
        return np.concatenate([theta.flatten().numpy(), windows], axis=1)

    @torch.inference_mode()
    def render(self, target_poses: FloatArray, theta: FloatArray) -> Sequence[PersonLayer]:
        """Draw the person; see `Engine.render`."""
        person, settings = self._prepared()
        poses = torch.from_numpy(target_poses)
        maps, windows = np.split(theta, [THETA_LENGTH], axis=1)
        layered = LayeredTheta.from_flat(torch.from_numpy(maps))
        seen = self._through_window(person, poses, layered, windows)
        recipe = self._recipe(seen, layered)
        frames: list[PersonLayer] = [PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)] * len(poses)
        groups = person.warped(poses, layered, settings.height, settings.width, with_classes=settings.keep_parsing)
        for group in groups:
            for position, frame in enumerate(group.frames):
                drawn = blended(group, position, recipe, int(frame), seen.window_to_frame[frame])
                if drawn is not None:
                    frames[frame] = _layer(drawn)
        return frames

    def _through_window(
        self, person: LayeredPerson, poses: Tensor, theta: LayeredTheta, windows: FloatArray
    ) -> SeenThroughWindow:
        crops = [PersonCrop(float(left), float(top), float(np.exp(size))) for left, top, size in windows]
        to_frame = torch.from_numpy(np.stack([crop.crop_to_frame() for crop in crops]))  # (B, 2, 3)
        to_window = torch.from_numpy(np.stack([crop.frame_to_crop() for crop in crops]))
        in_window = poses.clone()
        in_window[..., :2] = poses[..., :2] @ to_window[:, :, :2].transpose(1, 2) + to_window[:, None, :, 2]
        half_to_window = torch.tensor(_HALF_TO_WINDOW)
        turn = to_frame[:, :, :2] @ half_to_window[:, :2]
        shift = to_frame[:, :, :2] @ half_to_window[:, 2:] + to_frame[:, :, 2:]
        half = theta.seen_from(torch.cat([turn, shift], dim=2))
        groups = person.warped(poses, half, _HALF_HEIGHT, _HALF_WIDTH)
        layers, classes = stacked_layers(groups, len(poses), _HALF_HEIGHT, _HALF_WIDTH)
        return SeenThroughWindow(layers, classes[:, 0, 1::2, 1::2], in_window, to_frame)

    def _recipe(self, seen: SeenThroughWindow, theta: LayeredTheta) -> PartGeneratorOutput:
        _, settings = self._prepared()

        def ready(plane: Tensor) -> Tensor:
            return plane.to(settings.device, settings.dtype).contiguous(memory_format=torch.channels_last)

        quarter = quarter_inputs(seen.layers, seen.classes, seen.poses)
        stage_one = PartParserOutput(*self._parser(*(ready(plane) for plane in quarter)))
        limbs = part_maps(seen.poses, _HALF_HEIGHT, _HALF_WIDTH, 2)
        change = pose_change(theta.theta_affine).to(settings.device, settings.dtype)
        return PartGeneratorOutput(
            *self._generator(ready(seen.layers.flatten(1, 2)), ready(limbs), ready(stage_one_probabilities(stage_one)), change)
        )

    def _prepared(self) -> tuple[LayeredPerson, RenderSettings]:
        if self._person is None or self._settings is None:
            raise RuntimeError("WarpingGanEngine.prepare must be called before plan and render")
        return self._person, self._settings


def _placed(networks: WarpingNetworks, settings: RenderSettings) -> tuple[nn.Module, nn.Module]:
    return tuple(
        ready_for(folded(copy.deepcopy(network).eval()), settings.device, settings.dtype)
        for network in (networks.parser, networks.generator)
    )  # type: ignore[return-value]


def _windows(bounds: FloatArray, poses: FloatArray, settings: RenderSettings) -> FloatArray:
    """Return left, top and the logarithm of the scale of each frame's window, float32 (B, 3)."""
    rows = []
    for box, points in zip(bounds, poses, strict=True):
        points_box = visible_box(points)
        union = (
            min(float(box[0]), points_box[0]), min(float(box[1]), points_box[1]),
            max(float(box[2]), points_box[2]), max(float(box[3]), points_box[3]),
        )  # fmt: skip
        crop = window_around(union, settings.height, settings.width)
        rows.append((crop.left, crop.top, np.log(crop.scale)))
    return np.array(rows, dtype=np.float32).reshape(-1, _WINDOW_LENGTH)


def _layer(frame: BlendedFrame) -> PersonLayer:
    parsing = None if frame.parsing is None else frame.parsing.to(torch.uint8).cpu().numpy()
    return PersonLayer(to_bytes(frame.rgba), frame.left, frame.top, parsing)
