"""A photo's person with a body, prepared for one size of frame: what every engine holds that draws an avatar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from motionwarp.avatar.arms_beyond import BentBeyond
from motionwarp.avatar.avatar import Avatar, usable_joints
from motionwarp.avatar.head_reach import within_reach
from motionwarp.avatar.person import AvatarPerson
from motionwarp.avatar.renderer import Drawing
from motionwarp.avatar.rest import PhotoBehind, cut_to_shown, layer_at_rest, rested
from motionwarp.body.body_motion import BodyMotion
from motionwarp.compiled import set_up_compiler
from motionwarp.engines.avatar.cut_edge import HELD, CutEdge, CutHead, held, is_noted
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.posing import BodyTools, PoseParams, SourceBody, with_undrawn
from motionwarp.engines.base import Motion, RenderSettings, Staging
from motionwarp.types import FloatArray, PersonLayer, PoseTrack, SourcePerson

_UNTOLD: Final = (
    "which way the driving person faces cannot be told in a shot: there the motion is followed in the picture's plane"
)
NOBODY: Final = PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)


@dataclass(frozen=True, eq=False)
class PhotoBody:
    """A body that was fitted to a photo and wears its pixels.

    Attributes
    ----------
    body : SourceBody
    avatar : Avatar
    size : (int, int)
        Height and width of the output frame in pixels.
    photo_to_frame : float32 (2, 3) or None
        From pixels of the photo to those of the frame, where the photo lies behind the person.
    behind : PhotoBehind or None
        The photo there; None where it does not lie behind.
    cut : CutEdge or None
        Where the photo cuts the person off below.
    cut_edge : float or None
        The frame's row that the cut may not rise over; None where the person's place is the driving person's.
    cut_head : CutHead or None
        Where the photo cuts the head off above, of somebody whom it cuts off below too.
    bent : BentBeyond or None
        How arms go on beyond the photo's edge; None as for one without any.
    shows_one_side : bool
        Whether the person is known from this photo alone, so that a head turns no farther than it shows.
    """

    body: SourceBody
    avatar: Avatar
    size: tuple[int, int]
    photo_to_frame: FloatArray | None = None
    behind: PhotoBehind | None = None
    cut: CutEdge | None = None
    cut_edge: float | None = None
    cut_head: CutHead | None = None
    bent: BentBeyond | None = None
    shows_one_side: bool = False

    @staticmethod
    def get_ready() -> None:
        """Do what takes half a second once a process, whoever the person is."""
        set_up_compiler()
        BodyTools.shipped()

    @classmethod
    def of(cls, source: SourcePerson, settings: RenderSettings) -> PhotoBody:
        """Fit a body to a photo's person and make their avatar, unless they have one.

        Raises
        ------
        NoPersonError
            If the source's points show neither shoulders nor a neck with hips.
        """
        person = source if isinstance(source, AvatarPerson) else with_avatar(source)
        avatar, alone = person.fitting_avatar, person.photos == 1
        body, size = SourceBody.of_avatar(avatar.rest), (settings.height, settings.width)
        cut = CutEdge.of(source, avatar)
        head = None if cut is None else CutHead.of(source, avatar)
        bent = BentBeyond.of(source, float(usable_joints(source.pose.points).torso[0]))
        if settings.photo_to_frame is None:
            edge = size[0] - 1.0 if settings.holds_cut else None
            return cls(body, avatar, size, cut=cut, cut_edge=edge, cut_head=head, bent=bent, shows_one_side=alone)
        to_frame = np.asarray(settings.photo_to_frame, dtype=np.float32)
        rgb, matte = (
            cv2.warpAffine(plane, to_frame, size[::-1], flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
            for plane in (source.rgb, source.matte)
        )
        behind = PhotoBehind.of(
            np.asarray(rgb, dtype=np.uint8), np.asarray(matte, dtype=np.float32), _at_rest(avatar, to_frame, size)
        )
        last_row = float(to_frame[1, 1]) * (source.rgb.shape[0] - 1) + float(to_frame[1, 2])
        edge = last_row if settings.holds_cut else None
        return cls(body, avatar, size, to_frame, behind, cut, edge, head, bent, alone)

    def follow(self, track: PoseTrack) -> Motion:
        """Fit the body to the points of a whole clip, shot by shot; see `Engine.follow`."""
        points = np.where(track.present[:, None, None], track.points, 0).astype(np.float32)
        told = with_undrawn(points)
        told = told if self.bent is None else self.bent.told(told)
        shots = [told[shot] for shot in track.shots()]
        poses = PoseParams.joined([self.body.follow(shot) for shot in shots])
        notes = [] if all(self.body.is_facing_told(shot) for shot in shots) else [_UNTOLD]
        if self.cut is not None:
            poses = self.cut.calmed(poses, self.avatar.rotations)
            if self.cut_edge is not None:
                lifts = self._lifts(poses, self.cut, self.cut_edge)
                poses = held(poses, lifts)
                points = points.copy()
                points[..., 1] += lifts[:, None] * (points[..., 2] > 0)
                notes += [HELD] if is_noted(lifts, self.size[0]) else []
        return replace(poses.motion(points), notes=tuple(notes))

    def _lifts(self, poses: PoseParams, cut: CutEdge, edge: float) -> FloatArray:
        """Return by how much each frame is moved down so that no cut is seen, in pixels, float32 (T,); up below 0."""
        lifts = np.array([cut.lift(*pose, edge) for pose in self.posed(poses)], dtype=np.float32)
        if self.cut_head is None:
            return lifts
        top = 0.0 if self.photo_to_frame is None else float(self.photo_to_frame[1, 2])
        drops = np.array([self.cut_head.drop(*pose, top) for pose in self.posed(poses)], dtype=np.float32)
        raised = self.posed(held(poses, -drops))
        back = np.array([cut.lift(*pose, edge, strictly=True) for pose in raised], dtype=np.float32)
        return np.where(lifts > 0, lifts, np.minimum(back, drops) - drops)

    def perform(self, capture: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
        """Let the body move as captured; see `Engine.perform`."""
        made = self.body.perform(capture, staging)
        return PoseParams(made.turns, made.camera).motion(made.points), made.is_on_the_spot

    def posed(self, poses: PoseParams) -> list[tuple[FloatArray, FloatArray]]:
        """Return for each frame what moves the avatar: transforms (D, 3, 4) of its bones, and the camera (3,)."""
        joints = self.body.joints(poses.turns)
        turns, cameras = poses.turns.numpy(), poses.camera.numpy()
        if self.shows_one_side:
            turns = within_reach(turns, self.avatar.rotations)
        return [
            (self.avatar.transforms(turns[frame], joints[frame]), cameras[frame].astype(np.float32))
            for frame in range(len(turns))
        ]

    def drawn(self, transforms: FloatArray, camera: FloatArray) -> Drawing:
        """Draw one frame; see `Avatar.drawing`."""
        return self.avatar.drawing(transforms, camera, self.size, self.photo_to_frame)

    def layer(self, transforms: FloatArray, camera: FloatArray) -> PersonLayer:
        """Draw one frame, with the photo's pixels where nothing has moved and the photo lies behind."""
        drawing = self.drawn(transforms, camera)
        made = drawing if self.behind is None else rested(drawing, self.behind)
        return cut_to_shown(PersonLayer(np.rint(made.rgba).clip(0, 255).astype(np.uint8), made.left, made.top))

    def layer_at_rest(self, layer: PersonLayer, drawing: Drawing) -> PersonLayer:
        """Return a layer with the photo's pixels where nothing has moved and the photo lies behind."""
        return layer if self.behind is None else layer_at_rest(layer, drawing, self.behind)


def _at_rest(avatar: Avatar, photo_to_frame: FloatArray, size: tuple[int, int]) -> Drawing:
    """Draw a person as they stand in the photo."""
    place = photo_to_frame[:, :2] @ np.asarray(avatar.shift, dtype=np.float32) + photo_to_frame[:, 2]
    camera = np.array([avatar.scale * photo_to_frame[0, 0], *place], dtype=np.float32)
    return avatar.drawing(avatar.transforms(avatar.rotations, avatar.joints), camera, size, photo_to_frame)
