"""People in three dimensions through a clip, or in a photo: joints, rotations, camera and facing from 18 points.

A track is lifted as a whole, then bodies of one shape are fitted to its points. Frames without the person, and cuts,
end what is fitted together; so do a few hundred frames, so that memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.body.facing import FacingTrack
from motionwarp.body.fitting import LEAST_POINTS, BodyFit, BodyFitter, FitSettings, Guess
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.lifting import LiftedTrack, TrackLifter, facing_degrees
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import PointRig, local_turns, world_turns
from motionwarp.body.rotations import matrix_from_6d, sixd_from_matrix
from motionwarp.types import POINT_COUNT, BoolArray, Facing, FloatArray, PoseTrack

_SHAPE_FRAMES: Final = 60  # spread over a piece, that a clip's shape is fitted to
_MOSTLY: Final = 0.5
_NOMINAL_RATE: Final = 30.0  # frames a second of what fits are set for
_RATE_FACTORS: Final = (0.5, 8.0)
_OPTIMISM: Final = 2.0  # the lifter errs by so many times its spread on an estimator's points: on rendered pictures
_LEAST_TURN: Final = 15.0  # degrees by which tellers of facings contradict each other
_UPRIGHT: Final = 0.7  # cosine of a trunk with the picture's vertical: of who lies no facing is told
_TRIED_FRAMES: Final = 12
_SLOW_FRAMES: Final = 6
_ROOT: Final = DRIVEN_BONES.index("root")


@dataclass(frozen=True, eq=False)
class BodyTrack:
    """One person in three dimensions, over T frames.

    Axes are those of the picture: x to the right, y down, z away from the camera; lengths are meters. A photo tells no
    absolute size: statures are as usual as the proportions allow.

    Attributes
    ----------
    present : bool (T,)
        Where there is a body; elsewhere all else is zero.
    joints : float32 (T, 18, 3)
        The 18 points in space; the root, the middle of the hips, lies at the origin.
    rotations : float32 (T, D, 6)
        How the driven bones (`layout.DRIVEN_BONES`) are turned against the bone above, 6D (Zhou et al. 2019); the
        first, the root's, is against the camera.
    camera : float32 (T, 3)
        Weak perspective: pixels for a meter, and where the root lies in the picture.
    facing : FacingTrack
    coefficients : float32 (K,)
        Of the one shape.
    """

    present: BoolArray
    joints: FloatArray
    rotations: FloatArray
    camera: FloatArray
    facing: FacingTrack
    coefficients: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "present", np.asarray(self.present, dtype=np.bool_))
        for name in ("joints", "rotations", "camera", "coefficients"):
            values = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            object.__setattr__(self, name, values)
            if not np.isfinite(values).all():
                raise ValueError(f"BodyTrack has {name} that are not finite")
        count = len(self.present)
        shapes = (self.joints.shape, self.rotations.shape, self.camera.shape)
        if (
            shapes != ((count, POINT_COUNT, 3), (count, len(DRIVEN_BONES), 6), (count, 3))
            or len(self.facing) != count
            or self.coefficients.ndim != 1
        ):
            raise ValueError(
                f"BodyTrack of {count} frames has joints, rotations and camera of {shapes}, facing of "
                f"{len(self.facing)} frames, coefficients {self.coefficients.shape}"
            )

    @classmethod
    def of_turns(
        cls, rig: PointRig, turns: Tensor, camera: Tensor, coefficients: Tensor, present: BoolArray | None = None
    ) -> BodyTrack:
        """Return a body whose motion is known, so that its facing is certain.

        Parameters
        ----------
        rig : PointRig
            Of the shape.
        turns : float tensor (T, D, 3, 3)
            Of the driven bones against the camera.
        camera : float tensor (T, 3)
            Pixels for a meter, and where the root is.
        coefficients : float tensor (K,)
            Of the shape.
        present : bool (T,), optional
            Where there is a body; everywhere by default.
        """
        present = np.ones(len(turns), dtype=np.bool_) if present is None else present
        here = torch.from_numpy(present)
        degrees = torch.where(here, facing_degrees(turns[:, _ROOT]), 0.0)
        return cls(
            present,
            torch.where(here[:, None, None], rig.points(turns), 0.0).numpy(),
            torch.where(here[:, None, None], sixd_from_matrix(local_turns(turns)), 0.0).numpy(),
            torch.where(here[:, None], camera, 0.0).numpy(),
            FacingTrack(degrees.numpy(), here.float().numpy()),
            coefficients.numpy(),
        )

    def __len__(self) -> int:
        return len(self.present)

    def turns(self) -> Tensor:
        """Return the driven bones' turns against the camera, float tensor (T, D, 3, 3); identity where nobody is."""
        six = torch.from_numpy(self.rotations.copy())
        six[~torch.from_numpy(self.present)] = torch.tensor([1.0, 0, 0, 0, 1.0, 0])
        return world_turns(matrix_from_6d(six))

    def vertices(self, body: BodyModel, frame: int) -> FloatArray:
        """Return the body's surface in one frame, float32 (V, 3): pixels, and depth in pixels from the root's.

        Raises
        ------
        ValueError
            If nobody is there.
        """
        if not self.present[frame]:
            raise ValueError(f"nobody is in frame {frame}")
        shape = body.shape_of(torch.from_numpy(self.coefficients))
        posed = body.pose(shape, body.expand(local_turns(self.turns()[frame])))
        scale, *shift = (float(value) for value in self.camera[frame])
        placed = body.skin(shape, posed).numpy() * np.float32(scale)
        placed[:, :2] += np.array(shift, dtype=np.float32)
        return np.ascontiguousarray(placed, dtype=np.float32)


