"""The engine of the Soft-Gated Warping-GAN in parts: those of the layered engine, gated and blended by networks.

The first pass fits the parts' affine maps in closed form and a window that follows the person. In the second pass stage
I predicts the target's parsing and order of depth from the warped parts, and stage II how they are blended, at half of
the window's resolution; that is then done at the output's own.

A body that is fitted to photo and clip goes along: the avatar in its pose is one more layer, and what has not moved is
the photo itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from motionwarp.avatar.renderer import Drawing
from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyTrack
from motionwarp.data.person_window import window_around
from motionwarp.engines.avatar.photo_body import PhotoBody
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.engines.base import Motion, RenderSettings, Staging
from motionwarp.engines.deciding import DecidingEngine
from motionwarp.engines.warping_gan.blending import part_blend
from motionwarp.engines.warping_gan.body_layer import BodyDrawer, Pose
from motionwarp.engines.warping_gan.cloth import with_whole_cloth
from motionwarp.engines.warping_gan.debug import region_pictures
from motionwarp.engines.warping_gan.inputs import (
    BodyInputs,
    no_body,
    part_maps,
    pose_change,
    quarter_inputs,
    stacked_layers,
    stage_one_probabilities,
    stage_two_inputs,
)
from motionwarp.engines.warping_gan.networks import PartGeneratorOutput, PartParserOutput, load_warping_networks
from motionwarp.engines.warping_gan.pacing import slow_in_window
from motionwarp.errors import NoPersonError
from motionwarp.geometry.affine import apply_affine, compose_affine
from motionwarp.nn.fuse import fuse_batch_norm, ready_for
from motionwarp.perception.framing import visible_box
from motionwarp.puppet.compositor import person_layer
from motionwarp.puppet.person import PuppetPerson
from motionwarp.puppet.warp_params import THETA_LENGTH, WarpParams
from motionwarp.types import (
    CROP_HEIGHT,
    CROP_WIDTH,
    BoolArray,
    ByteArray,
    FloatArray,
    PersonCrop,
    PersonLayer,
    PoseTrack,
    SourcePerson,
)

DEFAULT_WEIGHTS: Final = "warping_gan"
_WINDOW_LENGTH: Final = 3
_NO_BODY: Final = (
    "no body could be fitted to the source: it is moved in the plane alone, and does not show its sides or its back"
)
_HALF_HEIGHT, _HALF_WIDTH = CROP_HEIGHT // 2, CROP_WIDTH // 2
# from pixels of the half-size window to those of the window
_HALF_TO_WINDOW: Final = ((2.0, 0.0, 0.5), (0.0, 2.0, 0.5))


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """Where the persons of a batch of frames are, and their poses there.

    Attributes
    ----------
    poses : float32 (B, 18, 3)
        In pixels of the window.
    to_frame, from_frame : float32 (B, 2, 3)
        Between pixels of the window and of the output frame.
    """

    poses: Tensor
    to_frame: Tensor
    from_frame: Tensor

    @classmethod
    def of(cls, poses: Tensor, windows: FloatArray) -> WindowBatch:
        """Return the windows of poses (B, 18, 3) in the frame; `windows` (B, 3) is left, top and the scale's log."""
        crops = [PersonCrop(float(left), float(top), float(np.exp(size))) for left, top, size in windows]
        to_frame = torch.from_numpy(np.stack([crop.crop_to_frame() for crop in crops]))
        from_frame = torch.from_numpy(np.stack([crop.frame_to_crop() for crop in crops]))
        inside = torch.cat([apply_affine(from_frame, poses[..., :2]), poses[..., 2:]], dim=2)
        return cls(inside, to_frame, from_frame)


class _Decided(NamedTuple):
    layers: Tensor  # (B, 16, 4, H/2, W/2)
    body: BodyInputs | None
    stage_one: Tensor  # (B, 36, H/4, W/4)
    blend: PartGeneratorOutput


