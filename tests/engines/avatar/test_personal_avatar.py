"""An avatar refined by a clip of the same person: backs and depth as the clip shows them, the photo as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.files import load_avatar
from motionwarp.avatar.fusion import PhotoView, fused_frames
from motionwarp.avatar.outline_depth import with_outlined_depth
from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, render, sample_person
from motionwarp.engines.avatar import personal
from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.options import AvatarFitOptions
from motionwarp.engines.avatar.personal import AvatarFitConfig, ClipFrame, SeenClip, drawn_view, fit_person, refine
from motionwarp.engines.base import RenderSettings
from motionwarp.engines.spec import FitRun
from motionwarp.errors import NoPersonError
from motionwarp.parsing import labels
from motionwarp.types import FloatArray, PoseTrack, SourcePerson

HEIGHT, WIDTH = 240, 180
_LIMBS = (10.0, 0.0, 0.0, 0.0)
RUN = FitRun(torch.device("cpu"), torch.float32, report=lambda line: None)


def seen(degrees: float) -> SourcePerson:
    """A drawn person who has turned to their left."""
    drawn = sample_person(np.random.default_rng(5))
    pose = BodyPose((degrees, 0, 0), right_arm=_LIMBS, left_arm=_LIMBS, right_leg=_LIMBS, left_leg=_LIMBS)
    points = body_points(place(drawn.proportions, pose))
    camera = frame_body(points, Camera(4.2, 0, 0, 1, 0, 0), HEIGHT, WIDTH, share=0.86, middle_x=0.5, middle_y=0.52)
    view = render(drawn, pose, camera, np.full((HEIGHT, WIDTH, 3), 120, np.uint8), HEIGHT, WIDTH)
    return SourcePerson(view.rgb, view.matte, view.pose, view.parsing)


@pytest.fixture(scope="module")
def person() -> SourcePerson:
    return seen(0)


@pytest.fixture(scope="module")
def avatar(person: SourcePerson) -> Avatar:
    return with_avatar(person).avatar


@pytest.fixture(scope="module")
def clip() -> SeenClip:
    """A full turn; seen from behind their clothes are green."""
    frames = []
    for number, degrees in enumerate(np.linspace(0, 360, 30, endpoint=False)):
        person = seen(float(degrees))
        if 120 < degrees < 240:
            cloth = ~np.isin(person.parsing, (labels.BACKGROUND, labels.HAIR, labels.FACE))
            person = replace(person, rgb=np.where(cloth[..., None], (30, 200, 40), person.rgb).astype(np.uint8))
        frames.append(ClipFrame(person, number, (0, 0)))
    return SeenClip(np.stack([frame.person.pose.points for frame in frames]), frames)


def turned(avatar: Avatar, person: SourcePerson, degrees: float) -> PhotoView:
    """What a camera that went round an avatar sees, of the avatar's own place."""
    angle = np.deg2rad(degrees)
    about = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], dtype="f4")
    rest = avatar.rest
    rest = replace(
        rest, rotations=about @ rest.rotations, joints=rest.joints @ about.T, shift=(WIDTH / 2, rest.shift[1])
    )
    return PhotoView(person, rest)


