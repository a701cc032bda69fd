"""Clothing Co-Parsing (CCP): street photos with points, mattes and, for half of them, pixel labels of 59 tags.

CCP's tags are mapped to the 20 LIP classes here. Two tags hide what LIP tells apart: `skin` is face, arms and legs at
once, and shoes have no side; both are split by the nearest limb of the person's points.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.data.splits import Split, photo_split
from motionwarp.errors import MediaError
from motionwarp.media.image import read_image
from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.types import ByteArray, FloatArray, Pose

# tags that no table below names are small things worn over others (belt, watch, rings ...): their pixels are ignored
_TAGS_OF_CLASS: Final = {
    # bags are carried, not worn: LIP leaves them to the background
    labels.BACKGROUND: ("null", "bag", "purse", "wallet"),
    labels.HAT: ("hat",),
    labels.HAIR: ("hair",),
    labels.GLOVE: ("gloves",),
    labels.SUNGLASSES: ("glasses", "sunglasses"),
    labels.UPPER_CLOTHES: (
        "blouse", "bodysuit", "bra", "hoodie", "intimate", "jumper", "shirt", "sweater", "sweatshirt", "t-shirt", "tie",
        "top",
        "vest",
    ),
    labels.DRESS: ("dress",),
    labels.COAT: ("blazer", "cape", "cardigan", "coat", "jacket"),
    labels.SOCKS: ("socks", "stockings", "tights"),
    labels.PANTS: ("jeans", "leggings", "panties", "pants", "shorts"),
    labels.JUMPSUITS: ("romper",),
    labels.SCARF: ("scarf",),
    labels.SKIRT: ("skirt",),
}  # fmt: skip
_SHOE_TAGS: Final = (
    "boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges",
)  # fmt: skip

# the limbs that skin and shoes are given to: class (None: torso, where LIP has no class for skin) and its chain of
# points
_LIMBS: Final = (
    (labels.FACE, (skeleton.RIGHT_EAR, skeleton.RIGHT_EYE, skeleton.NOSE, skeleton.LEFT_EYE, skeleton.LEFT_EAR)),
    (labels.FACE, (skeleton.NOSE, skeleton.NECK)),
    (labels.RIGHT_ARM, (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST)),
    (labels.LEFT_ARM, (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST)),
    (labels.RIGHT_LEG, (skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE)),
    (labels.LEFT_LEG, (skeleton.LEFT_HIP, skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE)),
    (labels.IGNORE, (skeleton.RIGHT_SHOULDER, skeleton.LEFT_HIP)),
    (labels.IGNORE, (skeleton.LEFT_SHOULDER, skeleton.RIGHT_HIP)),
)
_HAND_LENGTH = 0.45  # of the forearm; the hand goes on where the wrist point ends


@dataclass(frozen=True, eq=False)
class CcpPhoto:
    """One photo with what is known of its person.

    Attributes
    ----------
    name : str
        Four digits.
    rgb : uint8 (H, W, 3)
    pose : Pose
        Pseudo-labels of a teacher.
    matte : float32 (H, W)
        The teacher's, in [0, 1].
    parsing : uint8 (H, W) or None
        LIP classes, 255 where they are not known; None for photos without labels.
    """

    name: str
    rgb: ByteArray
    pose: Pose
    matte: FloatArray
    parsing: ByteArray | None


def photo_names(folder: Path, split: Split) -> list[str]:
    """Return the names of a split's photos that have points, sorted."""
    points = json.loads((folder / "keypoints18.json").read_text(encoding="utf-8"))
    return sorted(name for name in points if photo_split(name) == split)


