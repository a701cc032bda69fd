"""What lies behind the person, frame by frame, in the output's size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from motionwarp.media.image import is_picture, read_image
from motionwarp.media.reader import open_video
from motionwarp.pipeline.driver_mask import Driver
from motionwarp.pipeline.driving import DrivingMotion
from motionwarp.pipeline.driving_plate import DriverRemover
from motionwarp.pipeline.driving_shadow import CastShadow
from motionwarp.pipeline.empty_place import EmptyPlace
from motionwarp.pipeline.layout import Fit, contain, cover, paste
from motionwarp.pipeline.options import BackgroundChoice, BackgroundKind
from motionwarp.pipeline.source import PreparedSource
from motionwarp.types import ByteArray, Frame, PoseTrack


class FrameBackground(ABC):
    """A background for every frame of the output; asked in order."""

    needs_driving = False
    shadow: CastShadow | None = None

    @abstractmethod
    def canvas(self, pts_seconds: float, driving: Frame | None) -> ByteArray:
        """Return a new picture to draw the person on, uint8 (H, W, 3).

        Parameters
        ----------
        pts_seconds : float
        driving : Frame or None
            The driving clip's frame at that time, if `needs_driving`.
        """

    def close(self) -> None:
        """Let go of open files; most backgrounds hold none."""
        return


class StillBackground(FrameBackground):
    """The same picture always."""

    def __init__(self, picture: ByteArray) -> None:
        self._picture = picture

    def canvas(self, pts_seconds: float, driving: Frame | None) -> ByteArray:
        """Return a copy of the picture; see `FrameBackground.canvas`."""
        return self._picture.copy()


class DrivingBackground(FrameBackground):
    """The driving clip without its people.

    Parameters
    ----------
    tracks : sequence of PoseTrack
        Of everybody who is taken out.
    place : EmptyPlace
        What is behind them.
    fit : Fit
        Where the clip lies in the frame.
    frame : (int, int)
        Width and height of the output.
    seed : int
    """

    needs_driving = True

    def __init__(
        self, tracks: Sequence[PoseTrack], place: EmptyPlace, fit: Fit, frame: tuple[int, int], seed: int
    ) -> None:
        self._tracks, self._fit, self._frame = tracks, fit, frame
        self._remover = DriverRemover(place, seed)
        self.shadow = place.shadow

    def canvas(self, pts_seconds: float, driving: Frame | None) -> ByteArray:
        """Return the driving frame with its people's places filled; see `FrameBackground.canvas`."""
        if driving is None:
            raise ValueError("a background of the driving clip needs its frame")
        index = driving.index
        people = [Driver(track.points[index]) for track in self._tracks if track.present[index]]
        return paste(self._remover.without(driving.rgb, index, people), self._fit, self._frame)


class ClipBackground(FrameBackground):
    """Another video, from its beginning, again and again if it is too short."""

    def __init__(self, path: Path, frame: tuple[int, int]) -> None:
        self._path, self._frame = path, frame
        self._frames = self._looped()
        self._shown, self._next = next(self._frames), next(self._frames)

    def canvas(self, pts_seconds: float, driving: Frame | None) -> ByteArray:
        """Return the frame that the video shows at the time; see `FrameBackground.canvas`."""
        while self._next.pts_seconds <= pts_seconds:
            self._shown, self._next = self._next, next(self._frames)
        rgb = self._shown.rgb
        return paste(rgb, cover((rgb.shape[1], rgb.shape[0]), self._frame), self._frame).copy()

    def close(self) -> None:
        """Close the video."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()

    def _looped(self) -> Iterator[Frame]:
        offset = 0.0
        while True:
            last = offset
            with open_video(self._path) as reader:
                usual = 1 / float(reader.info.frame_rate)
                for frame in reader:
                    last = offset + frame.pts_seconds
                    yield Frame(frame.rgb, last, frame.index)
            offset = last + usual


def make_background(
    choice: BackgroundChoice, source: PreparedSource, motion: DrivingMotion | None, frame: tuple[int, int], seed: int
) -> FrameBackground | None:
    """Make the background that was asked for.

    Parameters
    ----------
    choice : BackgroundChoice
    source : PreparedSource
        Asked for its plate only if that is shown.
    motion : DrivingMotion or None
        Of the clip that is shown; None where none is.
    frame : (int, int)
        Width and height of the output.
    seed : int

    Returns
    -------
    FrameBackground, or None for a transparent one
    """
    width, height = frame
    if choice.kind is BackgroundKind.TRANSPARENT:
        return None
    if choice.kind is BackgroundKind.SOURCE:
        return StillBackground(paste(source.plate, contain(source.size, frame), frame))
    if choice.kind is BackgroundKind.DRIVING:
        if motion is None or motion.plate is None:
            raise ValueError("a driving clip as background needs its motion, observed with its plate")
        fit = contain((motion.track.width, motion.track.height), frame)
        return DrivingBackground([motion.track], motion.plate, fit, frame, seed)
    if choice.kind is BackgroundKind.COLOR:
        return StillBackground(np.full((height, width, 3), choice.color, dtype=np.uint8))
    if choice.path is None:
        raise ValueError("a background from a file needs a path")
    if choice.path.is_file() and is_picture(choice.path):
        rgb = read_image(choice.path).rgb
        return StillBackground(paste(rgb, cover((rgb.shape[1], rgb.shape[0]), frame), frame))
    return ClipBackground(choice.path, frame)
