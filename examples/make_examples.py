"""Draws examples/person.jpg and examples/dance.mp4, with the exact points of both beside them.

Run from a checkout with motionwarp installed: `python examples/make_examples.py`. Everything is drawn by the project's
own renderer of synthetic people, and the sound is computed: there is nothing in the examples that anybody else made.
"""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.data.synthetic import BodyPose, Camera, SyntheticPerson, body_points, frame_body, place, render
from motionwarp.data.synthetic.backgrounds import finished, room, street
from motionwarp.data.synthetic.body import BodyProportions
from motionwarp.data.synthetic.painting import Light
from motionwarp.data.synthetic.wardrobe import Outfit, Pattern, sample_outfit
from motionwarp.pose import skeleton as sk

HERE = Path(__file__).resolve().parent
PERSON_SIZE = 1024, 768  # height, width
DANCE_SIZE = 1024, 576
FRAME_RATE, SECONDS = 24, 4
BEATS_A_MINUTE = 120
SOUND_RATE = 48_000
# the person is drawn larger and reduced, for clean edges
FINER = 2

PERSON = BodyProportions(
    height=1.68, spine=0.48, neck=0.155, head_radius=0.106, shoulder=0.172, hip=0.09, upper_arm=0.275, forearm=0.24,
    hand=0.13,
    thigh=0.41, shin=0.405, foot=0.19, girth=1.0,
)  # fmt: skip
DANCER = BodyProportions(
    height=1.85, spine=0.53, neck=0.175, head_radius=0.112, shoulder=0.205, hip=0.094, upper_arm=0.31, forearm=0.275,
    hand=0.14,
    thigh=0.46, shin=0.45, foot=0.21, girth=1.05,
)  # fmt: skip


def pattern(
    kind: Any, base: tuple[float, ...], second: tuple[float, ...], size: float = 0.06, across: bool = False
) -> Pattern:
    """Return a pattern of two colors, RGB in [0, 1]."""
    return Pattern(kind, base, second, size, across, 0.0)  # type: ignore[arg-type]


def outfit_of_the_person() -> Outfit:
    """Return a striped jumper, blue trousers and white shoes."""
    return replace(
        sample_outfit(np.random.default_rng(1)),
        skin=(0.87, 0.66, 0.53), hair="long", hair_color=(0.33, 0.19, 0.10), whole="none", upper="longsleeve",
        lower="trousers",
        layer="none", foot="shoes", upper_pattern=pattern("stripes", (0.93, 0.90, 0.84), (0.72, 0.16, 0.18), 0.07,
            True),
        lower_pattern=pattern("plain", (0.16, 0.24, 0.42), (0.1, 0.1, 0.1)),
        shoe_pattern=pattern("plain", (0.92, 0.92, 0.90), (0.1, 0.1, 0.1)),
        sleeve=0.95, leg_length=0.97, looseness=0.012, hat=False, sunglasses=False, scarf=False, gloves=False,
        bag=False,
    )  # fmt: skip


def outfit_of_the_dancer() -> Outfit:
    """Return a green shirt, gray shorts and black shoes."""
    return replace(
        sample_outfit(np.random.default_rng(2)),
        skin=(0.48, 0.32, 0.23), hair="short", hair_color=(0.07, 0.05, 0.05), whole="none", upper="tshirt",
        lower="shorts",
        layer="none", foot="shoes", upper_pattern=pattern("plain", (0.18, 0.55, 0.38), (0.1, 0.1, 0.1)),
        lower_pattern=pattern("plain", (0.30, 0.31, 0.34), (0.1, 0.1, 0.1)),
        shoe_pattern=pattern("plain", (0.08, 0.08, 0.09), (0.1, 0.1, 0.1)),
        sleeve=0.4, leg_length=0.5, looseness=0.015, hat=False, sunglasses=False, scarf=False, gloves=False, bag=False,
        socks=True,
    )  # fmt: skip


def dance(seconds: float) -> BodyPose:
    """Return the dancer's pose.

    A two-step with swinging arms, a wave of each arm in turn, and bent knees on every beat.
    """
    beat = 2 * np.pi * seconds * BEATS_A_MINUTE / 60
    sway, slow, pulse = np.sin(beat / 2), np.sin(beat / 8), (1 - np.cos(beat)) / 2
    raise_left, raise_right = 60 + 55 * np.sin(beat / 4), 60 - 55 * np.sin(beat / 4)
    return BodyPose(
        root=(14 * slow, 0.0, 5 * sway),
        spine=(4 * pulse, 9 * sway, 10 * sway),
        head=(2 * pulse, -6 * sway, 8 * slow),
        left_arm=(raise_left, 12.0, 0.0, 45 + 35 * np.sin(beat / 2)),
        right_arm=(raise_right, 12.0, 0.0, 45 - 35 * np.sin(beat / 2)),
        left_leg=(9 + 9 * max(sway, 0.0), 16 * pulse, 0.0, 30 * pulse),
        right_leg=(9 + 9 * max(-sway, 0.0), 16 * pulse, 0.0, 30 * pulse),
    )


