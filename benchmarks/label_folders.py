"""CCP as two folders for translations: label maps of LIP's classes, and photos, of the same names."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from motionwarp.data.ccp import photo_names, read_photos
from motionwarp.data.splits import Split
from motionwarp.media.image import write_image
from motionwarp.parsing.labels import IGNORE


def write_label_folders(ccp: Path, folder: Path, split: Split, most: int | None = None) -> int:
    """Write `labels/NAME.png` and `photos/NAME.png` of a split's labeled photos, return how many there are.

    Parameters
    ----------
    ccp : Path
        CCP's folder.
    folder : Path
        Made if it is missing.
    split : str
        "train" or "validation".
    most : int or None
    """
    for name in ("labels", "photos"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = [name for name in photo_names(ccp, split) if (ccp / "labels" / f"{name}.png").exists()]
    count = 0
    for photo in read_photos(ccp, names[:most]):
        if photo.parsing is None:
            continue
        # small things that LIP has no class for, and what nobody labeled, are background in a picture
        labels = np.where(photo.parsing == IGNORE, 0, photo.parsing).astype(np.uint8)
        write_image(folder / "labels" / f"{photo.name}.png", labels, overwrite=True)
        write_image(folder / "photos" / f"{photo.name}.png", photo.rgb, overwrite=True)
        count += 1
    return count


def main() -> None:
    """Write both splits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ccp", type=Path)
    parser.add_argument("output", type=Path)
    asked = parser.parse_args()
    for split in ("train", "validation"):
        print(split, write_label_folders(asked.ccp, asked.output / split, split))


if __name__ == "__main__":
    main()