def thicker(avatar: Avatar, factor: float) -> Avatar:
    """An avatar each of whose parts is so many times as deep about its own middle."""
    positions = avatar.sheets.positions.copy()
    for part in np.unique(avatar.sheets.layers // 2):
        own = np.unique(avatar.sheets.faces[avatar.sheets.layers // 2 == part])
        middle = positions[own, 2].mean()
        positions[own, 2] = middle + factor * (positions[own, 2] - middle)
    return replace(avatar, sheets=replace(avatar.sheets, positions=positions))


def with_matte(view: PhotoView, drawn: FloatArray) -> PhotoView:
    return PhotoView(replace(view.person, matte=(drawn[..., 3] / 255).astype(np.float32)), view.rest)


def off_the_photo(avatar: Avatar, person: SourcePerson) -> float:
    """How far the avatar's colors in the photo's pose are from the photo, in levels."""
    drawn = drawn_view(avatar, PhotoView(person, avatar.rest))
    solid = (drawn[..., 3] > 250) & (person.matte > 0.99)
    return float(np.abs(drawn[..., :3] - person.rgb)[solid].mean())


def iou(avatar: Avatar, view: PhotoView) -> float:
    one, other = drawn_view(avatar, view)[..., 3] > 127, view.person.matte > 0.5
    return float((one & other).sum() / (one | other).sum())


def test_outlines_from_the_side_tell_how_deep_somebody_is(avatar: Avatar, person: SourcePerson) -> None:
    thick = thicker(avatar, 1.5)
    views = [turned(avatar, person, degrees) for degrees in (60, 90, 120, -90, -60)]
    views = [with_matte(view, drawn_view(thick, view)) for view in views]
    found = with_outlined_depth(avatar, views)
    before, after = (np.mean([iou(made, view) for view in views]) for made in (avatar, found))
    assert before < 0.9
    assert after > before + 0.4 * (1 - before)
    np.testing.assert_array_equal(found.sheets.positions[:, :2], avatar.sheets.positions[:, :2])


def test_outlines_that_fit_change_hardly_anything(avatar: Avatar, person: SourcePerson) -> None:
    views = [turned(avatar, person, degrees) for degrees in (70, -90)]
    views = [with_matte(view, drawn_view(avatar, view)) for view in views]
    found = with_outlined_depth(avatar, views)
    assert np.abs(found.sheets.positions - avatar.sheets.positions).max() < 0.02
    assert with_outlined_depth(avatar, []) is avatar


def test_of_many_frames_the_middle_one_is_taken(avatar: Avatar, person: SourcePerson) -> None:
    view = turned(avatar, person, 180)
    matte = drawn_view(avatar, view)[..., 3] / np.float32(255)
    parsing = np.where(matte > 0.5, person.parsing[:, ::-1], 0).astype(np.uint8)

    def in_color(color: tuple[int, int, int]) -> PhotoView:
        rgb = np.broadcast_to(np.uint8(color), (HEIGHT, WIDTH, 3)).copy()
        return PhotoView(replace(person, rgb=rgb, matte=matte, parsing=parsing), view.rest)

    usual, wrong = in_color((40, 160, 90)), in_color((250, 10, 10))
    found = drawn_view(fused_frames(avatar, [usual, wrong, usual, usual]), view)
    torso = found[90:110, WIDTH // 2 - 8 : WIDTH // 2 + 8, :3]
    # in another light perhaps, but never of the color of one frame that is off
    assert (torso[..., 1] > torso[..., 0]).mean() > 0.95
    assert fused_frames(avatar, []) is avatar


def test_a_clip_of_a_turn_makes_the_avatar_better(person: SourcePerson, clip: SeenClip) -> None:
    told: list[str] = []
    avatar, fitted = refine(person, clip, AvatarFitConfig(), told.append)
    assert fitted.after["ssim"] > fitted.before["ssim"]
    assert fitted.after["psnr"] > fitted.before["psnr"] + 0.5
    assert fitted.after["iou"] >= fitted.before["iou"]
    assert (fitted.frames, fitted.held_frames) == (24, 6)
    assert fitted.step >= 1
    assert any("colors" in line for line in told)
    back = turned(avatar, person, 180)
    picture = drawn_view(avatar, back)
    trunk = picture[80:110, WIDTH // 2 - 10 : WIDTH // 2 + 10]
    assert (trunk[..., 1] > 2 * trunk[..., 0]).mean() > 0.7


def test_time_that_is_over_leaves_the_photo_s_own_avatar(person: SourcePerson, clip: SeenClip) -> None:
    _, fitted = refine(person, clip, AvatarFitConfig(), lambda line: None, until=0.0)
    assert fitted.step == 0
    assert fitted.after == fitted.before


def test_what_is_written_is_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: SourcePerson, clip: SeenClip
) -> None:
    output = tmp_path / "new" / "alice.safetensors"
    monkeypatch.setattr(personal, "see_clip", lambda *_: clip)
    photo = personal._Photo(person, person.rgb, 0.9)
    monkeypatch.setattr(personal, "_best_frame", lambda *_: photo)
    asked = AvatarFitOptions(clip=tmp_path / "alice.mp4", output=output)
    fitted = fit_person(asked, lambda: None, AvatarFitConfig(), RUN)  # type: ignore[arg-type, return-value]
    stored = load_avatar(output)
    assert stored.photos == 1 + fitted.frames
    np.testing.assert_array_equal(stored.person.rgb, person.rgb)
    # the photo's own side stays nearly as it is of the photo alone, and at rest it is the photo
    alone, both = (off_the_photo(each, person) for each in (with_avatar(person).avatar, stored.person.avatar))
    assert both < alone + 4
    engine = AvatarEngine()
    here = np.eye(2, 3, dtype=np.float32)
    engine.prepare(stored.person, RenderSettings(RUN.device, RUN.dtype, WIDTH, HEIGHT, photo_to_frame=here))
    track = PoseTrack(person.pose.points[None], np.array([True]), np.zeros(1), WIDTH, HEIGHT)
    motion = engine.follow(track)
    layer = engine.render(motion, engine.plan(motion))[0]
    inside = (person.matte > 0.5)[layer.top :, layer.left :][: layer.rgba.shape[0], : layer.rgba.shape[1]]
    rgb = person.rgb[layer.top :, layer.left :][: layer.rgba.shape[0], : layer.rgba.shape[1]]
    assert inside.sum() == (person.matte > 0.5).sum()
    assert np.square(layer.rgba[..., :3].astype(float) - rgb)[inside].mean() < 255**2 / 10**3.8


def test_a_photo_without_shoulders_is_refused(clip: SeenClip, person: SourcePerson) -> None:
    blind = replace(person, pose=replace(person.pose, points=np.zeros((18, 3), dtype=np.float32)))
    with pytest.raises(NoPersonError, match="shoulders"):
        refine(blind, clip, AvatarFitConfig(), lambda line: None)
