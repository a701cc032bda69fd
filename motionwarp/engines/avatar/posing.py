"""The body of a source person, and the poses that it takes: what moves an avatar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from motionwarp.avatar.avatar import RestPose
from motionwarp.avatar.body_reach import kept_aside
from motionwarp.avatar.body_surface import BodySurface
from motionwarp.avatar.clothing import PosedBody
from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyTrack, is_facing_told
from motionwarp.body.camera import WeakPerspective
from motionwarp.body.fitting import LEAST_POINTS, BodyFit, BodyFitter, FitSettings
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.lifting import TrackLifter
from motionwarp.body.model import BodyModel, BodyShape
from motionwarp.body.performing import Performance, Stand, lowest_points, mapped, perform, seen_from
from motionwarp.body.photo_fit import fit_photos
from motionwarp.body.rig import PointRig, local_turns, world_turns
from motionwarp.body.rotations import matrix_from_6d, sixd_from_matrix
from motionwarp.engines.base import Motion, Staging
from motionwarp.pose.completion import ESTIMATED_SCORE, UNDRAWN_SCORE
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.retargeting import as_retargeted
from motionwarp.types import BoolArray, FloatArray, Pose

CAMERA_LENGTH = 3
# a photo's pixels hang on the body: it lies where the points are, however unsure they be
_ON_THE_POINTS: Final = FitSettings(doubt=0.0)


@dataclass(frozen=True, eq=False)
class PoseParams:
    """Poses of B frames.

    Attributes
    ----------
    turns : float tensor (B, D, 3, 3)
        Of the driven bones against the camera.
    camera : float tensor (B, 3)
        Pixels of the frame for a meter, and where the body's root lies.
    """

    turns: Tensor
    camera: Tensor

    @classmethod
    def of(cls, fit: BodyFit) -> PoseParams:
        """Take the poses of a fit."""
        return cls(fit.turns, torch.cat([fit.camera.scale[:, None], fit.camera.shift], dim=1))

    @classmethod
    def joined(cls, parts: Sequence[PoseParams]) -> PoseParams:
        """Return poses one after the other."""
        return cls(torch.cat([part.turns for part in parts]), torch.cat([part.camera for part in parts]))

    @classmethod
    def of_motion(cls, motion: Motion) -> PoseParams:
        """Read a motion that has rotations.

        Raises
        ------
        ValueError
            If it has none.
        """
        if motion.rotations is None or motion.camera is None:
            raise ValueError(
                "an avatar needs a motion with rotations, which its body gives it; this one has points only"
            )
        local = matrix_from_6d(torch.from_numpy(motion.rotations))
        return cls(world_turns(local), torch.from_numpy(motion.camera))

    def motion(self, points: FloatArray) -> Motion:
        """Return these poses with the points (B, 18, 3) that they were fitted to."""
        six = sixd_from_matrix(local_turns(self.turns)).numpy().astype(np.float32)
        root = np.zeros((len(points), 3), dtype=np.float32)
        return Motion(points, six, root, self.camera.numpy().astype(np.float32))

    def flatten(self) -> Tensor:
        """Return all of it as float tensor (B, 6 D + 3): six numbers a bone, the logarithm of the scale, the place."""
        scale = self.camera[:, :1].clamp_min(1e-3).log()
        return torch.cat([sixd_from_matrix(self.turns).flatten(1), scale, self.camera[:, 1:]], dim=1)

    @classmethod
    def from_flat(cls, flat: Tensor) -> PoseParams:
        """Read what `flatten` wrote, which may have been smoothed over time."""
        six = flat[:, :-CAMERA_LENGTH].unflatten(1, (-1, 6))
        scale = flat[:, -CAMERA_LENGTH, None].exp()
        return cls(matrix_from_6d(six), torch.cat([scale, flat[:, 1 - CAMERA_LENGTH :]], dim=1))


@dataclass(frozen=True, eq=False)
class BodyTools:
    """What bodies are fitted with: the same for all people.

    Attributes
    ----------
    body : BodyModel
    lifter : TrackLifter
        Says beforehand how bones are turned in depth.
    fitter : BodyFitter
    """

    body: BodyModel
    lifter: TrackLifter
    fitter: BodyFitter

    @classmethod
    @cache
    def shipped(cls) -> BodyTools:
        """Return the body and the lifter that ship, read once a process."""
        with torch.inference_mode(False):
            body = BodyModel.load()
            return cls(body, TrackLifter.load(), BodyFitter(body))


class SourceBody:
    """The body of the person in a photo.

    Parameters
    ----------
    fit : BodyFit
        To the photo: one frame.
    tools : BodyTools
    """

    @classmethod
    def of_photo(cls, points: FloatArray) -> SourceBody:
        """Fit the body that ships, with the lifter that ships, to points (18, 3), pixels and scores."""
        return cls.of_photos([points])[0]

    @classmethod
    def of_photos(cls, photos: Sequence[FloatArray]) -> list[SourceBody]:
        """Fit bodies of one shape to photos of the same person: what each tells of proportions counts.

        Parameters
        ----------
        photos : sequence of float32 (18, 3)
            Pixels and scores of at least one photo.

        Returns
        -------
        list of SourceBody
            One for each photo.

        Raises
        ------
        ValueError
            If there is no photo, or one in which fewer than four points were found.
        """
        tools = BodyTools.shipped()
        fitter, lifter = tools.fitter, tools.lifter
        with torch.inference_mode(False):
            together = fit_photos(fitter, lifter, photos, _ON_THE_POINTS)
            # solved once more as frames of a clip will be, so that the photo's own points give the photo's own pose
            fits = []
            for points in photos:
                whole = as_retargeted(Pose(points))[None]
                guess = lifter.lift(torch.from_numpy(_without_estimates(whole))).guess()
                fits.append(fitter.fit(torch.from_numpy(whole), guess, _ON_THE_POINTS, start=together))
        return [cls(fit, tools) for fit in fits]

    @classmethod
    def of_avatar(cls, rest: RestPose) -> SourceBody:
        """Return the body that an avatar was made over, without fitting anything."""
        camera = WeakPerspective(
            torch.tensor([rest.scale], dtype=torch.float32), torch.tensor([rest.shift], dtype=torch.float32)
        )
        fit = BodyFit(
            torch.from_numpy(rest.coefficients), torch.from_numpy(rest.rotations)[None], camera, torch.zeros(1)
        )
        return cls(fit, BodyTools.shipped())

    def __init__(self, fit: BodyFit, tools: BodyTools) -> None:
        self.fit, self._model, self._lifter, self._fitter = fit, tools.body, tools.lifter, tools.fitter

    @cached_property
    def shape(self) -> BodyShape:
        """The person at rest."""
        return self.fit.shape(self._model)

    @cached_property
    def rest(self) -> RestPose:
        """The pose in the photo."""
        camera = self.fit.camera
        x, y = (float(value) for value in camera.shift[0])
        return RestPose(
            self.fit.turns[0].numpy().astype(np.float32),
            self.joints(self.fit.turns)[0],
            float(camera.scale[0]),
            (x, y),
            self.fit.coefficients.numpy().astype(np.float32),
        )

    @cached_property
    def surface(self) -> BodySurface:
        """The body as the photo's camera sees it."""
        model = self._model
        vertices = self.fit.vertices(model, 0, self.shape).numpy()
        return BodySurface(
            np.ascontiguousarray(vertices, dtype=np.float32),
            model.faces.numpy().astype(np.int32),
            model.parts.numpy().astype(np.uint8),
            _driven_weights(model),
        )

    def wearing(self, shape: BodyShape) -> PosedBody:
        """Return a body of this or another shape, in the pose of this one's photo."""
        posed = self._model.pose(shape, self._model.expand(local_turns(self.fit.turns[0])))
        vertices = self._model.skin(shape, posed)
        joints = posed.joints[list(self._model.driven)]
        return PosedBody(vertices.numpy().astype(np.float32), joints.numpy().astype(np.float32))

    def at_ease(self, shape: BodyShape) -> FloatArray:
        """Return where the driven bones of a body begin in the pose that all people share, (D, 3), in meters."""
        turns = torch.eye(3).expand(len(self._model.driven), 3, 3)
        posed = self._model.pose(shape, self._model.expand(turns))
        joints: FloatArray = posed.joints[list(self._model.driven)].numpy().astype(np.float32)
        return joints

    def follow(self, points: FloatArray) -> PoseParams:
        """Return this body's poses for the points (T, 18, 3) of a whole shot, all frames solved together.

        Where the shot shows nobody they are the photo's.
        """
        if np.count_nonzero(points[..., 2] >= LEAST_SCORE, axis=1).max() < LEAST_POINTS:
            rest = PoseParams.of(self.fit)
            return PoseParams(rest.turns.expand(len(points), -1, -1, -1), rest.camera.expand(len(points), -1))
        points = with_undrawn(points)
        lifted = self._lifter.lift(torch.from_numpy(_without_estimates(points)))
        guess = lifted.guess() if is_facing_told(lifted) else None
        return PoseParams.of(self._fitter.fit(torch.from_numpy(points), guess, _ON_THE_POINTS, start=self.fit))

    @cached_property
    def rig(self) -> PointRig:
        """The body reduced to its 18 points."""
        return PointRig.of(self._model, self.shape)

    def stand(self, staging: Staging) -> Stand:
        """Return where the person of the photo stands in a frame."""
        lowest = float(lowest_points(self._model, self.shape, self.fit.turns)[0])
        x, y = self.rest.shift
        # of the photo: 1 pixel each way may be all that is known of it here
        in_photo = Stand(self._model, self.shape, self.rest.scale, (x, y), y + self.rest.scale * lowest, 1, 1)
        there = mapped(in_photo, staging.photo_to_frame, staging.width, staging.height)
        return replace(there, is_cut=staging.is_cut)

    def perform(self, motion: BodyMotion, staging: Staging) -> Performance:
        """Return this body in a motion, where it stands in the photo."""
        return perform(self.stand(staging), motion, staging.path, staging.travel)

    def seen_from(self, motion: Motion, degrees: npt.NDArray[np.float64]) -> Motion:
        """Return a motion of this body as it is seen from other sides, an angle for each frame."""
        poses = PoseParams.of_motion(motion)
        turns, camera, points = seen_from(self.rig, poses.turns, poses.camera, degrees)
        points[~(motion.points[..., 2] > 0).any(axis=1)] = 0
        return PoseParams(turns, camera).motion(points)

    def kept_aside(self, motion: Motion) -> float:
        """Return by how many degrees `seen_from` best turns a motion; see `motionwarp.avatar.body_reach`."""
        there = (motion.points[..., 2] > 0).any(axis=1)
        if motion.rotations is None or not there.any():
            return 0.0
        return kept_aside(PoseParams.of_motion(motion).turns.numpy()[there], self.fit.turns[0].numpy())

    def is_facing_told(self, points: FloatArray) -> bool:
        """Return whether the points (T, 18, 3) of a shot tell which way the person faces; where nobody is they do.

        Where they do not, `follow` keeps to the picture's plane: people face the camera, or away from it where left and
        right say so.
        """
        if np.count_nonzero(points[..., 2] >= LEAST_SCORE, axis=1).max() < LEAST_POINTS:
            return True
        return is_facing_told(self._lifter.lift(torch.from_numpy(_without_estimates(with_undrawn(points)))))

    def track(self, poses: PoseParams, present: BoolArray) -> BodyTrack:
        """Return this body in poses of B frames in space, in those of them where it is `present`, bool (B,)."""
        return BodyTrack.of_turns(self.rig, poses.turns, poses.camera, self.fit.coefficients, present)

    def joints(self, turns: Tensor) -> FloatArray:
        """Return where the driven bones begin in meters from the root, (B, D, 3), for turns against the camera."""
        posed = self._model.pose(self.shape, self._model.expand(local_turns(turns)))
        return posed.joints[..., list(self._model.driven), :].numpy().astype(np.float32)


def with_undrawn(points: FloatArray) -> FloatArray:
    """Return retargeted points (T, 18, 3) with scores for a body: what the clip tells of what no pixels show counts."""
    told, scores = points.copy(), points[..., 2]
    told[(scores > (ESTIMATED_SCORE + UNDRAWN_SCORE) / 2) & (scores < VISIBLE_SCORE), 2] = 1.0
    return told


def _without_estimates(points: FloatArray) -> FloatArray:
    """Return points (T, 18, 3) without places that nobody told.

    To the lifter unsure limbs below a face that is seen say that somebody stands with their back to the camera.
    """
    told = points.copy()
    told[points[..., 2] < VISIBLE_SCORE, 2] = 0.0
    return told


def _driven_weights(model: BodyModel) -> FloatArray:
    """Return how much each driven bone moves each vertex, float32 (V, D): other bones keep still against theirs."""
    driven = list(model.driven)
    collapse = torch.zeros(len(model.bones), len(driven))
    for bone in range(len(model.bones)):
        above = bone
        while above not in driven:
            above = model.parents[above]
        collapse[bone, driven.index(above)] = 1
    weights: FloatArray = (model.dense_skinning @ collapse).numpy().astype(np.float32)
    return weights
