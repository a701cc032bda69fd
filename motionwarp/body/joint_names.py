"""Which joint of a skeleton is which joint of a person: the names that common programs and data sets use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from motionwarp.errors import PoseFileError

JOINTS: Final = (
    "hips", "spine", "chest", "upper_chest", "neck", "head",
    "left_collar", "left_shoulder", "left_elbow", "left_wrist",
    "right_collar", "right_shoulder", "right_elbow", "right_wrist",
    "left_hip", "left_knee", "left_ankle", "left_toe",
    "right_hip", "right_knee", "right_ankle", "right_toe",
)  # fmt: skip

(
    HIPS, SPINE, CHEST, UPPER_CHEST, NECK, HEAD,
    LEFT_COLLAR, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST,
    RIGHT_COLLAR, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST,
    LEFT_HIP, LEFT_KNEE, LEFT_ANKLE, LEFT_TOE,
    RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, RIGHT_TOE,
) = range(22)  # fmt: skip

# where the fingers begin: how a palm is turned; many skeletons have none
KNUCKLES: Final = (
    "left_index", "left_middle", "left_pinky",
    "right_index", "right_middle", "right_pinky",
)  # fmt: skip

REQUIRED: Final = (
    "hips", "head",
    "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
    "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle",
)  # fmt: skip

# joint: the names it goes by, best first, in lower case without blanks and signs; {side} and {s} are those of `_SIDES`
_Names = Mapping[str, tuple[str, ...]]
_CONVENTIONS: Final[Mapping[str, _Names]] = {
    "Character Creator": {
        "hips": ("ccbasehip", "ccbasepelvis"), "spine": ("ccbasewaist",), "chest": ("ccbasespine01",),
        "upper_chest": ("ccbasespine02",),
        "neck": ("ccbasenecktwist01",), "head": ("ccbasehead",),
        "collar": ("ccbase{s}clavicle",), "shoulder": ("ccbase{s}upperarm",),
        "elbow": ("ccbase{s}forearm",), "wrist": ("ccbase{s}hand",),
        "hip": ("ccbase{s}thigh",), "knee": ("ccbase{s}calf",), "ankle": ("ccbase{s}foot",),
        "toe": ("ccbase{s}toebase", "ccbase{s}toebasesharebone"),
        "index": ("ccbase{s}index1",), "middle": ("ccbase{s}mid1",), "pinky": ("ccbase{s}pinky1",),
    },
    "Mixamo": {
        "hips": ("hips",), "spine": ("spine", "lowerback"), "chest": ("spine1",), "upper_chest": ("spine3", "spine2"),
        "neck": ("neck",), "head": ("head",),
        "collar": ("{side}shoulder",), "shoulder": ("{side}arm",), "elbow": ("{side}forearm",),
        "wrist": ("{side}hand",),
        "hip": ("{side}upleg",), "knee": ("{side}leg",), "ankle": ("{side}foot",), "toe": ("{side}toebase",),
        "index": ("{side}handindex1", "{side}inhandindex"), "middle": ("{side}handmiddle1", "{side}inhandmiddle"),
        "pinky": ("{side}handpinky1", "{side}inhandpinky"),
    },
    "Rokoko": {
        "hips": ("hips",), "spine": ("spine1", "spine"), "chest": ("spine2",), "upper_chest": ("spine4", "spine3"),
        "neck": ("neck",), "head": ("head",),
        "collar": ("{side}shoulder",), "shoulder": ("{side}arm",), "elbow": ("{side}forearm",),
        "wrist": ("{side}hand",),
        "hip": ("{side}thigh",), "knee": ("{side}shin",), "ankle": ("{side}foot",),
        "toe": ("{side}toe", "{side}toebase"),
        "index": ("{side}finger2proximal", "{side}digit2metacarpal"),
        "middle": ("{side}finger3proximal", "{side}digit3metacarpal"),
        "pinky": ("{side}finger5proximal", "{side}digit5metacarpal"),
    },
    "CMU": {
        "hips": ("hips",), "spine": ("lowerback", "chest"), "chest": ("chest",), "upper_chest": ("chest2",),
        "neck": ("neck",), "head": ("head",),
        "collar": ("{side}collar",), "shoulder": ("{side}shoulder",), "elbow": ("{side}elbow",),
        "wrist": ("{side}wrist",),
        "hip": ("{side}hip",), "knee": ("{side}knee",), "ankle": ("{side}ankle",), "toe": ("{side}toe",),
    },
    "CMU (ASF)": {
        "hips": ("root",), "spine": ("lowerback",), "chest": ("upperback",), "upper_chest": ("thorax",),
        "neck": ("lowerneck",), "head": ("head",),
        "collar": ("{s}clavicle",), "shoulder": ("{s}humerus",), "elbow": ("{s}radius",),
        "wrist": ("{s}hand", "{s}wrist"),
        "hip": ("{s}femur",), "knee": ("{s}tibia",), "ankle": ("{s}foot",), "toe": ("{s}toes",),
    },
    "Unreal": {
        "hips": ("pelvis",), "spine": ("spine01",), "chest": ("spine02",), "upper_chest": ("spine05", "spine03"),
        "neck": ("neck01",), "head": ("head",),
        "collar": ("clavicle{s}",), "shoulder": ("upperarm{s}",), "elbow": ("lowerarm{s}",), "wrist": ("hand{s}",),
        "hip": ("thigh{s}",), "knee": ("calf{s}",), "ankle": ("foot{s}",), "toe": ("ball{s}",),
        "index": ("index01{s}",), "middle": ("middle01{s}",), "pinky": ("pinky01{s}",),
    },
    "3ds Max Biped": {
        "hips": ("pelvis",), "spine": ("spine",), "chest": ("spine1",), "upper_chest": ("spine3", "spine2"),
        "neck": ("neck",), "head": ("head",),
        "collar": ("{s}clavicle",), "shoulder": ("{s}upperarm",), "elbow": ("{s}forearm",), "wrist": ("{s}hand",),
        "hip": ("{s}thigh",), "knee": ("{s}calf",), "ankle": ("{s}foot",), "toe": ("{s}toe0",),
        "index": ("{s}finger1",), "middle": ("{s}finger2",), "pinky": ("{s}finger4",),
    },
    "Daz": {
        "hips": ("hip",), "spine": ("abdomen", "abdomenlower"), "chest": ("abdomen2", "abdomenupper"),
        "upper_chest": ("chest", "chestupper"),
        "neck": ("neck", "necklower"), "head": ("head",),
        "collar": ("{s}collar",), "shoulder": ("{s}shldr", "{s}shldrbend"), "elbow": ("{s}forearm", "{s}forearmbend"),
        "wrist": ("{s}hand",),
        "hip": ("{s}thigh", "{s}thighbend"), "knee": ("{s}shin",), "ankle": ("{s}foot",), "toe": ("{s}toe",),
        "index": ("{s}index1",), "middle": ("{s}mid1",), "pinky": ("{s}pinky1",),
    },
    "VRM": {
        "hips": ("jbipchips",), "spine": ("jbipcspine",), "chest": ("jbipcchest",),
        "upper_chest": ("jbipcupperchest",),
        "neck": ("jbipcneck",), "head": ("jbipchead",),
        "collar": ("jbip{s}shoulder",), "shoulder": ("jbip{s}upperarm",), "elbow": ("jbip{s}lowerarm",),
        "wrist": ("jbip{s}hand",),
        "hip": ("jbip{s}upperleg",), "knee": ("jbip{s}lowerleg",), "ankle": ("jbip{s}foot",),
        "toe": ("jbip{s}toebase",),
        "index": ("jbip{s}index1",), "middle": ("jbip{s}middle1",), "pinky": ("jbip{s}little1",),
    },
    "Unity": {
        "hips": ("hips",), "spine": ("spine",), "chest": ("chest",), "upper_chest": ("upperchest",),
        "neck": ("neck",), "head": ("head",),
        "collar": ("{side}shoulder",), "shoulder": ("{side}upperarm",), "elbow": ("{side}lowerarm",),
        "wrist": ("{side}hand",),
        "hip": ("{side}upperleg",), "knee": ("{side}lowerleg",), "ankle": ("{side}foot",), "toe": ("{side}toes",),
    },
    "Blender": {
        "hips": ("hips", "spine", "defspine"), "spine": ("spine001", "defspine001"),
        "chest": ("chest", "spine002", "defspine002"), "upper_chest": ("spine003", "defspine003"),
        "neck": ("neck", "spine004", "defspine004"), "head": ("head", "spine006", "defspine006"),
        "collar": ("shoulder{s}", "defshoulder{s}"), "shoulder": ("upperarm{s}", "defupperarm{s}"),
        "elbow": ("forearm{s}", "defforearm{s}"), "wrist": ("hand{s}", "defhand{s}"),
        "hip": ("thigh{s}", "defthigh{s}"), "knee": ("shin{s}", "defshin{s}"), "ankle": ("foot{s}", "deffoot{s}"),
        "toe": ("toe{s}", "deftoe{s}"),
    },
    "SMPL": {
        "hips": ("pelvis",), "spine": ("spine1",), "chest": ("spine2",), "upper_chest": ("spine3",),
        "neck": ("neck",), "head": ("head",),
        "collar": ("{side}collar", "{s}collar"), "shoulder": ("{side}shoulder", "{s}shoulder"),
        "elbow": ("{side}elbow", "{s}elbow"), "wrist": ("{side}wrist", "{s}wrist"),
        "hip": ("{side}hip", "{s}hip"), "knee": ("{side}knee", "{s}knee"), "ankle": ("{side}ankle", "{s}ankle"),
        "toe": ("{side}foot", "{s}foot"),
    },
}  # fmt: skip
_SIDES: Final = (("left", "l"), ("right", "r"))
_SIDELESS: Final = ("hips", "spine", "chest", "upper_chest", "neck", "head")
_PREFIX: Final = re.compile(r"^(mixamorig\d*|character\d*|armature|bip0*1|mfavg)(?=[a-z])")
_LISTED: Final = 12  # of a skeleton's own names, in a message


@dataclass(frozen=True)
class JointMap:
    """Which of a skeleton's joints are a person's.

    Attributes
    ----------
    convention : str
        Whose names they are.
    joints : dict of str to int
        Name in `JOINTS` or `KNUCKLES` to the skeleton's index; all of `REQUIRED`, and of the others those there are.
    """

    convention: str
    joints: Mapping[str, int]


def understand(names: Sequence[str]) -> JointMap:
    """Find a person's joints by their names.

    Parameters
    ----------
    names : sequence of str
        Of a skeleton's joints. Upper and lower case, signs, blanks and namespaces (`mixamorig:`) do not matter.

    Returns
    -------
    JointMap
        By the convention that explains most of `REQUIRED`.

    Raises
    ------
    PoseFileError
        If no convention explains all of them: it tells which bones are missing and which names were understood.
    """
    plain: dict[str, int] = {}
    for index, name in enumerate(names):
        plain.setdefault(_plain(name), index)
    found = {convention: _found(table, plain) for convention, table in _CONVENTIONS.items()}
    best = max(
        found, key=lambda convention: (sum(joint in found[convention] for joint in REQUIRED), len(found[convention]))
    )
    missing = [joint for joint in REQUIRED if joint not in found[best]]
    if missing:
        raise PoseFileError(_misunderstanding(names, found[best], missing, best), remedy=_remedy())
    return JointMap(best, found[best])


def _plain(name: str) -> str:
    bare = re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].casefold())
    return _PREFIX.sub("", bare)


def _found(table: _Names, plain: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for joint, spellings in table.items():
        for side, letter in [("", "")] if joint in _SIDELESS else _SIDES:
            key = f"{side}_{joint}" if side else joint
            for spelling in spellings:
                index = plain.get(spelling.format(side=side, s=letter))
                if index is not None and index not in found.values():
                    found[key] = index
                    break
    return found


def _misunderstanding(names: Sequence[str], found: Mapping[str, int], missing: Sequence[str], convention: str) -> str:
    ours = ", ".join(joint.replace("_", " ") for joint in missing)
    if not found:
        listed = ", ".join(name[:40] for name in names[:_LISTED]) + (" .." if len(names) > _LISTED else "")
        told = f"none of its {len(names)} joints was understood ({listed})"
        return f"is no skeleton of a person whose names are known: {told}"
    understood = ", ".join(
        f"{names[index][:40]} as {joint.replace('_', ' ')}" for joint, index in found.items() if joint in REQUIRED
    )
    told = understood or "none that is needed"
    return f"its skeleton lacks bones of a person: {ours}; understood, by {convention}'s names, were: {told}"


def _remedy() -> str:
    return f"Give the motion of a person with the bones' names of {', '.join(sorted(_CONVENTIONS))}."
