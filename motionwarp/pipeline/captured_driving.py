"""Motion capture as a driving clip: read instead of watched, and drawn where a driving clip's pictures are shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyTrack
from motionwarp.body.fitting import LEAST_POINTS
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.mannequin import Mannequin, studio
from motionwarp.body.model import BodyModel
from motionwarp.body.performing import CameraPath, Performance, perform, standing
from motionwarp.body.rig import PointRig
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.engines.base import Engine, Motion, Staging
from motionwarp.errors import MediaError, NoPersonError, OptionError
from motionwarp.media.probe import VideoInfo
from motionwarp.motions.files import is_motion_file, read_motion
from motionwarp.pipeline.options import BackgroundKind, CameraOptions, TransferOptions
from motionwarp.types import ByteArray, Frame, PoseTrack, SourcePerson

CONTAINER: Final = "motion capture"
"""What `VideoInfo.container` says of motion capture."""

FRAME_SIZE: Final = (768, 1024)
"""Width and height of the pictures in which motion capture is drawn."""

_MOST_RATE: Final = 30
_LARGEST_DENOMINATOR: Final = 1001
_GROWN_UP: Final = {"age": 0.7}


def is_captured(path: Path) -> bool:
    """Tell whether a path is a file of motion capture: BVH, or a motion of a library."""
    return is_motion_file(path)


def shown_rate(frame_rate: float) -> Fraction:
    """Return the frames a second that motion capture is shown at: its own, or a part of it that is at most 30."""
    rate = frame_rate / max(1, math.ceil(frame_rate / _MOST_RATE - 1e-3))
    # frame times are written with few digits
    return Fraction(rate).limit_denominator(_LARGEST_DENOMINATOR)


def read_captured(path: Path, options: TransferOptions) -> tuple[BodyMotion, VideoInfo]:
    """Read the section of a file of motion capture that is asked for.

    Returns
    -------
    motion : BodyMotion
        Of the section.
    info : VideoInfo
        As a clip of that motion would tell of itself; of the whole file.

    Raises
    ------
    PoseFileError, LimitError, WeightsError
        If the file is at fault.
    OptionError
        If an option needs the pictures of a driving clip.
    MediaError
        If the section begins after the end.
    """
    _refuse_unfit(path, options)
    motion = read_motion(path)
    rate = shown_rate(motion.frame_rate)
    duration = motion.duration_seconds
    info = VideoInfo(
        path,
        *FRAME_SIZE,
        frame_rate=rate,
        time_base=1 / (rate * 16),
        duration_seconds=duration,
        frame_count=max(round(duration * float(rate)), 1),
        has_audio=False,
        has_alpha=False,
        codec=CONTAINER,
        pixel_format="",
        container=CONTAINER,
    )
    if options.start is None and options.end is None:
        return motion, info
    try:
        return motion.section(options.start or 0.0, math.inf if options.end is None else options.end), info
    except ValueError as error:
        raise MediaError(
            f"it ends after {duration:.2f} seconds, before the start that was asked for",
            subject=path,
            remedy=f"Give a `start` below {duration:.2f}",
        ) from error


def _refuse_unfit(path: Path, options: TransferOptions) -> None:
    """Refuse options that need a driving clip's pictures."""
    whole = BackgroundKind.DRIVING
    unfit = (
        ("cast", bool(options.cast), "is of one person"),
        ("background", options.background_choice.kind is whole, "has no pictures to put behind the person"),
        ("placement", options.placement_choice != "source", "has no picture in which the driving person stands"),
        ("rotate", options.rotate not in ("0", "auto"), "has no pictures to turn; it stands upright by itself"),
        ("driving_poses", options.driving_poses is not None, "holds the motion itself, and needs no points"),
        ("driving_person", options.driving_person not in (None, "largest"), "is of one person"),
        ("retarget", not options.retarget, "turns the bones of the source's own body, so that there is no other way"),
    )
    for name, refused, problem in unfit:
        if refused:
            raise OptionError(
                f"{path} is motion capture and {problem}",
                values={name: getattr(options, name)},
                remedy="Leave the option out, or use a video as DRIVING",
            )


