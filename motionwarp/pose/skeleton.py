"""The 18 points: names, mirror pairs and bones, in OpenPose's COCO-18 order."""

from __future__ import annotations

from typing import Final

POINT_NAMES: Final = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip

(
    NOSE, NECK,
    RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST,
    LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST,
    RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE,
    LEFT_HIP, LEFT_KNEE, LEFT_ANKLE,
    RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR,
) = range(18)  # fmt: skip

# mirrored picture: point i becomes point MIRROR[i]
MIRROR: Final = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)

HEAD_POINTS: Final = (NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR)

# parent to child, in an order in which a walk from the neck meets every parent before its children
BONES: Final = (
    (NECK, RIGHT_SHOULDER), (RIGHT_SHOULDER, RIGHT_ELBOW), (RIGHT_ELBOW, RIGHT_WRIST),
    (NECK, LEFT_SHOULDER), (LEFT_SHOULDER, LEFT_ELBOW), (LEFT_ELBOW, LEFT_WRIST),
    (NECK, RIGHT_HIP), (RIGHT_HIP, RIGHT_KNEE), (RIGHT_KNEE, RIGHT_ANKLE),
    (NECK, LEFT_HIP), (LEFT_HIP, LEFT_KNEE), (LEFT_KNEE, LEFT_ANKLE),
    (NECK, NOSE), (NOSE, RIGHT_EYE), (NOSE, LEFT_EYE), (RIGHT_EYE, RIGHT_EAR), (LEFT_EYE, LEFT_EAR),
)  # fmt: skip
