"""What translations are learned from: two folders of pictures, drawn from independently by number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from motionwarp.engines.cyclegan.config import UnpairedDataConfig
from motionwarp.errors import MediaError
from motionwarp.media.image import is_picture, read_image
from motionwarp.types import ByteArray

LEAST_PICTURES: Final = 2
_PALETTE_SEED: Final = 7
_MOST_CACHED: Final = 2 << 30  # bytes of pictures of a folder that are kept in memory


class UnpairedBatch(TypedDict):
    """One batch.

    Keys
    ----
    a, b : uint8 (B, 3, H, W)
        Of the two domains; which ones come together is chance.
    """

    a: Tensor
    b: Tensor


def label_palette() -> ByteArray:
    """Return the colors in which label maps are drawn, uint8 (256, 3): black for 0, and 255 that lie far apart."""
    rng = np.random.default_rng(_PALETTE_SEED)
    candidates = rng.integers(30, 256, (4096, 3)).astype(np.float32)
    chosen = [np.zeros(3, dtype=np.float32)]
    away = np.linalg.norm(candidates - chosen[0], axis=1)
    for _ in range(255):
        chosen.append(candidates[int(away.argmax())])
        away = np.minimum(away, np.linalg.norm(candidates - chosen[-1], axis=1))
    return np.stack(chosen).astype(np.uint8)


def drawn_labels(labels: ByteArray) -> ByteArray:
    """Return a label map (H, W) as a picture, uint8 (H, W, 3)."""
    return label_palette()[labels]


def labels_of_colors(rgb: ByteArray, count: int) -> ByteArray:
    """Return the classes below `count` whose colors are nearest to a picture's, uint8 (H, W)."""
    palette = label_palette()[:count].astype(np.float32)
    flat = rgb.reshape(-1, 3).astype(np.float32)
    squares = (palette**2).sum(axis=1)[None] - 2 * flat @ palette.T
    return np.asarray(squares.argmin(axis=1), dtype=np.uint8).reshape(rgb.shape[:2])


def picture_files(folder: Path) -> list[Path]:
    """Return all pictures of a folder and of those below it, in order.

    Raises
    ------
    MediaError
        If there is no such folder, or fewer than two pictures are in it.
    """
    if not folder.is_dir():
        raise MediaError("there is no such folder", subject=folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and is_picture(path))
    if len(files) < LEAST_PICTURES:
        told = "a single picture" if files else "no pictures"
        raise MediaError(
            f"the folder holds {told}, from which no translation can be learned",
            subject=folder,
            remedy=f"Give a folder with at least {LEAST_PICTURES}; hundreds are usual.",
        )
    return files


def read_labels(path: Path) -> ByteArray:
    """Read a label map, uint8 (H, W).

    Raises
    ------
    MediaError
        If it is broken, or a picture in colors.
    """
    rgb = read_image(path).rgb
    if (rgb != rgb[..., :1]).any():
        raise MediaError(
            "is a picture in colors, where a label map is expected",
            subject=path,
            remedy="Give 8-bit gray pictures whose values are classes, or leave out that they are labels.",
        )
    return np.ascontiguousarray(rgb[..., 0])


class Domain:
    """The pictures of one folder at the size that is trained at.

    A picture of another shape is scaled until it covers the size with some room, and cropped; a small one is enlarged.
    Gray ones are taken as gray colors.

    Parameters
    ----------
    folder : Path
    is_labels : bool
    config : UnpairedDataConfig

    Raises
    ------
    MediaError
        If the folder is missing or has too few pictures, or one of them is broken.
    """

    def __init__(self, folder: Path, is_labels: bool, config: UnpairedDataConfig) -> None:
        self.files = picture_files(folder)
        self._is_labels, self._config = is_labels, config
        bytes_each = int(3 * config.height * config.width * config.room**2)
        # all are read at the start, so that a broken one ends nothing that has begun
        self._kept: Sequence[ByteArray] | None = None
        if bytes_each * len(self.files) <= _MOST_CACHED:
            self._kept = [self._scaled(path) for path in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def drawn(self, rng: np.random.Generator) -> ByteArray:
        """Return a crop of a random picture, uint8 (H, W, 3)."""
        index = int(rng.integers(len(self.files)))
        picture = self._scaled(self.files[index]) if self._kept is None else self._kept[index]
        height, width = self._config.height, self._config.width
        top = int(rng.integers(picture.shape[0] - height + 1))
        left = int(rng.integers(picture.shape[1] - width + 1))
        crop = picture[top : top + height, left : left + width]
        if self._config.mirror and rng.random() < 0.5:
            crop = crop[:, ::-1]
        return np.ascontiguousarray(crop)

    def _scaled(self, path: Path) -> ByteArray:
        config = self._config
        rgb = drawn_labels(read_labels(path)) if self._is_labels else read_image(path).rgb
        return covering(rgb, round(config.height * config.room), round(config.width * config.room), self._is_labels)


def covering(rgb: ByteArray, height: int, width: int, is_labels: bool) -> ByteArray:
    """Return a picture scaled so that it covers a size, its middle cut out, uint8 (height, width, 3)."""
    scale = max(height / rgb.shape[0], width / rgb.shape[1])
    size = max(round(rgb.shape[1] * scale), width), max(round(rgb.shape[0] * scale), height)
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST if is_labels else smooth)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


class UnpairedPictures(Dataset[UnpairedBatch]):
    """Endless samples by number: a picture of each domain, independent of each other.

    Parameters
    ----------
    config : UnpairedDataConfig
    seed : int
    """

    def __init__(self, config: UnpairedDataConfig, seed: int) -> None:
        self._seed = seed
        self.a = Domain(config.a, config.a_labels, config)
        self.b = Domain(config.b, config.b_labels, config)

    def __getitem__(self, index: int) -> UnpairedBatch:
        rng = np.random.default_rng([self._seed, index])
        a, b = (torch.from_numpy(domain.drawn(rng)).permute(2, 0, 1) for domain in (self.a, self.b))
        return UnpairedBatch(a=a, b=b)