class WarpingGanEngine(DecidingEngine[PartGeneratorOutput]):
    """The Soft-Gated Warping-GAN at work.

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
    explains = True

    def __init__(self, weights: str | Path = DEFAULT_WEIGHTS) -> None:
        self._networks = load_warping_networks(weights)
        self.weights_sha256 = self._networks.sha256
        self._sees_body = self.has_body = self._networks.generator.config.body
        self._body: BodyDrawer | None = None
        self._person: PuppetPerson | None = None
        self._settings: RenderSettings | None = None
        self._parser: nn.Module
        self._generator: nn.Module
        self._device, self._dtype = torch.device("cpu"), torch.float32

    def get_ready(self) -> None:
        """Read what bodies are fitted with; see `Engine.get_ready`."""
        PhotoBody.get_ready()

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Cut the source into parts and bring the networks to the device; see `Engine.prepare`.

        Raises
        ------
        NoPersonError
            If the source's points show no upper body.
        """
        self._person = PuppetPerson(source, settings.device, keep_parsing=True)
        self._body = BodyDrawer.of(source, settings)
        self.notes = () if self._body is not None else (_NO_BODY,)
        self.has_body = self._sees_body and self._body is not None
        self._settings = settings
        self._device, self._dtype = settings.device, settings.dtype
        self._parser = self._placed(fuse_batch_norm(self._networks.parser))
        self._generator = self._placed(fuse_batch_norm(self._networks.generator))

    def follow(self, track: PoseTrack) -> Motion:
        """Fit the source's body to the points of a whole clip, where there is one; see `Engine.follow`."""
        return super().follow(track) if self._body is None else self._body.person.follow(track)

    def perform(self, capture: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
        """Let the body move as captured; see `Engine.perform`."""
        return self._fitted().perform(capture, staging)

    def seen_from(self, motion: Motion, degrees: npt.NDArray[np.float64]) -> Motion:
        """Turn the body against the camera; see `Engine.seen_from`.

        Raises
        ------
        NoPersonError
            If no body could be fitted to the source.
        """
        return self._fitted().body.seen_from(motion, degrees)

    def kept_aside(self, motion: Motion) -> float:
        """Return how far the photo's side is turned back into sight; see `Engine.kept_aside`."""
        return 0.0 if self._body is None else self._body.person.body.kept_aside(motion)

    def _fitted(self) -> PhotoBody:
        if self._body is None:
            raise NoPersonError(
                "no body could be fitted to the source, which is needed to see it from other sides",
                remedy="Use a picture that shows more of the person, or give better points",
            )
        return self._body.person

    @torch.inference_mode()
    def plan(self, motion: Motion) -> FloatArray:
        """Fit all maps and the window, and take the body's poses along; see `Engine.plan`."""
        person, settings = self._prepared()
        poses = torch.from_numpy(motion.points)
        theta = person.plan(poses)
        windows = _windows(person.bounds(poses, theta).numpy(), motion.points, settings)
        planned = [theta.flatten().numpy(), windows]
        if motion.rotations is not None:
            planned.append(PoseParams.of_motion(motion).flatten().numpy())
        return np.concatenate(planned, axis=1).astype(np.float32)

    def bodies(self, motion: Motion, theta: FloatArray) -> BodyTrack | None:
        """Return the bodies that go along; see `Engine.bodies`."""
        poses = _unpacked(theta, torch.from_numpy(motion.points))[2]
        if self._body is None or poses is None:
            return None
        return self._body.person.body.track(poses, _present(motion))

    def slow_frames(self, motion: Motion, theta: FloatArray) -> BoolArray:
        """Return which frames can be drawn by the mean of their neighbors' recipes; see `DecidingEngine`.

        The recipe is a picture of 128 x 96 cells that moves with the window: it suffices that points move slowly there.
        """
        windows = theta[:, THETA_LENGTH : THETA_LENGTH + _WINDOW_LENGTH]
        return slow_in_window(motion.points, windows)

    @torch.inference_mode()
    def decide(self, motion: Motion, theta: FloatArray) -> Sequence[PartGeneratorOutput]:
        """Return the recipe of each frame, as of a batch of one; see `DecidingEngine.decide`."""
        person, _ = self._prepared()
        poses = torch.from_numpy(motion.points)
        maps, window, body_poses = _unpacked(theta, poses)
        blend = self._decided(person, maps, poses, window, self._seen_body(motion, body_poses, window)).blend
        return [blend.of_frame(frame) for frame in range(len(poses))]

    def between(self, before: PartGeneratorOutput, after: PartGeneratorOutput) -> PartGeneratorOutput:
        """Return the mean of two recipes; see `DecidingEngine.between`."""
        with torch.inference_mode():
            return before.mean_with(after)

    @torch.inference_mode()
    def draw(
        self, motion: Motion, theta: FloatArray, decisions: Sequence[PartGeneratorOutput]
    ) -> Sequence[PersonLayer]:
        """Follow the recipes at the output's size; see `DecidingEngine.draw`."""
        person, settings = self._prepared()
        poses = torch.from_numpy(motion.points)
        maps, window, body_poses = _unpacked(theta, poses)
        posed = self._posed(motion, body_poses)
        frames: list[PersonLayer] = [person_layer(None)] * len(poses)
        groups = person.warped(poses, maps, settings.height, settings.width, with_classes=settings.keep_parsing)
        for group in groups:
            for position, frame in enumerate(group.frames.tolist()):
                # one after the other: each is blended while it is in the processor's cache, and let go then
                picture = self._drawn(posed[frame])
                blended = part_blend(
                    group, position, decisions[frame], 0, window.to_frame[frame], (settings.height, settings.width),
                    picture,
                )  # fmt: skip
                if blended is not None:
                    frames[frame] = self._at_rest(blended.layer(), picture)
        return frames

    def _posed(self, motion: Motion, poses: PoseParams | None) -> Sequence[Pose | None]:
        """Return the avatar's pose in each frame where its picture is blended or tells what has not moved."""
        body = self._body
        if body is None or poses is None or not (self._sees_body or body.person.behind is not None):
            return [None] * len(motion)
        posed = zip(body.person.posed(poses), _present(motion), strict=True)
        return [pose if there else None for pose, there in posed]

    def _drawn(self, pose: Pose | None) -> Drawing | None:
        """Draw the avatar at the output's size."""
        return None if self._body is None or pose is None else self._body.person.drawn(*pose)

    def _seen_body(self, motion: Motion, poses: PoseParams | None, window: WindowBatch) -> BodyInputs | None:
        """Return what the networks see of the avatar in a batch of frames, where they see one and there is one."""
        if self._body is None or poses is None or not self._sees_body:
            return None
        posed = zip(self._body.person.posed(poses), _present(motion), strict=True)
        return self._body.inputs([pose if there else None for pose, there in posed], poses.turns, window.from_frame)

    def _at_rest(self, layer: PersonLayer, picture: Drawing | None) -> PersonLayer:
        """Return a layer with the photo's pixels where nothing has moved and the photo lies behind."""
        return layer if self._body is None or picture is None else self._body.person.layer_at_rest(layer, picture)

    @torch.inference_mode()
    def explain(self, motion: Motion, theta: FloatArray) -> Sequence[ByteArray]:
        """Draw parsing, parts, gate and blend of each frame; see `Engine.explain` and `region_pictures`."""
        person, _ = self._prepared()
        poses = torch.from_numpy(motion.points)
        maps, window, body_poses = _unpacked(theta, poses)
        decided = self._decided(person, maps, poses, window, self._seen_body(motion, body_poses, window))
        layers, body = decided.layers, decided.body
        blended = layers if body is None else torch.cat([layers, body.layer.to(layers)], dim=1)
        return region_pictures(blended, decided.stage_one, decided.blend)

    def _decided(
        self, person: PuppetPerson, maps: WarpParams, poses: Tensor, window: WindowBatch, body: BodyInputs | None
    ) -> _Decided:
        """Run stage I and stage II on the closed-form warps, and the body where the networks see one."""
        layers, classes = self._layers(person, maps, poses, window)
        if self._sees_body and body is None:
            body = no_body(len(poses), _HALF_HEIGHT, _HALF_WIDTH)
        for_parser = body if self._networks.parser.config.body else None
        inputs = quarter_inputs(layers, classes[:, 0, 1::2, 1::2], window.poses, for_parser)
        output = PartParserOutput(*self._parser(*(self._ready(plane) for plane in inputs)))
        stage_one = stage_one_probabilities(output)
        limbs = part_maps(window.poses, _HALF_HEIGHT, _HALF_WIDTH, 2)
        # in the networks' type before they are put together, which carries half as much through the memory
        ready = self._ready(layers.flatten(1, 2)).unflatten(1, layers.shape[1:3])
        seen = None if body is None else body._replace(planes=self._ready(body.planes), shares=self._ready(body.shares))
        given = stage_two_inputs(
            ready, self._ready(limbs), self._ready(stage_one), pose_change(maps.theta_affine), seen
        )
        change = given.change.to(self._device, self._dtype)
        recipe = PartGeneratorOutput(*self._generator(given.layers, given.limbs, given.stage_one, change))
        return _Decided(layers, body, stage_one, with_whole_cloth(recipe, layers, body))

    def _layers(
        self, person: PuppetPerson, maps: WarpParams, poses: Tensor, window: WindowBatch
    ) -> tuple[Tensor, Tensor]:
        """Return parts and composite (B, 16, 4, H/2, W/2) and classes (B, 1, H/2, W/2) in the half-size window."""
        half_to_frame = compose_affine(window.to_frame, _half_to_window(len(poses)))
        groups = person.warped(poses, maps.seen_from(half_to_frame), _HALF_HEIGHT, _HALF_WIDTH)
        return stacked_layers(groups, len(poses), _HALF_HEIGHT, _HALF_WIDTH)

    def _ready(self, plane: Tensor) -> Tensor:
        return plane.to(self._device, self._dtype, memory_format=torch.channels_last)

    def _placed(self, network: nn.Module) -> nn.Module:
        return ready_for(network, self._device, self._dtype)

    def _prepared(self) -> tuple[PuppetPerson, RenderSettings]:
        if self._person is None or self._settings is None:
            raise RuntimeError("WarpingGanEngine.prepare must be called before plan and render")
        return self._person, self._settings


def _unpacked(theta: FloatArray, poses: Tensor) -> tuple[WarpParams, WindowBatch, PoseParams | None]:
    """Undo what `plan` puts in a row."""
    maps, windows, body = np.split(theta, [THETA_LENGTH, THETA_LENGTH + _WINDOW_LENGTH], axis=1)
    body_poses = PoseParams.from_flat(torch.from_numpy(body)) if body.shape[1] else None
    return WarpParams.from_flat(torch.from_numpy(maps)), WindowBatch.of(poses, windows), body_poses


def _present(motion: Motion) -> BoolArray:
    return np.asarray(np.count_nonzero(motion.points[..., 2], axis=1) > 0)


def _half_to_window(count: int) -> Tensor:
    return torch.tensor(_HALF_TO_WINDOW).expand(count, 2, 3)


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
