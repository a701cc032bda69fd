"""Repairing a track before anything is built on it: glitches of single frames put right, gaps filled, all of it told.

First left and right that were swapped for a moment, then points that jumped away and back, then gaps. Nothing crosses a
cut. While the person is outside of the picture the track stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.errors import NoPersonError
from motionwarp.pose.continuity import out_of_frame
from motionwarp.pose.gaps import GapFill, fill_shot
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.outliers import undo_jumps, undo_swaps
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.types import BoolArray, PoseTrack

_AWAY_TEXT: Final = "no person found in {frames}, who was at the edge of the picture: left empty"


@dataclass(frozen=True)
class FrameNote:
    """Something that was done to a range of frames.

    Attributes
    ----------
    first, last : int
        Frames, both included.
    text : str
        A sentence for people, which names the frames.
    """

    first: int
    last: int
    text: str


@dataclass(frozen=True)
class RepairSettings:
    """What counts as a gap or a glitch.

    Attributes
    ----------
    interpolate_seconds : float
        Gaps up to this long are filled in between; longer ones hold the last pose, unless the person has left the
        picture.
    undo_glitches : bool
        Put right swaps and jumps, not only gaps.
    """

    interpolate_seconds: float = 0.5
    undo_glitches: bool = True


@dataclass(frozen=True, eq=False)
class RepairResult:
    """A repaired track.

    Attributes
    ----------
    track : PoseTrack
        `present` is true for frames that were filled as well. Only shots in which nobody was found stay empty, and
        frames in which the person is outside of the picture.
    notes : tuple of FrameNote
        What was done, by first frame.
    found : bool (T,)
        Whether the person had been found in the frame.
    """

    track: PoseTrack
    notes: tuple[FrameNote, ...]
    found: BoolArray


def repair_track(track: PoseTrack, settings: RepairSettings | None = None) -> RepairResult:
    """Repair a track.

    Parameters
    ----------
    track : PoseTrack
    settings : RepairSettings, optional

    Returns
    -------
    RepairResult

    Raises
    ------
    NoPersonError
        If no frame shows anything of a person.
    """
    rules = settings or RepairSettings()
    points = track.points.copy()
    visible = (points[..., 2] >= VISIBLE_SCORE) & track.present[:, None]
    if not visible.any():
        raise NoPersonError("no person was found in any frame", remedy="Use a clip that shows a person")
    points[~track.present] = 0.0
    notes: list[FrameNote] = []
    for shot in track.shots():
        start, times = shot.start, track.times_seconds[shot]
        part = points[shot]
        if not visible[shot].any():
            part[:] = 0.0
            notes.append(_note(start, shot.stop - 1, "no person found in {frames}, a whole shot: left empty"))
            continue
        if rules.undo_glitches:
            for frame, what in undo_swaps(part, times):
                text = f"left and right {what} were swapped in {{frames}}: swapped back"
                notes.append(_note(start + frame, start + frame, text))
            for frame, indices in undo_jumps(part, times):
                text = f"{_names(indices)} jumped in {{frames}}: put back between the neighbors"
                notes.append(_note(start + frame, start + frame, text))
        away = out_of_frame(part, times, track.width, track.height, rules.interpolate_seconds)
        for fill in fill_shot(part, times, rules.interpolate_seconds):
            text = _AWAY_TEXT if not fill.points and away[fill.first] else _gap_text(fill)
            notes.append(_note(start + fill.first, start + fill.last, text))
        part[away] = 0.0
    present = (points[..., 2] > 0).any(axis=1)
    repaired = PoseTrack(points, np.asarray(present), track.times_seconds, track.width, track.height, track.cuts)
    notes.sort(key=lambda note: (note.first, note.last))
    return RepairResult(repaired, tuple(notes), np.asarray(visible.any(axis=1)))


def _gap_text(fill: GapFill) -> str:
    what = f"{_names(fill.points)} not seen" if fill.points else "no person found"
    done = {
        "interpolated": "filled in between",
        "held": "moved along with the bone before" if fill.points else "held the last pose",
        "held back": "moved along with the bone before" if fill.points else "used the first pose that follows",
        "dropped": "seen too rarely in the shot, left out",
    }
    return f"{what} in {{frames}}: {done[fill.action]}"


def _names(indices: tuple[int, ...]) -> str:
    return ", ".join(POINT_NAMES[index].replace("_", " ") for index in indices)


def _note(first: int, last: int, template: str) -> FrameNote:
    frames = f"frame {first}" if first == last else f"frames {first}-{last}"
    return FrameNote(first, last, template.format(frames=frames))
