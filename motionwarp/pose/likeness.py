"""Which frames of a clip show its person as a picture shows another: like frames tell size and place without a bias.

The longest views that a clip has of a bone are longer than a single picture's one, even of the same person, so that who
is measured by them comes out small. Trunks that are seen alike are foreshortened alike: their sizes can be compared.
Ours; shapes are compared after Procrustes, without turning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import TREE, VISIBLE_SCORE, with_mid_hip
from motionwarp.types import BoolArray, FloatArray

DoubleArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_TRUNK: Final = (
    sk.NOSE, sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.RIGHT_HIP, sk.LEFT_HIP, sk.RIGHT_EYE, sk.LEFT_EYE,
    sk.RIGHT_EAR, sk.LEFT_EAR,
)  # fmt: skip
_LEAST_POINTS: Final = 5
_AS_LIKE: Final = 1.5  # times the least difference that still counts as alike
_NOISE: Final = 0.004  # and so much more
# differences up to which trunks are told to be alike, and from which on they say nothing of size
_ALIKE, _UNLIKE = 0.1, 0.3
# the same of whole poses, for the place
_SAME, _OTHER = 0.04, 0.1


@dataclass(frozen=True, eq=False)
class LikeFrames:
    """What like frames say.

    Attributes
    ----------
    alike : bool (T,)
        Frames that show the trunk most as the picture does.
    alike_share : float
        How much their sizes count, in [0, 1].
    same : bool (T,)
        Frames that show the whole pose most as the picture does.
    same_share : float
        How much their sizes and places count, in [0, 1]: 1 where the clip shows that very pose.
    """

    alike: BoolArray
    alike_share: float
    same: BoolArray
    same_share: float


def like_frames(points: FloatArray, picture: FloatArray) -> LikeFrames | None:
    """Compare the frames of a shot with a picture.

    Parameters
    ----------
    points : float32 (T, 18, 3)
    picture : float32 (18, 3)

    Returns
    -------
    LikeFrames or None
        None where no frame shows enough of what the picture shows of the trunk.
    """
    trunk = list(_TRUNK)
    apart = _shapes_apart(points[:, trunk], picture[trunk])
    if not np.isfinite(apart).any():
        return None
    whole = _shapes_apart(points, picture)
    return LikeFrames(*_least(apart, _ALIKE, _UNLIKE), *_least(whole, _SAME, _OTHER))


def ratios_in(points: FloatArray, picture: FloatArray) -> dict[str, float]:
    """Return how long each kind of bone is in a picture over how long frames show it; kinds not seen are left out.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        Frames that show the person as the picture does.
    picture : float32 (18, 3)
    """
    theirs, own = with_mid_hip(points), with_mid_hip(picture[None])[0]
    lengths: dict[str, list[tuple[float, float]]] = {}
    for bone in TREE:
        ends = [bone.parent, bone.child]
        seen = (theirs[:, ends, 2] >= VISIBLE_SCORE).all(axis=1)
        if not seen.any() or own[ends, 2].min() < VISIBLE_SCORE:
            continue
        steps = theirs[seen, bone.child, :2] - theirs[seen, bone.parent, :2]
        length = float(np.linalg.norm(own[bone.child, :2] - own[bone.parent, :2]))
        lengths.setdefault(bone.kind, []).append((length, float(np.median(np.linalg.norm(steps, axis=1)))))
    sums = {kind: np.sum(pairs, axis=0) for kind, pairs in lengths.items()}
    return {kind: float(sums[kind][0] / sums[kind][1]) for kind in sums if sums[kind].min() > 1}


def _least(apart: DoubleArray, near: float, far: float) -> tuple[BoolArray, float]:
    """Return which frames differ least, and how much that says."""
    least = float(np.nanmin(apart))
    return np.asarray(apart <= _AS_LIKE * least + _NOISE), _share(least, near, far)


def _share(apart: float, near: float, far: float) -> float:
    return float(np.clip((far - apart) / (far - near), 0, 1))


def _shapes_apart(points: FloatArray, picture: FloatArray) -> DoubleArray:
    """Return how much the shapes of frames and of a picture differ, (T,); NaN where too few points are seen in both.

    Shapes are the points seen in both, about their middle, in units of their spread.
    """
    seen = (points[..., 2] >= VISIBLE_SCORE) & (picture[:, 2] >= VISIBLE_SCORE)
    weight = seen[..., None].astype(np.float64)
    count = np.maximum(seen.sum(axis=1), 1)[:, None, None]
    sizes, shapes = [], []
    for places in (np.broadcast_to(picture[None, :, :2], points[..., :2].shape), points[..., :2]):
        about = (places - (weight * places).sum(axis=1, keepdims=True) / count) * weight
        size = np.sqrt(np.square(about).sum(axis=(1, 2)) / count[:, 0, 0])
        sizes.append(size)
        shapes.append(about / np.maximum(size, 1e-6)[:, None, None])
    apart = np.sqrt(np.square(shapes[0] - shapes[1]).sum(axis=(1, 2)) / count[:, 0, 0])
    usable = (seen.sum(axis=1) >= _LEAST_POINTS) & (np.minimum(*sizes) > 1)
    return np.asarray(np.where(usable, apart, np.nan), dtype=np.float64)