def read_photos(folder: Path, names: list[str]) -> Iterator[CcpPhoto]:
    """Read photos with their labels, one at a time.

    Parameters
    ----------
    folder : Path
        CCP's folder, with `photos`, `labels`, `mattes`, `keypoints18.json` and `label_list.txt`.
    names : list of str
    """
    points = json.loads((folder / "keypoints18.json").read_text(encoding="utf-8"))
    tags = (folder / "label_list.txt").read_text(encoding="utf-8").split()
    for name in names:
        rgb = read_image(folder / "photos" / f"{name}.jpg").rgb
        height, width = rgb.shape[:2]
        pose = Pose(np.array(points[name], dtype=np.float32))
        mask = read_gray(folder / "mattes" / f"{name}.png")
        matte = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        label_file = folder / "labels" / f"{name}.png"
        parsing = to_lip(read_gray(label_file), tags, pose) if label_file.exists() else None
        yield CcpPhoto(name, rgb, pose, matte / np.float32(255), parsing)


def to_lip(tag_map: ByteArray, tags: list[str], pose: Pose) -> ByteArray:
    """Map CCP's tags to LIP classes.

    Parameters
    ----------
    tag_map : uint8 (H, W)
        Indices into `tags`.
    tags : list of str
    pose : Pose
        Pose of the person, in the same pixels; splits skin and shoes by limb.

    Returns
    -------
    uint8 (H, W)
        LIP classes; 255 where LIP has no class for what is there.
    """
    table = np.full(256, labels.IGNORE, dtype=np.uint8)
    for lip_class, names in _TAGS_OF_CLASS.items():
        table[[tags.index(name) for name in names]] = lip_class
    parsing = table[tag_map]

    skin = tag_map == tags.index("skin")
    shoes = np.isin(tag_map, [tags.index(name) for name in _SHOE_TAGS])
    # a bag's handle in CCP's labels is background too, but 'suit' is two garments in one tag
    suit = tag_map == tags.index("suit")
    rows, columns = np.nonzero(skin)
    parsing[rows, columns] = _nearest_limb(rows, columns, pose, _LIMBS)
    rows, columns = np.nonzero(shoes)
    leg = _nearest_limb(rows, columns, pose, _LIMBS[4:6])
    parsing[rows, columns] = np.where(leg == labels.RIGHT_LEG, labels.RIGHT_SHOE, labels.LEFT_SHOE)
    hips = pose.xy[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP], 1].mean()
    rows, columns = np.nonzero(suit)
    parsing[rows, columns] = np.where(rows < hips, labels.COAT, labels.PANTS)
    return parsing


def _nearest_limb(
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    columns: np.ndarray[tuple[int], np.dtype[np.intp]],
    pose: Pose,
    limbs: tuple[tuple[int, tuple[int, ...]], ...],
) -> ByteArray:
    pixels = np.stack([columns, rows], axis=-1).astype(np.float32)  # (N, 2)
    best = np.full(len(pixels), np.inf, dtype=np.float32)
    nearest = np.full(len(pixels), labels.IGNORE, dtype=np.uint8)
    for lip_class, chain in limbs:
        corners = pose.xy[list(chain)]
        if lip_class in (labels.LEFT_ARM, labels.RIGHT_ARM):
            corners = np.concatenate([corners, corners[-1:] + _HAND_LENGTH * (corners[-1:] - corners[-2:-1])])
        for start, end in pairwise(corners):
            distance = _distance_to_segment(pixels, start, end)
            closer = distance < best
            best[closer] = distance[closer]
            nearest[closer] = lip_class
    return nearest


def _distance_to_segment(pixels: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    along = end - start
    length = float(along @ along)
    position = np.clip((pixels - start) @ along / max(length, 1e-6), 0, 1)[:, None]
    distance: FloatArray = np.linalg.norm(pixels - (start + position * along), axis=1).astype(np.float32)
    return distance


def read_gray(path: Path) -> ByteArray:
    """Read a one-channel picture of labels, uint8 (H, W), as it is stored."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise MediaError("this picture cannot be read", subject=path, remedy="Check that the data set is complete.")
    return np.asarray(picture, dtype=np.uint8)
