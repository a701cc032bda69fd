"""Packs of avatars' pictures: the analyser's training form, with what only avatars know beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import safe_open

from motionwarp.body.model import BodyModel
from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.data.avatars.backdrops import load_backdrops
from motionwarp.data.avatars.dressing import draw_people
from motionwarp.data.avatars.poses import load_takes
from motionwarp.data.avatars.rigged import load_avatar
from motionwarp.data.avatars.scenes import AvatarView, Cast, SceneSettings, draw_view
from motionwarp.data.avatars.splits import AvatarSplit, avatar_folders, take_files
from motionwarp.data.ccp import photo_names
from motionwarp.data.pack import LabeledPicture, PackReader, PackWriter
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.errors import InputError, OptionError
from motionwarp.media.atomic import temporary_name
from motionwarp.types import FloatArray

_BACKDROPS: Final[dict[AvatarSplit, int]] = {"train": 500, "validation": 150}
_DRESSED_PEOPLE: Final = 40  # of one pack; each is shown in many poses
_VIEWS: Final = (0.0, 90.0, 180.0, -90.0)  # degrees about which validation pictures are spread


def load_cast(data_folder: Path, split: AvatarSplit, seed: int, dressed: int = 0) -> Cast:
    """Load the people, takes and backgrounds of a split.

    Parameters
    ----------
    data_folder : Path
        With `avatars` or `makehuman`, `motion` and, for backgrounds, `ccp`.
    split : "train" or "validation"
    seed : int
        Of which backgrounds are taken, and of how people are dressed.
    dressed : int
        If positive, so many people of the body model in MakeHuman's clothes, rather than the avatars.

    Raises
    ------
    OptionError
        If dressed people are asked for to validate with: their clothes are all trained on.
    InputError
        If one of them is missing.
    """
    if dressed and split != "train":
        raise OptionError(
            "people in MakeHuman's clothes are for training only", remedy="Validate with avatars: some are held out."
        )
    ccp = data_folder / "ccp"
    names = [name for name in photo_names(ccp, split) if (ccp / "mattes" / f"{name}.png").exists()]
    if dressed:
        people = draw_people(BodyModel.load(), data_folder / "makehuman", dressed, seed)
    else:
        people = [load_avatar(folder) for folder in avatar_folders(data_folder / "avatars", split)]
    return Cast(
        people,
        load_takes(take_files(data_folder / "motion", split)),
        load_backdrops(ccp / "photos", ccp / "mattes", names, _BACKDROPS[split], seed),
    )


def avatar_views(cast: Cast, split: AvatarSplit, count: int, seed: int) -> Iterator[AvatarView]:
    """Yield pictures of avatars, each a function of the seed and its number.

    Training pictures show all sides evenly. Validation pictures show front, left, back and right in turn, a third of
    a right angle and more about each, and nothing stands before anybody.
    """
    settings = SceneSettings() if split == "train" else SceneSettings(occluded=0.0)
    for number in range(count):
        rng = np.random.default_rng([seed, number, 0 if split == "train" else 1])
        facing = None
        if split == "validation":
            facing = _VIEWS[number % len(_VIEWS)] + float(rng.uniform(-45, 45))
        yield draw_view(cast, settings, rng, facing=facing)


def labeled(view: AvatarView) -> LabeledPicture:
    """Return a picture of an avatar as training reads it."""
    matte = np.rint(view.matte * 255).astype(np.uint8)
    return LabeledPicture(view.rgb, matte, view.parsing, view.pose.points, f"avatars/{view.name}/{view.cut}")


@dataclass(frozen=True, eq=False)
class AvatarTruth:
    """What an avatar pack holds beside a plain pack's fields, row by row.

    Attributes
    ----------
    facing : float32 (N, 3)
        Cosine and sine of the angle from facing the camera (positive to the picture's right); its certainty in [0, 1].
    joints : float32 (N, 18, 3)
        OpenPose's points in camera coordinates (x right, y down, z away), metres.
    """

    facing: FloatArray
    joints: FloatArray

    def __post_init__(self) -> None:
        count = len(self.facing)
        if self.facing.shape != (count, 3) or self.joints.shape != (count, 18, 3):
            raise ValueError(f"AvatarTruth has facing {self.facing.shape} and joints {self.joints.shape}")


class AvatarPackWriter:
    """Collects pictures of avatars and writes them as one pack, which readers of plain packs read as well."""

    def __init__(self) -> None:
        self._pictures = PackWriter()
        self._facing: list[tuple[float, float, float]] = []
        self._joints: list[FloatArray] = []

    def __len__(self) -> int:
        return len(self._pictures)

    def add(self, view: AvatarView) -> None:
        """Compress one picture and its labels and keep them."""
        self._pictures.add(labeled(view))
        angle = np.deg2rad(view.facing)
        self._facing.append((float(np.cos(angle)), float(np.sin(angle)), view.certainty))
        self._joints.append(view.joints)

    def write(self, path: Path) -> int:
        """Write the pack, whole or not at all, and return its size.

        An OutputError if it is empty or cannot be written.
        """
        plain = temporary_name(path)
        try:
            self._pictures.write(plain)
            with safe_open(plain, framework="pt") as opened:
                metadata = dict(opened.metadata())
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
            tensors["facing"] = torch.tensor(self._facing, dtype=torch.float32)
            tensors["joints"] = torch.from_numpy(np.stack(self._joints).astype(np.float32))
            write_tensors(path, tensors, metadata)
        finally:
            plain.unlink(missing_ok=True)
        return path.stat().st_size


def read_truth(path: Path) -> AvatarTruth:
    """Read what only avatar packs hold.

    Raises
    ------
    InputError
        If this is no pack, or one of other pictures.
    """
    count = len(PackReader(path))
    with safe_open(path, framework="np") as opened:
        if not {"facing", "joints"} <= set(opened.keys()):
            raise InputError(
                "this pack does not tell whom it shows from where", subject=path, remedy="Give a pack of avatars."
            )
        truth = AvatarTruth(opened.get_tensor("facing"), opened.get_tensor("joints"))
    if len(truth.facing) != count:
        raise InputError(
            f"its tables do not fit each other: {len(truth.facing)} facings for {count} pictures", subject=path
        )
    return truth


def write_avatar_pack(views: Iterable[AvatarView], path: Path, progress: Callable[[int], None]) -> WrittenPack:
    """Write pictures of avatars into a pack; `progress` is told how many there are so far."""
    writer = AvatarPackWriter()
    for view in views:
        writer.add(view)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of avatars, or of bodies in separate garments; see `pack_kinds.ANALYZER_PACKS`."""
    options = request.options
    split: AvatarSplit = "validation" if options.split == "validation" else "train"
    cast = load_cast(options.data, split, options.seed, _DRESSED_PEOPLE if request.kind == "dressed" else 0)
    views = avatar_views(cast, split, options.count, options.seed)
    return write_avatar_pack(views, options.output, request.on_progress)
