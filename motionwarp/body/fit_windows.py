"""Long clips in windows that are fitted for themselves: what a moment is, a second away hardly matters.

Neighboring windows share some frames, over which one solution goes over into the other, so that nothing jumps where
they meet. Time and memory of fitting grow with a window's length, not with the clip's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.fit_problem import FitState
from motionwarp.body.rotations import matrix_from_6d, sixd_from_matrix

_LENGTH: Final = 96  # frames of a window's own, at most
_SHARED: Final = 8  # frames on either side of where two windows meet that both are fitted to


@dataclass(frozen=True, eq=False)
class FitWindow:
    """Frames that are fitted together.

    Attributes
    ----------
    frames : slice
    share : float64 tensor (n,)
        Of each of them, by how much this window tells its pose; 1 together with the window beside it.
    """

    frames: slice
    share: Tensor


def fit_windows(count: int) -> list[FitWindow]:
    """Return windows that hold all of so many frames, in order and of about one length."""
    number = -(-count // _LENGTH)
    edges = [round(each * count / number) for each in range(number + 1)]
    windows = []
    for own, after in pairwise(edges):
        frames = slice(max(own - _SHARED, 0), min(after + _SHARED, count))
        place = torch.arange(frames.start, frames.stop, dtype=torch.float64) + 0.5
        share = torch.ones(len(place), dtype=torch.float64)
        if own > 0:
            share = share.minimum(0.5 + (place - own) / (2 * _SHARED))
        if after < count:
            share = share.minimum(0.5 - (place - after) / (2 * _SHARED))
        windows.append(FitWindow(frames, share))
    return windows


def joined_states(windows: Sequence[FitWindow], states: Sequence[FitState]) -> FitState:
    """Return the poses of all frames; where windows share frames, the mean of theirs."""
    count = windows[-1].frames.stop
    first = states[0]
    sixd = torch.zeros(count, *first.turns.shape[1:2], 6, dtype=first.turns.dtype)
    log_scale, shift = torch.zeros(count, dtype=first.turns.dtype), torch.zeros(count, 2, dtype=first.turns.dtype)
    for window, state in zip(windows, states, strict=True):
        sixd[window.frames] += window.share[:, None, None] * sixd_from_matrix(state.turns)
        log_scale[window.frames] += window.share * state.log_scale
        shift[window.frames] += window.share[:, None] * state.shift
    return FitState(matrix_from_6d(sixd), log_scale, shift, first.z)
