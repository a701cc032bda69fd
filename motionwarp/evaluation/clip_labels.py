"""Where a clip's person is: labels from files beside the clip, or what an analyzer sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from motionwarp.data.ccp import read_gray
from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.options import Origin
from motionwarp.media.probe import VideoInfo, probe_video
from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.framing import Box, box_of_matte
from motionwarp.perception.matting import matte_in_frame
from motionwarp.pose.formats.pose_file import read_track
from motionwarp.pose.repair import repair_track
from motionwarp.types import ByteArray, FloatArray, Pose, PoseTrack

# a folder's and a file's rate only matter for smoothing where nothing tells them
_ASSUMED_RATE = 25.0


@dataclass(frozen=True)
class MatteFolder:
    """Mattes in a folder, one gray picture a frame: %05d.png, at any size of the frames' shape.

    Attributes
    ----------
    path : Path
    """

    path: Path

    def matte(self, index: int, height: int, width: int) -> FloatArray:
        """Return a frame's matte, float32 (height, width) in [0, 1].

        Raises
        ------
        MediaError
            If the frame has no readable matte.
        """
        mask = cv2.resize(read_gray(self._file(index)), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(mask, dtype=np.float32) / np.float32(255)

    def box(self, index: int, height: int, width: int) -> Box | None:
        """Return the box of a frame's coverage over one half in pixels of the frame, or None."""
        mask = read_gray(self._file(index))
        box = box_of_matte(mask.astype(np.float32), 127.5)
        if box is None:
            return None
        across, down = width / mask.shape[1], height / mask.shape[0]
        return box[0] * across, box[1] * down, box[2] * across, box[3] * down

    def has(self, index: int) -> bool:
        """Return whether a frame has a matte: folders may hold those of some frames only."""
        return self._file(index).is_file()

    def _file(self, index: int) -> Path:
        return self.path / f"{index:05d}.png"


@dataclass(frozen=True, eq=False)
class ClipLabels:
    """What is known of a clip's person.

    Attributes
    ----------
    truth : PoseTrack
        What results are measured by: the given points, or the analyzer's where none are given.
    inputs : PoseTrack
        What engines are driven by: as given, or as a transfer has them from the analyzer, its gaps filled.
    mattes : MatteFolder or None
        The given mattes.
    source_matte_given : bool
        Whether engines get the given matte of the source.
    facts : dict
        Where everything comes from, for the report.
    """

    truth: PoseTrack
    inputs: PoseTrack
    mattes: MatteFolder | None
    source_matte_given: bool
    details: dict[str, object]

    def truth_matte(self, index: int, rgb: ByteArray, estimator: Estimator) -> FloatArray:
        """Return the matte that the real frame is cut out with, float32 (H, W)."""
        if self.mattes is not None:
            return self.mattes.matte(index, *rgb.shape[:2])
        return matte_in_frame(rgb, estimator.analyze_picture(rgb, given_pose=Pose(self.truth.points[index])))

    def box(self, index: int) -> Box | None:
        """Return the box of a frame's given matte, or None where none is given."""
        return None if self.mattes is None else self.mattes.box(index, self.truth.height, self.truth.width)


def read_labels(clip: Path, folder: Path | None, poses: Origin, mattes: Origin, estimator: Estimator) -> ClipLabels:
    """Find a clip's labels, and let the analyzer follow its person where they are not there or not wanted.

    Parameters
    ----------
    clip : Path
    folder : Path or None
        With NAME.keypoints18.json and NAME.mattes/ for a clip NAME.mp4; None for the clip's own folder.
    poses, mattes : Origin
        What engines get. Results are measured by the given labels in any case, where there are any.
    estimator : Estimator
        The analyzer.

    Raises
    ------
    InputError
        If labels are asked for that are not there.
    NoPersonError
        If nobody is seen.
    """
    info = probe_video(clip)
    home = clip.parent if folder is None else folder
    pose_file, matte_folder = home / f"{clip.stem}.keypoints18.json", home / f"{clip.stem}.mattes"
    has_poses, has_mattes = pose_file.is_file(), matte_folder.is_dir()
    for wanted, there, path in ((poses, has_poses, pose_file), (mattes, has_mattes, matte_folder)):
        if wanted is Origin.GIVEN and not there:
            raise InputError(
                "there are no such labels", subject=path, remedy="Give their folder, or let the analyzer see"
            )
    rate = float(info.frame_rate or _ASSUMED_RATE)
    given = read_track(pose_file, width=info.width, height=info.height, fps=rate) if has_poses else None
    seen = None if given is not None and poses is not Origin.ANALYZER else _seen_track(clip, info, estimator)
    truth = given if given is not None else seen
    inputs = seen if seen is not None else given
    assert truth is not None
    assert inputs is not None
    if len(truth) != len(inputs):
        raise InputError(
            f"its labels are for {len(truth)} frames, but it has {len(inputs)}",
            subject=clip,
            remedy="Give the clip's own labels",
        )
    source_matte_given = has_mattes and mattes is not Origin.ANALYZER
    details: dict[str, object] = {
        "poses": "analyser" if seen is not None else "given",
        "source_matte": "given" if source_matte_given else "analyser",
        "true_poses": "given" if has_poses else "analyser",
        "true_mattes": "given" if has_mattes else "analyser",
    }
    return ClipLabels(truth, inputs, MatteFolder(matte_folder) if has_mattes else None, source_matte_given, details)


def _seen_track(clip: Path, info: VideoInfo, estimator: Estimator) -> PoseTrack:
    """Follow the clip's largest person and fill the gaps, as a transfer does."""
    points, times = [], []
    with open_video(clip) as reader:
        for observation in estimator.follow(reader):
            person = observation.person
            points.append(np.zeros((18, 3), np.float32) if person is None else person.pose.points)
            times.append(observation.frame.pts_seconds)
    stacked = np.stack(points)
    present = np.asarray((stacked[..., 2] > 0).any(axis=1))
    try:
        return repair_track(PoseTrack(stacked, present, np.array(times), info.width, info.height)).track
    except NoPersonError as error:
        raise NoPersonError(error.problem, subject=clip, remedy=error.remedy) from error
