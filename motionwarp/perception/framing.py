"""Where to look: the canonical crop around what is visible of a person, the right way up.

A person's points end before the person does, so every point carries a margin in units of the torso (neck to the middle
of the hips): hair above the eyes, hands after the wrists, feet after the ankles. The margins are the same in all
directions, so that the framing does not depend on the angle at which a person lies or hangs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.pose import skeleton
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, FloatArray, PersonCrop

Box = tuple[float, float, float, float]  # left, top, right, bottom at pixel edges

VISIBLE_SCORE: Final = 0.2  # points below it do not take part in framing
_LEAST_ROOM: Final = 0.3  # torso lengths: a frame that goes on for less hides nothing worth looking for
CANONICAL_FILL: Final = 0.85  # share of the crop's width or height that the person's box fills, whichever is tighter

# torso lengths for each length of a bone; a foreshortened bone is only shorter, so the longest ones are believed
_TORSOS_PER_LENGTH: Final = (
    (skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER, 1.45),
    (skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE, 1.25), (skeleton.LEFT_HIP, skeleton.LEFT_KNEE, 1.25),
    (skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE, 1.25), (skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE, 1.25),
    (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, 1.75), (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, 1.75),
    (skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, 1.9), (skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, 1.9),
    (skeleton.NECK, skeleton.NOSE, 2.0), (skeleton.RIGHT_EAR, skeleton.LEFT_EAR, 3.0),
)  # fmt: skip

_MARGINS: Final = np.full(18, 0.2, dtype=np.float32)
_MARGINS[list(skeleton.HEAD_POINTS)] = 0.38
_MARGINS[[skeleton.RIGHT_WRIST, skeleton.LEFT_WRIST]] = 0.33
_MARGINS[[skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE]] = 0.28


def torso_length(points: FloatArray, threshold: float = VISIBLE_SCORE) -> float:
    """Return a person's torso length in pixels, robust to foreshortening and to single wrong points.

    Parameters
    ----------
    points : float32 (18, 3)
    threshold : float
        Points below this score do not count.

    Returns
    -------
    float
        0 if too few points are seen to tell.
    """
    visible = points[:, 2] >= threshold
    xy = points[:, :2]
    lengths = [
        float(np.hypot(*(xy[a] - xy[b]))) * torsos for a, b, torsos in _TORSOS_PER_LENGTH if visible[a] and visible[b]
    ]
    hips = [hip for hip in (skeleton.RIGHT_HIP, skeleton.LEFT_HIP) if visible[hip]]
    if visible[skeleton.NECK] and hips:
        lengths.append(float(np.hypot(*(xy[hips].mean(axis=0) - xy[skeleton.NECK]))))
    if not lengths:
        return _spread(xy[visible]) / 2
    lengths.sort()
    # the very longest may come from a point gone astray
    return lengths[-2] if len(lengths) >= 4 else lengths[-1]


def _spread(xy: FloatArray) -> float:
    return float(np.ptp(xy, axis=0).max()) if len(xy) >= 2 else 0.0


def visible_box(points: FloatArray, threshold: float = VISIBLE_SCORE) -> Box:
    """Return the box around what is visible of a person, with margins for what the points do not reach.

    Parameters
    ----------
    points : float32 (18, 3)
        In any pixel space; the box is in the same.
    threshold : float
        Points below this score do not count; if none remains, all count that have any score.

    Returns
    -------
    left, top, right, bottom
        At pixel edges; (0, 0, 1, 1) if there are no points at all.
    """
    visible = points[:, 2] >= threshold
    if not visible.any():
        visible = points[:, 2] > 0
    if not visible.any():
        return 0.0, 0.0, 1.0, 1.0
    margins = _MARGINS[visible] * torso_length(points, threshold)
    x, y = points[visible, 0], points[visible, 1]
    return (
        float((x - margins).min()) - 0.5,
        float((y - margins).min()) - 0.5,
        float((x + margins).max()) + 0.5,
        float((y + margins).max()) + 0.5,
    )


def possible_box(points: FloatArray, height: int, width: int, threshold: float = VISIBLE_SCORE) -> Box | None:
    """Return the box in which the rest of a person would lie whose head or legs were not seen.

    A crop around what was seen of somebody cuts off the rest again, so it has to be asked for.

    Parameters
    ----------
    points : float32 (18, 3)
        In the frame.
    height, width : int
        Size of the frame, beyond which there is nothing to see.
    threshold : float
        Points below this score do not count.

    Returns
    -------
    left, top, right, bottom or None
        In the frame; None if head and feet were seen or the frame has no room for what was not.
    """
    visible = points[:, 2] >= threshold
    torso = torso_length(points, threshold)
    missing = _missing_lengths(visible)
    if not visible.any() or torso <= 0 or not any(missing):
        return None
    box = visible_box(points, threshold)
    grown = box
    for length, direction in zip(missing, _away_from_body(points, threshold), strict=True):
        if length:
            # where the direction is not known, the rest may lie anywhere around
            x, y = np.zeros(2) if direction is None else direction * length * torso
            spread = length * torso if direction is None else 0.0
            moved = (box[0] + x - spread, box[1] + y - spread, box[2] + x + spread, box[3] + y + spread)
            grown = united(grown, moved)
    inside = (max(grown[0], 0.0), max(grown[1], 0.0), min(grown[2], float(width)), min(grown[3], float(height)))
    grown = united(box, inside)
    room = max(box[0] - grown[0], box[1] - grown[1], grown[2] - box[2], grown[3] - box[3])
    return grown if room >= _LEAST_ROOM * torso else None


def _missing_lengths(visible: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return in torso lengths how much of a person may go on above and below what was seen, 0 where nothing does."""
    above = 0.0 if visible[list(skeleton.HEAD_POINTS)].any() else 0.8 if visible[skeleton.NECK] else 1.8
    levels = ((skeleton.RIGHT_ANKLE, 0.0), (skeleton.RIGHT_KNEE, 0.8), (skeleton.RIGHT_HIP, 1.6))
    below = next((rest for right, rest in levels if visible[right] or visible[skeleton.MIRROR[right]]), 2.6)
    return above, below


