"""A drawn person who stands upright, whole in the picture, arms a little away from the body."""

from __future__ import annotations

import numpy as np

from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, render, sample_person
from motionwarp.types import SourcePerson

HEIGHT, WIDTH = 300, 200
_LIMBS = (12.0, 0.0, 0.0, 0.0)


def standing_person(**limbs: tuple[float, ...]) -> SourcePerson:
    """The person with limbs as `BodyPose` takes them in place of hanging ones."""
    drawn = sample_person(np.random.default_rng(3))
    hanging = {"right_arm": _LIMBS, "left_arm": _LIMBS, "right_leg": _LIMBS, "left_leg": _LIMBS}
    pose = BodyPose(**(hanging | limbs))
    points = body_points(place(drawn.proportions, pose))
    camera = frame_body(points, Camera(4.2, 0, 0, 1, 0, 0), HEIGHT, WIDTH, share=0.86, middle_x=0.5, middle_y=0.52)
    view = render(drawn, pose, camera, np.full((HEIGHT, WIDTH, 3), 120, np.uint8), HEIGHT, WIDTH)
    return SourcePerson(view.rgb, view.matte, view.pose, view.parsing)
