"""What was found of people's limbs in other poses: pictures, figures over them, and the sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from motionwarp.evaluation.free_poses import FREE_POSES
from motionwarp.media.contact_sheet import Tile
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray

LIMB_JOINTS: Final = tuple(range(sk.RIGHT_SHOULDER, sk.LEFT_ANKLE + 1))
"""The twelve joints that are looked for, as points of the skeleton."""

GROUPS: Final[Mapping[str, tuple[int, ...]]] = {
    "elbows": (sk.RIGHT_ELBOW, sk.LEFT_ELBOW),
    "wrists": (sk.RIGHT_WRIST, sk.LEFT_WRIST),
    "knees": (sk.RIGHT_KNEE, sk.LEFT_KNEE),
    "ankles": (sk.RIGHT_ANKLE, sk.LEFT_ANKLE),
    "limbs": LIMB_JOINTS,
}
"""Joints that figures are told of; `limbs` are all twelve, shoulders and hips included."""

LIMB_BONES: Final = (
    (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW),
    (sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_ELBOW, sk.LEFT_WRIST),
    (sk.RIGHT_HIP, sk.RIGHT_KNEE), (sk.LEFT_HIP, sk.LEFT_KNEE),
    (sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_KNEE, sk.LEFT_ANKLE),
)  # fmt: skip
"""From joint to joint, what has to be covered."""

SEGMENTS: Final[Mapping[str, tuple[int, ...]]] = {
    "upper_arms": (0, 1), "forearms": (2, 3), "thighs": (4, 5), "shins": (6, 7), "limbs": tuple(range(8)),
}  # fmt: skip
"""Bones that figures are told of, by their place in `LIMB_BONES`."""

_NEAR: Final = 0.15  # torsos within which a joint is found
_SURE: Final = 0.3  # of its score


@dataclass(frozen=True, eq=False)
class ReposedPicture:
    """One person in one pose, as an engine drew them, and where the limbs' joints were found in it.

    Attributes
    ----------
    photo, engine : str
    pose : str
        One of `FREE_POSES`.
    distances : float32 (12,)
        Between each of `LIMB_JOINTS` as found and as the body has it, in torsos; infinite where nobody was found.
    scores : float32 (12,)
        Of the joints as found; 0 where nobody was.
    counted : bool (12,)
        Which joints the photo shows or hides, and does not cut off.
    coverage : float32 (8,)
        Which share of the straight way from joint to joint of `LIMB_BONES` has some of the person on it or at its side,
        in [0, 1].
    rim : float
        Mean width of the half transparent rim around the person, in torsos.
    rgb : uint8 (h, w, 3) or None
        For the sheet: reduced, with rings where joints were not found. None where none is drawn.
    """

    photo: str
    engine: str
    pose: str
    distances: FloatArray
    scores: FloatArray
    counted: BoolArray
    coverage: FloatArray
    rim: float
    rgb: ByteArray | None = None

    def __post_init__(self) -> None:
        shapes = self.distances.shape, self.scores.shape, self.counted.shape, self.coverage.shape
        if shapes != (*[(len(LIMB_JOINTS),)] * 3, (len(LIMB_BONES),)) or self.pose not in FREE_POSES:
            raise ValueError(
                f"ReposedPicture of the pose {self.pose!r} has distances, scores, counted and coverage of {shapes}"
            )

    @property
    def found(self) -> BoolArray:
        """Which joints were found, bool (12,): near where the body has them, and surely."""
        return np.asarray((self.distances < _NEAR) & (self.scores > _SURE))

    @property
    def counted_bones(self) -> BoolArray:
        """Which bones lie between joints that are counted, bool (8,)."""
        ends = np.array(LIMB_BONES) - LIMB_JOINTS[0]
        return np.asarray(self.counted[ends].all(axis=1))


@dataclass(frozen=True, eq=False)
class ReposedReport:
    """All pictures of a run.

    Attributes
    ----------
    reader : str
        The name of the estimator that looked for the joints.
    pictures : list of ReposedPicture
        Photo by photo, engine by engine, in the order of `FREE_POSES`.
    left_out : dict of str to str
        Photos that show nobody who can be moved, and why.
    photos : list of uint8 (h, w, 3)
        Those of the sheet, reduced.
    """

    reader: str
    pictures: list[ReposedPicture] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    photos: list[ByteArray] = field(default_factory=list)


def reposed_summary(report: ReposedReport) -> dict[str, Any]:
    """Return figures of each engine over all pictures, by pose and by photo, for JSON.

    Each has `joints`, how many were looked for, by group of joints `found`, the share that was found, and `score`,
    their mean score, and by segment `covered`, the share of its length; None where photos cut off all of it. `rim` is
    the mean width of the half transparent rim, in torsos.
    """
    engines: dict[str, Any] = {}
    for engine in dict.fromkeys(picture.engine for picture in report.pictures):
        own = [picture for picture in report.pictures if picture.engine == engine]
        photos = [own[first : first + len(FREE_POSES)] for first in range(0, len(own), len(FREE_POSES))]
        engines[engine] = {
            "photos": len(photos),
            "all": _figures(own),
            "by_pose": {pose: _figures([each for each in own if each.pose == pose]) for pose in FREE_POSES},
            "by_photo": [{"photo": pictures[0].photo, **_figures(pictures)} for pictures in photos],
        }
    left_out = [{"photo": photo, "reason": reason} for photo, reason in report.left_out.items()]
    return {"reader": report.reader, "engines": engines, "photos_left_out": left_out}


def _figures(pictures: Sequence[ReposedPicture]) -> dict[str, Any]:
    found, scores, counted, coverage, bones = (
        np.stack([getattr(picture, name) for picture in pictures])
        for name in ("found", "scores", "counted", "coverage", "counted_bones")
    )  # (N, 12) thrice, (N, 8) twice
    joints = {group: [LIMB_JOINTS.index(joint) for joint in chosen] for group, chosen in GROUPS.items()}
    return {
        "joints": int(counted.sum()),
        "found": {group: _mean(found, counted, columns) for group, columns in joints.items()},
        "score": {group: _mean(scores, counted, columns) for group, columns in joints.items()},
        "covered": {name: _mean(coverage, bones, list(columns)) for name, columns in SEGMENTS.items()},
        "rim": round(float(np.mean([picture.rim for picture in pictures])), 5),
    }


def _mean(values: npt.NDArray[Any], counted: BoolArray, columns: list[int]) -> float | None:
    """Return the mean of some columns over what is counted; None where nothing is."""
    chosen = counted[:, columns]
    return round(float(values[:, columns][chosen].mean()), 4) if chosen.any() else None


def reposed_tiles(report: ReposedReport) -> list[Tile]:
    """Return the photo and its poses for a sheet, six pictures a row, one row for each photo and engine kept."""
    tiles = []
    shown = [picture for picture in report.pictures if picture.rgb is not None]
    count = len(dict.fromkeys(picture.engine for picture in shown)) * len(FREE_POSES)  # of each photo
    for number, picture in enumerate(shown):
        if number % len(FREE_POSES) == 0:
            tiles.append(Tile(report.photos[number // count], f"{picture.photo} {picture.engine}"))
        if picture.rgb is not None:
            hits, all_of_them = int((picture.found & picture.counted).sum()), int(picture.counted.sum())
            whole = float(picture.coverage[picture.counted_bones].mean()) if picture.counted_bones.any() else 0.0
            tiles.append(Tile(picture.rgb, f"{picture.pose} {hits}/{all_of_them} {whole:.0%}"))
    return tiles