def camera_path(options: CameraOptions, times_seconds: npt.NDArray[np.float64], end_seconds: float) -> CameraPath:
    """Return from where the frames of a clip are seen.

    Parameters
    ----------
    options : CameraOptions
    times_seconds : float64 (T,)
        Of the frames, from the start of the section.
    end_seconds : float
        When the last one's turn is over: a camera that goes round is back by then, so that the clip can be repeated.
    """
    first = float(times_seconds[0])
    share = (times_seconds - first) / max(end_seconds - first, 1e-9)
    return CameraPath(times_seconds, options.view + options.orbit * share)


@dataclass(frozen=True, eq=False)
class CapturedClip:
    """Motion capture as pictures of a body in it.

    Attributes
    ----------
    motion : BodyMotion
        Of the section.
    options : CameraOptions
        From where it is seen, and how far the body goes.
    """

    motion: BodyMotion
    options: CameraOptions

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second."""
        return shown_rate(self.motion.frame_rate)

    @property
    def end_seconds(self) -> float:
        """When the last frame's turn is over."""
        return max(self.motion.duration_seconds, 1 / float(self.frame_rate))

    @cached_property
    def times_seconds(self) -> npt.NDArray[np.float64]:
        """When the frames are shown, (T,)."""
        rate = float(self.frame_rate)
        count = max(math.ceil(self.motion.duration_seconds * rate - 1e-3), 1)
        return np.arange(count, dtype=np.float64) / rate

    @cached_property
    def model(self) -> BodyModel:
        """The body model."""
        return BodyModel.load()

    @cached_property
    def _body(self) -> tuple[Mannequin, float, ByteArray, Performance]:
        with torch.inference_mode():
            model = self.model
            shape = model.shape(_GROWN_UP)
            stand = standing(model, shape, *FRAME_SIZE)
            path = camera_path(self.options, self.times_seconds, self.end_seconds)
            performance = perform(stand, self.motion, path, self.options.travel)
        return Mannequin(model, shape), stand.ground, studio(*FRAME_SIZE, stand.ground), performance

    def track(self) -> PoseTrack:
        """Return the points of a grown-up body of usual build, in pixels of `FRAME_SIZE`."""
        points = self._body[3].points
        return PoseTrack(points, np.ones(len(points), dtype=np.bool_), self.times_seconds, *FRAME_SIZE)

    def body(self) -> BodyTrack:
        """Return that body in space."""
        coefficients = self.model.coefficients(_GROWN_UP)
        performance = self._body[3]
        rig = PointRig.of(self.model, self.model.shape_of(coefficients))
        return BodyTrack.of_turns(rig, performance.turns, performance.camera, coefficients)

    def picture(self, number: int) -> ByteArray:
        """Return a frame, uint8 (H, W, 3)."""
        mannequin, ground, canvas, performance = self._body
        return mannequin.drawn(performance.turns[number], performance.camera[number], canvas, ground)

    def frames(self, numbers: Sequence[int]) -> Iterator[Frame]:
        """Yield frames by their numbers."""
        for number in numbers:
            yield Frame(self.picture(number), float(self.times_seconds[number]), number)


def performed(engine: Engine, person: SourcePerson, motion: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
    """Let the source person move as captured.

    Parameters
    ----------
    engine : Engine
        Prepared.
    person : SourcePerson
        With whom it was prepared; a body is fitted to them if the engine has none.
    motion : BodyMotion
    staging : Staging

    Returns
    -------
    motion : Motion
        With the body's rotations where the engine has a body, else the points alone, which show how far it is turned.
    is_on_the_spot : bool
        Whether the way that the capture goes was left out.

    Raises
    ------
    NoPersonError
        If the source's points are too few for a body.
    """
    if engine.has_body:
        return engine.perform(motion, staging)
    if np.count_nonzero(person.pose.points[:, 2] >= LEAST_SCORE) < LEAST_POINTS:
        raise NoPersonError(
            f"the source shows fewer than {LEAST_POINTS} of the 18 points, too few for a body",
            remedy="Use a picture that shows more of the person, or give better points",
        )
    made = SourceBody.of_photo(person.pose.points).perform(motion, staging)
    return Motion(made.points), made.is_on_the_spot
