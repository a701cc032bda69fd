"""Where the published data sets keep their protocol files and pictures, and their pairs as a data set for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from motionwarp.data.protocols import PairList, PairNames, read_annotations, read_pairs
from motionwarp.errors import InputError
from motionwarp.media.image import read_image
from motionwarp.types import ByteArray, FloatArray, Pose

ProtocolName = Literal["deepfashion", "market1501"]
ProtocolSplit = Literal["train", "test"]


@dataclass(frozen=True)
class Protocol:
    """One published data set's file names and size.

    Attributes
    ----------
    pairs, annotations, pictures : tuple of str
        Names below the data set's folder, the first that exists is taken; `{split}` stands for train or test.
    sizes : tuple of (int, int)
        Heights and widths in pixels that its pictures have.
    """

    pairs: tuple[str, ...]
    annotations: tuple[str, ...]
    pictures: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]


# the published files really are called "fasion"
PROTOCOLS: Final[dict[ProtocolName, Protocol]] = {
    "deepfashion": Protocol(
        pairs=(
            "fasion-pairs-{split}.csv",
            "fasion-resize-pairs-{split}.csv",
            "fashion-resize-pairs-{split}.csv",
            "fashion-pairs-{split}.csv",
        ),
        annotations=(
            "fasion-resize-annotation-{split}.csv",
            "fasion-annotation-{split}.csv",
            "fashion-resize-annotation-{split}.csv",
            "fashion-annotation-{split}.csv",
        ),
        pictures=("fashion_resize/{split}", "{split}_256", "{split}", "fashion"),
        sizes=((256, 256), (256, 176)),
    ),
    "market1501": Protocol(
        pairs=("market-pairs-{split}.csv",),
        annotations=("market-annotation-{split}.csv",),
        pictures=("{split}", "bounding_box_{split}"),
        sizes=((128, 64),),
    ),
}


@dataclass(frozen=True)
class ProtocolFiles:
    """The files of one split of a data set.

    Attributes
    ----------
    pairs, annotations, pictures : Path
        Two files and the folder of pictures.
    """

    pairs: Path
    annotations: Path
    pictures: Path


def find_protocol(folder: Path, name: ProtocolName, split: ProtocolSplit) -> ProtocolFiles:
    """Find a split's files in the folder of a published data set.

    Raises
    ------
    InputError
        If one of them is missing; the message lists what was looked for.
    """
    protocol = PROTOCOLS[name]
    return ProtocolFiles(
        _first(folder, protocol.pairs, split),
        _first(folder, protocol.annotations, split),
        _first(folder, protocol.pictures, split),
    )


def _first(folder: Path, names: tuple[str, ...], split: str) -> Path:
    candidates = [folder / name.format(split=split) for name in names]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    wanted = ", ".join(candidate.name for candidate in candidates)
    raise InputError(
        f"has none of {wanted}", subject=folder, remedy="Give the folder that holds the published protocol files."
    )


@dataclass(frozen=True, eq=False)
class PicturePair:
    """Two pictures of one person with their points.

    Attributes
    ----------
    names : PairNames
    source_rgb, target_rgb : uint8 (H, W, 3)
    source_points, target_points : float32 (18, 3)
        Pixels of each picture, score 0 where a point is missing.
    """

    names: PairNames
    source_rgb: ByteArray
    target_rgb: ByteArray
    source_points: FloatArray
    target_points: FloatArray


class PairDataset:
    """Published pairs with pictures and points, read when asked for; safe to use in worker processes.

    Parameters
    ----------
    files : ProtocolFiles

    Raises
    ------
    InputError
        If a file is missing or wrong, or a picture of a pair has no annotation.
    """

    def __init__(self, files: ProtocolFiles) -> None:
        self.files = files
        self.list: PairList = read_pairs(files.pairs)
        self._poses: dict[str, Pose] = read_annotations(files.annotations)
        for pair in self.list.pairs:
            for name in (pair.source, pair.target):
                if name not in self._poses:
                    raise InputError(
                        f"has no points of {name}, which {files.pairs.name} lists", subject=files.annotations
                    )

    def __len__(self) -> int:
        return len(self.list.pairs)

    def __getitem__(self, index: int) -> PicturePair:
        names = self.list.pairs[index]
        return PicturePair(
            names,
            read_image(self.files.pictures / names.source).rgb,
            read_image(self.files.pictures / names.target).rgb,
            self._poses[names.source].points,
            self._poses[names.target].points,
        )
