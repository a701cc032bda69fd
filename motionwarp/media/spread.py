"""A few frames spread over a clip, to get an idea of it without decoding all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from motionwarp.media.reader import open_video
from motionwarp.media.turned_reader import turned
from motionwarp.types import Frame

# sections up to this long are decoded in whole: going to a place means decoding from the key frame before it
_SHORT_SECONDS: Final = 12.0


def spread_frames(
    path: str | os.PathLike[str],
    *,
    most: int,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    rotate_degrees: int = 0,
) -> Iterator[Frame]:
    """Yield frames that are evenly spread over a section of a clip.

    Parameters
    ----------
    path : str or path
        As for `open_video`.
    most : int
        How many frames, at least 1: about one a second, and no more than these.
    start_seconds, end_seconds : float or None
        The section.
    rotate_degrees : int
        Clockwise turn of the frames.

    Yields
    ------
    Frame
        In order; time and index (0 where it is not known) count from the section's start.

    Raises
    ------
    MediaError, LimitError, OptionError
        As for `open_video`.
    """
    if most < 1:
        raise ValueError(f"spread_frames needs at least one frame, got {most}")
    with open_video(path, start_seconds=start_seconds, end_seconds=end_seconds) as reader:
        info, begin = reader.info, start_seconds or 0.0
    ends = [end for end in (info.duration_seconds, end_seconds) if end is not None]
    length = min(ends) - begin if ends else None
    if length is None or length <= _SHORT_SECONDS or info.is_still:
        wanted = most if length is None else min(max(round(length), 3), most)
        expected = most if length is None else max(round(length * float(info.frame_rate)), 1)
        step = -(-expected // wanted)
        yield from _one_of(path, step, most, (start_seconds, end_seconds), rotate_degrees)
        return
    count = min(round(length), most)
    for number in range(count):
        # the middles of as many parts, so that a black first frame or a fade at the end do not count
        time = begin + (number + 0.5) * length / count
        with turned(open_video(path, start_seconds=time, end_seconds=end_seconds), rotate_degrees) as reader:
            for frame in reader:
                yield replace(frame, pts_seconds=frame.pts_seconds + time - begin, index=0)
                break


def _one_of(
    path: str | os.PathLike[str], step: int, most: int, section: tuple[float | None, float | None], degrees: int
) -> Iterator[Frame]:
    start, end = section
    with turned(open_video(path, start_seconds=start, end_seconds=end, whole_every=step), degrees) as reader:
        taken = 0
        for frame in reader:
            if frame.index % step == 0:
                yield frame
                taken += 1
                if taken == most:
                    return