def draw_person() -> None:
    """Write the picture and its points."""
    height, width = (FINER * side for side in PERSON_SIZE)
    rng = np.random.default_rng(8)
    pose = BodyPose(
        root=(6.0, 0.0, 0.0), left_arm=(16.0, 2.0, 0.0, 12.0), right_arm=(16.0, 2.0, 0.0, 12.0), head=(2.0, 0.0, -4.0)
    )
    person = SyntheticPerson(PERSON, outfit_of_the_person())
    camera = frame_body(
        body_points(place(PERSON, pose)),
        Camera(4.2, 0.25, 0.0, 1.0, 0.0, 0.0),
        height,
        width,
        share=0.84,
        middle_x=0.5,
        middle_y=0.52,
    )
    view = render(person, pose, camera, finished(rng, street(rng, height, width)), height, width, light=Light())
    small = cv2.resize(view.rgb, PERSON_SIZE[::-1], interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(HERE / "person.jpg"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    points = view.pose.points.copy()
    points[:, :2] = (points[:, :2] + 0.5) / FINER - 0.5
    write_points("person.jpg", PERSON_SIZE, 1.0, [points])


def draw_dance() -> None:
    """Write the clip and its points."""
    height, width = DANCE_SIZE
    rng = np.random.default_rng(32)
    poses = [dance(index / FRAME_RATE) for index in range(FRAME_RATE * SECONDS)]
    skeletons = [place(DANCER, pose) for pose in poses]
    # the hips sink and sway so that the lower foot stays on the floor
    floor = min(
        float(skeletons[0].feet[:, 1].min()), float(skeletons[0].joints[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1].min())
    )
    lifts = [np.array([0.0, floor - float(skeleton.feet[:, 1].min()), 0.0]) for skeleton in skeletons]
    every = np.concatenate([body_points(skeleton) + lift for skeleton, lift in zip(skeletons, lifts, strict=True)])
    camera = frame_body(
        every, Camera(4.6, 0.2, 0.0, 1.0, 0.0, 0.0), height, width, share=0.88, middle_x=0.5, middle_y=0.56
    )
    background = finished(rng, room(rng, height, width))
    person = SyntheticPerson(DANCER, outfit_of_the_dancer())
    points, pictures = [], []
    for pose, lift in zip(poses, lifts, strict=True):
        view = render(person, pose, camera, background, height, width, lift=lift)
        pictures.append(view.rgb)
        points.append(view.pose.points)
    encode(HERE / "dance.mp4", pictures)
    write_points("dance.mp4", DANCE_SIZE, float(FRAME_RATE), points)


def beat() -> npt.NDArray[np.float32]:
    """Return four seconds of kick, clap and bass, float32 (1, N)."""
    time = np.arange(SOUND_RATE * SECONDS) / SOUND_RATE
    step = 60 / BEATS_A_MINUTE
    since = time % step
    kick = np.sin(2 * np.pi * (48 * since + 9 * (1 - np.exp(-since * 28)))) * np.exp(-since * 11)
    offbeat = (time + step / 2) % step
    hiss = np.random.default_rng(0).normal(0, 1, len(time)) * np.exp(-offbeat * 45)
    notes = np.array([55.0, 55.0, 65.41, 49.0])[(time // (2 * step)).astype(int) % 4]
    bass = np.sign(np.sin(2 * np.pi * notes * time)) * np.exp(-since * 4)
    mixed = 0.6 * kick + 0.12 * hiss + 0.12 * bass
    return (0.8 * mixed / np.abs(mixed).max()).astype(np.float32)[None]


def encode(path: Path, pictures: list[npt.NDArray[np.uint8]]) -> None:
    """Write pictures and beat as H.264 and AAC."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        video: Any = container.add_stream(
            "libx264", rate=FRAME_RATE, options={"crf": "22", "preset": "slow", "bf": "0"}
        )
        video.height, video.width, video.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        sound: Any = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        samples = av.AudioFrame.from_ndarray(beat(), format="fltp", layout="mono")
        samples.sample_rate, samples.pts, samples.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
        for packet in [*sound.encode(samples), *sound.encode()]:
            container.mux(packet)
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())


def write_points(name: str, size: tuple[int, int], fps: float, points: list[npt.NDArray[np.float32]]) -> None:
    """Write exact points in the project's own form."""
    frames = [
        [[round(float(x), 1), round(float(y), 1), round(float(score), 2)] for x, y, score in pose] for pose in points
    ]
    content = {"file": name, "width": size[1], "height": size[0], "fps": fps, "frames": frames}
    (HERE / f"{Path(name).stem}.keypoints18.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    draw_person()
    draw_dance()
