"""A small folder of photos and driving poses as the real one is laid out, with a red box for a person."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from moving_box import BOX, TOP, points_of, red, scene

from motionwarp.data.splits import TRAINING_CLIPS
from motionwarp.pose import skeleton as sk

# the first three are of the validation split
LEFTS = {"0007": 40, "0017": 90, "0027": 130, "0028": 60}


def make_photo_folder(folder: Path) -> Path:
    """Write `ccp` with a metric in each photo, and `video` with driving poses."""
    ccp, video = folder / "ccp", folder / "video"
    for each in (ccp / "photos", ccp / "mattes", ccp / "labels", video):
        each.mkdir(parents=True)
    points = {}
    for name, left in LEFTS.items():
        rgb = scene(left)
        cv2.imwrite(
            str(ccp / "photos" / f"{name}.jpg"), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 98]
        )
        cv2.imwrite(str(ccp / "mattes" / f"{name}.png"), red(rgb).astype(np.uint8) * 255)
        points[name] = points_of(left, TOP, *BOX).tolist()
    (ccp / "keypoints18.json").write_text(json.dumps(points), encoding="utf-8")
    (ccp / "label_list.txt").write_text("null\nskin\n", encoding="utf-8")
    for clip in TRAINING_CLIPS:
        driver = points_of(0, 0, *BOX)
        driver[[sk.RIGHT_WRIST, sk.LEFT_ELBOW, sk.RIGHT_KNEE], 0] -= 12
        content = {"frames": [driver.tolist(), None]}
        (video / f"{clip}.keypoints18.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