class BodyReader:
    """Reads people's bodies from their points.

    Parameters
    ----------
    body : BodyModel
    lifter : TrackLifter
    """

    def __init__(self, body: BodyModel, lifter: TrackLifter) -> None:
        self.body, self.lifter = body, lifter
        self.fitter = BodyFitter(body)

    @classmethod
    def load(cls, lifter: str | Path = "lifter", *, device: torch.device | str = "cpu") -> BodyReader:
        """Read the body model that ships, and a lifter: a registered name or a file.

        Raises
        ------
        WeightsError
            If one of them is missing, damaged, or of another version.
        """
        return cls(BodyModel.load(), TrackLifter.load(lifter, device=device))

    def facing(self, track: PoseTrack, seen: Sequence[Facing | None] = ()) -> FacingTrack:
        """Return which way the person faces, from the lifter and from who saw the person.

        Parameters
        ----------
        track : PoseTrack
        seen : sequence of Facing or None
            What an estimator says of each frame; empty if it says nothing.
        """
        lifted = [(frames, self.lifter.lift(points)) for frames, points in _pieces(track)]
        return _facing(lifted, len(track), seen)

    def read(
        self, track: PoseTrack, seen: Sequence[Facing | None] = (), settings: FitSettings | None = None
    ) -> BodyTrack:
        """Fit bodies of one shape to a whole track.

        Parameters
        ----------
        track : PoseTrack
            In pixels; a photo's has one frame.
        seen : sequence of Facing or None
            As for `facing`.
        settings : FitSettings, optional
            For 30 frames a second; at other rates bones may turn more or less from frame to frame.

        Returns
        -------
        BodyTrack
            Without a body where fewer than four points were found; nowhere if that is so in all frames.
        """
        count = len(track)
        settings = _at_rate_of(track, FitSettings() if settings is None else settings)
        present = np.zeros(count, dtype=np.bool_)
        joints = np.zeros((count, POINT_COUNT, 3), dtype=np.float32)
        rotations = np.zeros((count, len(DRIVEN_BONES), 6), dtype=np.float32)
        camera = np.zeros((count, 3), dtype=np.float32)
        lifted = [(frames, points, self.lifter.lift(points)) for frames, points in _pieces(track)]
        facing = _facing([(frames, lift) for frames, _, lift in lifted], count, seen)
        lifted = [
            (frames, points, self._faced(points, lift, seen[frames], settings) if len(seen) else lift)
            for frames, points, lift in lifted
        ]
        start = self._shape_fit([(points, lift.guess()) for _, points, lift in lifted], settings)
        coefficients = np.zeros(len(self.body.basis), dtype=np.float32)
        if start is not None:
            rig = PointRig.of(self.body, start.shape(self.body))
            coefficients = start.coefficients.numpy()
            for frames, points, lift in lifted:
                fit = self.fitter.fit(points, lift.guess(), settings, start)
                present[frames] = True
                joints[frames] = rig.points(fit.turns).numpy()
                rotations[frames] = sixd_from_matrix(local_turns(fit.turns)).numpy()
                camera[frames] = torch.cat([fit.camera.scale[:, None], fit.camera.shift], dim=1).numpy()
        return BodyTrack(present, joints, rotations, camera, facing, coefficients)

    def _faced(
        self, points: Tensor, lifted: LiftedTrack, seen: Sequence[Facing | None], settings: FitSettings
    ) -> LiftedTrack:
        """Return a piece's lift, turned to where all tellers together say that the person faces, if the points agree.

        Of people who are upright two bodies are tried, as lifted and turned, by some frames spread over the piece: what
        the fit leaves of points and habits, and how unlikely either facing is.
        """
        told, other = _calibrated(lifted), FacingTrack.of_seen(seen)
        upright = lifted.turns[:, _ROOT, 1, 1].numpy() > _UPRIGHT
        by = np.where(upright, _even_turn(told, told.joined(other)), np.float32(0))
        if float(np.abs(by).mean()) < _LEAST_TURN:
            return lifted
        turned = lifted.turned(torch.from_numpy(by))
        some = np.unique(np.linspace(0, len(points) - 1, _TRIED_FRAMES).round().astype(int))
        costs = []
        for each in (lifted, turned):
            guess = Guess(each.turns[some], each.spread[some])
            degrees = each.facing.numpy()
            unlikely = told.disagreement(degrees) + other.disagreement(degrees)
            fit = self.fitter.fit(points[some], guess, replace(settings, apart=True))
            costs.append(fit.cost + 2 * float(unlikely[some].sum()))
        return turned if costs[1] < costs[0] else lifted

    def _shape_fit(self, pieces: list[tuple[Tensor, Guess]], settings: FitSettings) -> BodyFit | None:
        """Fit the shape to the piece that shows most, or None where nothing can be fitted to."""
        if not pieces:
            return None
        points, guess = max(pieces, key=lambda piece: float(piece[0][..., 2].sum()))
        some = np.unique(np.linspace(0, len(points) - 1, _SHAPE_FRAMES).round().astype(int))
        apart = len(points) / len(some)
        looser = replace(
            settings,
            turn_rate=settings.turn_rate * apart,
            scale_rate=settings.scale_rate * apart,
            frames_alike=max(settings.frames_alike / apart, 1.0),
        )
        return self.fitter.fit(points[some], Guess(guess.turns[some], guess.spread[some]), looser)