def _away_from_body(points: FloatArray, threshold: float) -> tuple[npt.NDArray[np.float64] | None, ...]:
    """Return the directions from the body to beyond the head and to beyond the feet, float64 (2,) each, or None."""
    down = body_direction(points, threshold)
    return (None, None) if down is None else (-down, down)


def box_of_matte(matte: FloatArray, threshold: float = 0.5) -> Box | None:
    """Return the box of a matte's coverage, in its own pixels at pixel edges; None if nothing is covered."""
    rows = np.flatnonzero((matte >= threshold).any(axis=1))
    columns = np.flatnonzero((matte >= threshold).any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def united(first: Box, second: Box) -> Box:
    """Return the smallest box around two."""
    return min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])


def crop_around(
    box: Box, *, fill: float = CANONICAL_FILL, width: int = CROP_WIDTH, height: int = CROP_HEIGHT
) -> PersonCrop:
    """Return the crop in whose middle a box lies, filling `fill` of the width or of the height, whichever is tighter.

    The crop may reach over the picture's edges: people who are cut off by them stay in the middle.
    """
    left, top, right, bottom = box
    scale = max((right - left) / width, (bottom - top) / height, 1e-3) / fill
    return PersonCrop(
        left=(left + right - scale * width) / 2,
        top=(top + bottom - scale * height) / 2,
        scale=scale,
        width=width,
        height=height,
    )


@dataclass(frozen=True)
class CropView:
    """A crop as the network sees it: a window of the frame, turned by quarters so that the person stands upright in it.

    Attributes
    ----------
    crop : PersonCrop
        In the frame's own orientation, so wider than high where the turn is a quarter or three.
    turns : int
        Quarter turns counter-clockwise from the window to the network's picture, 0 to 3.
    """

    crop: PersonCrop
    turns: int = 0

    def __post_init__(self) -> None:
        if self.turns not in (0, 1, 2, 3):
            raise ValueError(f"CropView needs 0 to 3 quarter turns, got {self.turns}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's picture."""
        size = (self.crop.height, self.crop.width)
        return size if self.turns % 2 == 0 else size[::-1]

    def picture_to_frame(self) -> npt.NDArray[np.float64]:
        """Return the affine map (2, 3) from points of the network's picture to points of the frame."""
        right, bottom = self.crop.width - 1.0, self.crop.height - 1.0
        turn = (
            [[1, 0, 0], [0, 1, 0]],
            [[0, -1, right], [1, 0, 0]],
            [[-1, 0, right], [0, -1, bottom]],
            [[0, 1, 0], [-1, 0, bottom]],
        )[self.turns]
        scaled = self.crop.crop_to_frame().astype(np.float64)
        matrix = scaled[:, :2] @ np.asarray(turn, dtype=np.float64)
        matrix[:, 2] += scaled[:, 2]
        return matrix


def view_around(box: Box, turns: int = 0, *, fill: float = CANONICAL_FILL) -> CropView:
    """Return the view in whose middle a box of the frame lies, turned by quarters."""
    width, height = (CROP_WIDTH, CROP_HEIGHT) if turns % 2 == 0 else (CROP_HEIGHT, CROP_WIDTH)
    return CropView(crop_around(box, fill=fill, width=width, height=height), turns)


def upright_turns(points: FloatArray, current: int = 0, threshold: float = VISIBLE_SCORE) -> int:
    """Return the quarter turns that put a person's head above the feet.

    Parameters
    ----------
    points : float32 (18, 3)
        In the frame.
    current : int
        The turns in use. They are kept until the person leans more than 60 degrees in them, so that somebody at 45
        degrees, or bending down, does not make the view flip to and fro.
    threshold : float
        Points below this score do not count.

    Returns
    -------
    int
        0 to 3.
    """
    down = body_direction(points, threshold)
    if down is None:
        return current
    # the frame's direction that points down in a picture turned by 0, 1, 2 and 3 quarters counter-clockwise
    downs = np.array([[0, 1], [-1, 0], [0, -1], [1, 0]], dtype=np.float64)
    cosines = downs @ down
    return current if cosines[current] >= 0.5 else int(np.argmax(cosines))


def body_direction(points: FloatArray, threshold: float = VISIBLE_SCORE) -> npt.NDArray[np.float64] | None:
    """Return the unit vector from a person's head to the feet (or as far down as is seen), float64 (2,), or None."""
    visible = points[:, 2] >= threshold
    head = [index for index in (*skeleton.HEAD_POINTS, skeleton.NECK) if visible[index]]
    lower_levels = (
        (skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE),
        (skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE),
        (skeleton.RIGHT_HIP, skeleton.LEFT_HIP),
    )
    lower = next(
        ([index for index in level if visible[index]] for level in lower_levels if visible[list(level)].any()), []
    )
    if not lower and visible[skeleton.NECK] and len(head) > 1:
        head, lower = head[:-1], [skeleton.NECK]
    if not head or not lower:
        return None
    direction = points[lower, :2].mean(axis=0).astype(np.float64) - points[head, :2].mean(axis=0)
    length = float(np.hypot(*direction))
    return direction / length if length > 1e-6 else None
