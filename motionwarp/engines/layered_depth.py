"""What lies in front of what, told from points in the plane: continuous scores, so that they can be smoothed over time.

Seen from the front, arms are before the torso; from the back, behind it; from the side, the near one before and the far one
behind it. An arm whose elbow and wrist are hardly seen is behind the body. The scores saturate, so a low-pass filter over time lets
the majority of a moment decide, and between two orders the layers are faded rather than swapped.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from motionwarp.engines.layered_skeleton import BodyPoints
from motionwarp.pose import skeleton

DEPTH_COUNT: Final = 3
RIGHT_ARM_FRONT, LEFT_ARM_FRONT, RIGHT_LEG_FRONT = range(DEPTH_COUNT)

_FRONTAL_WIDTH: Final = 0.55  # of the shoulders, in torsos, seen from the front
_NOSE_OUT: Final = 0.3  # torsos by which the nose stands out before the neck in profile
_CLEARLY_SEEN: Final = 0.4  # scores of elbow and wrist beyond which they say nothing of depth
_FADE: Final = 0.25  # scores between which one order fades into the other


def depth_scores(target: BodyPoints, point_scores: Tensor) -> Tensor:
    """Return for each frame how far arms are before the torso, and the right leg before the left one.

    Parameters
    ----------
    target : BodyPoints
        Of B poses.
    point_scores : float32 tensor (B, 18)

    Returns
    -------
    float32 tensor (B, 3)
        In [-1, 1]; positive is in front. Order: right arm, left arm, right leg.
    """
    xy = target.xy
    shoulders = xy[:, skeleton.LEFT_SHOULDER, 0] - xy[:, skeleton.RIGHT_SHOULDER, 0]
    facing = (shoulders / (_FRONTAL_WIDTH * target.torso)).clamp(-1, 1)  # 1: to the camera
    nose_seen = target.seen[:, skeleton.NOSE]
    nose = (xy[:, skeleton.NOSE, 0] - xy[:, skeleton.NECK, 0]) / (_NOSE_OUT * target.torso)
    # looking to the picture's right shows the right side; it only counts as far as the body is turned too
    right_near = torch.where(nose_seen, nose.clamp(-1, 1), torch.zeros_like(nose)) * (1 - facing.abs())
    arms = []
    for side, elbow, wrist in (
        (1.0, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
        (-1.0, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
    ):
        seen = (torch.minimum(point_scores[:, elbow], point_scores[:, wrist]) / _CLEARLY_SEEN).clamp(0, 1)
        arms.append(0.5 + 0.9 * facing + 1.6 * side * right_near - 1.6 * (1 - seen))
    # of two standing legs, the lower ankle is nearer to a camera above the ground
    lower = (xy[:, skeleton.RIGHT_ANKLE, 1] - xy[:, skeleton.LEFT_ANKLE, 1]) / target.torso
    legs = 1.5 * right_near + lower.clamp(-0.5, 0.5)
    return torch.stack([*arms, legs], dim=-1).mul(1.5).tanh()


def share_in_front(score: float) -> float:
    """Return how much of a layer is drawn in front, 0..1, the rest being behind."""
    value = min(max(0.5 + 0.5 * score / _FADE, 0.0), 1.0)
    return value * value * (3 - 2 * value)