def _facing(lifted: Sequence[tuple[slice, LiftedTrack]], count: int, seen: Sequence[Facing | None]) -> FacingTrack:
    found = FacingTrack.unknown(count)
    for frames, lift in lifted:
        told = _calibrated(lift) if len(seen) else facing_of(lift)
        found.degrees[frames], found.certainty[frames] = told.degrees, told.certainty
    return found.joined(FacingTrack.of_seen(seen)) if len(seen) else found


def facing_of(lifted: LiftedTrack) -> FacingTrack:
    """Return which way a lifted person faces, by the root's expected error."""
    return FacingTrack.of_spread(lifted.facing.numpy(), lifted.spread[:, _ROOT].numpy())


def _calibrated(lifted: LiftedTrack) -> FacingTrack:
    """Return a lifted person's facing with the certainty that it has on points which an estimator found."""
    return FacingTrack.of_spread(lifted.facing.numpy(), (_OPTIMISM * lifted.spread[:, _ROOT]).numpy())


def _even_turn(told: FacingTrack, wanted: FacingTrack) -> FloatArray:
    """Return by how many degrees facings are turned to others, (T,), changing slowly over time."""
    ways = np.exp(1j * np.radians((wanted.degrees - told.degrees).astype(np.float64))) * wanted.certainty
    window = np.exp(-0.5 * (np.arange(-3 * _SLOW_FRAMES, 3 * _SLOW_FRAMES + 1) / _SLOW_FRAMES) ** 2)
    smooth = np.convolve(ways, window)[3 * _SLOW_FRAMES : len(ways) + 3 * _SLOW_FRAMES]
    return np.asarray(np.degrees(np.angle(smooth)), dtype=np.float32)


def is_facing_told(lifted: LiftedTrack) -> bool:
    """Return whether it can be told in at least half of the frames which way a lifted person faces."""
    return float(facing_of(lifted).told.mean()) >= _MOSTLY


def _at_rate_of(track: PoseTrack, settings: FitSettings) -> FitSettings:
    """Return the settings for a track's frame rate: what turns quickly turns further between frames that are apart."""
    if len(track) < 2:
        return settings
    step = float(np.median(np.diff(track.times_seconds)))
    factor = float(np.clip(step * _NOMINAL_RATE, *_RATE_FACTORS))
    return replace(settings, turn_rate=settings.turn_rate * factor, scale_rate=settings.scale_rate * factor)


def _pieces(track: PoseTrack) -> Iterator[tuple[slice, Tensor]]:
    """Yield the runs of frames within shots in which enough points are found, and their points (T, 18, 3)."""
    enough = track.present & (np.count_nonzero(track.points[..., 2] >= LEAST_SCORE, axis=1) >= LEAST_POINTS)
    for shot in track.shots():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], enough[shot].astype(np.int8), [0]])))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            frames = slice(shot.start + int(first), shot.start + int(last))
            yield frames, torch.from_numpy(track.points[frames].copy())


def picture_track(points: FloatArray, width: int, height: int) -> PoseTrack:
    """Return the points (18, 3) of a person in one picture as a track of one frame."""
    return PoseTrack(points[None], np.ones(1, dtype=np.bool_), np.zeros(1), width, height)
