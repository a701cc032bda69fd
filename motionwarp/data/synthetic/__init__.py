"""Clothed people drawn without assets, with exact labels."""

from motionwarp.data.synthetic.backgrounds import sample_background
from motionwarp.data.synthetic.body import BodyPose, BodyProportions, Skeleton, place, sample_proportions
from motionwarp.data.synthetic.camera import Camera, frame_body, sample_camera, sample_standpoint
from motionwarp.data.synthetic.painting import Light, sample_light
from motionwarp.data.synthetic.poses import Choreography, sample_choreography, sample_pose, sample_yaw
from motionwarp.data.synthetic.scene import (
    SyntheticPerson,
    SyntheticView,
    body_points,
    render,
    render_poses,
    sample_person,
    sample_view,
)
from motionwarp.data.synthetic.wardrobe import Outfit, Pattern, sample_outfit

__all__ = [
    "SyntheticPerson", "SyntheticView", "sample_view", "sample_person", "sample_pose", "sample_yaw",
    "sample_choreography",
    "sample_outfit", "sample_proportions", "sample_background", "sample_camera", "sample_standpoint", "sample_light",
    "render",
    "render_poses", "body_points", "place", "frame_body", "BodyPose", "Camera", "Choreography", "Light", "Outfit",
    "Pattern",
    "BodyProportions", "Skeleton",
]  # fmt: skip
