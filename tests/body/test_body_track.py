"""Bodies of tracks: facing with certainty, fits piece by piece, forms of files, several photos of one person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from motionwarp.body.body_track import BodyReader, BodyTrack, picture_track
from motionwarp.body.bvh import read_bvh
from motionwarp.body.drawing import draw_body
from motionwarp.body.facing import FacingTrack, degrees_apart
from motionwarp.body.fitting import BodyFitter
from motionwarp.body.human_motion import human_motion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifting import LiftedTrack, TrackLifter, facing_degrees
from motionwarp.body.photo_fit import fit_photos
from motionwarp.body.pose_forms import ENDINGS, PoseForm, ReadPoses, write_npz, write_poses
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.retargeting import body_motion
from motionwarp.body.rig import PointRig, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.synthetic_tracks import NO_NOISE, spoiled
from motionwarp.errors import OptionError, OutputError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.pose_file import read_track
from motionwarp.types import Facing, FloatArray, PoseTrack

BONES = len(DRIVEN_BONES)


@pytest.fixture(scope="module")
def reader() -> BodyReader:
    return BodyReader.load()


def standing(reader: BodyReader, degrees: np.ndarray, scale: float = 200.0) -> FloatArray:
    """Points (T, 18, 3) of somebody who stands at ease and faces so many degrees."""
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    zero = torch.zeros_like(radians)
    turn = matrix_from_vector(torch.stack([zero, -radians, zero], dim=1))
    turns = turn[:, None] @ world_turns(PosePrior.of(reader.body).ease.float())
    places = PointRig.of(reader.body, reader.body.shape({"age": 0.7})).points(turns)
    head = turns[None, :, DRIVEN_BONES.index("head")]
    flat = places[None, ..., :2] * scale
    scores = spoiled(flat, places[None], head, NO_NOISE, torch.Generator().manual_seed(0))[0, ..., 2]
    return torch.cat([flat[0] + 300, scores.unsqueeze(-1)], dim=-1).numpy().astype(np.float32)


def track_of(points: FloatArray, cuts: tuple[int, ...] = ()) -> PoseTrack:
    present = np.asarray((points[..., 2] > 0).any(axis=1))
    return PoseTrack(points, present, np.arange(len(points)) / 30, 640, 640, cuts)


@pytest.fixture(scope="module")
def turning(reader: BodyReader) -> tuple[PoseTrack, BodyTrack]:
    """Somebody who turns slowly, is away for three frames, and turns on after a cut."""
    points = standing(reader, np.linspace(-60, 120, 24))
    points[8:11] = 0
    track = track_of(points, (16,))
    return track, reader.read(track)


def test_facings_are_joined_by_their_certainties() -> None:
    sure = FacingTrack(np.array([10.0, 170, 0]), np.array([0.95, 0.9, 0.0]))
    other = FacingTrack(np.array([10.0, -170, -90]), np.array([0.95, 0.9, 0.7]))
    joined = sure.joined(other)
    np.testing.assert_allclose(degrees_apart(joined.degrees, [10, 180, -90]), 0, atol=1e-3)
    assert joined.certainty[0] > 0.97
    assert joined.certainty[2] == pytest.approx(0.7, abs=0.01)
    against = FacingTrack(np.array([0.0]), np.array([0.9])).joined(FacingTrack(np.array([180.0]), np.array([0.9])))
    assert not against.told[0]
    np.testing.assert_allclose(sure.disagreement(np.array([10.0, 170, 90])), 0, atol=1e-6)
    away = sure.disagreement(np.array([190.0, -10, 90]))
    assert away[0] > away[1] > 5
    assert away[2] == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="cannot be joined"):
        sure.joined(FacingTrack.unknown(2))


def test_a_spread_is_a_certainty_and_what_is_seen_a_track() -> None:
    angles = np.random.default_rng(0).normal(0, 0.5, 200_000)
    told = FacingTrack.of_spread(np.zeros(1, np.float32), np.array([0.5], np.float32))
    assert float(told.certainty[0]) == pytest.approx(np.abs(np.exp(1j * angles).mean()), abs=0.01)
    seen = FacingTrack.of_seen([None, Facing(0.0, 1.0, 0.8)])
    assert seen.told.tolist() == [False, True]
    assert seen.degrees[1] == pytest.approx(90)
    np.testing.assert_allclose(degrees_apart([170, 0], [-170, 180]), [20, 180])
    with pytest.raises(ValueError, match="certainty"):
        FacingTrack(np.zeros(2), np.array([0.5, 2.0]))


def test_bodies_are_read_piece_by_piece(reader: BodyReader, turning: tuple[PoseTrack, BodyTrack]) -> None:
    track, body = turning
    np.testing.assert_array_equal(body.present, track.present)
    assert not body.joints[~body.present].any()
    here = body.present
    drawn = body.joints[here][..., :2] * body.camera[here, None, :1] + body.camera[here, None, 1:]
    seen = track.points[here][..., 2] > 0.25
    apart = np.linalg.norm(drawn - track.points[here][..., :2], axis=-1)[seen]
    assert float(apart.mean()) < 0.02 * np.ptp(track.points[here][..., 1])
    truth = np.linspace(-60, 120, 24)[here]
    assert float(degrees_apart(body.facing.degrees[here], truth).max()) < 30
    assert not body.facing.certainty[~here].any()
    # the joints' own turns say the same as the vertices of the surface
    vertices = body.vertices(reader.body, 0)
    flat = reader.body.points18(torch.from_numpy(vertices)).numpy()[:, :2]
    np.testing.assert_allclose(flat, drawn[0], atol=0.5)
    with pytest.raises(ValueError, match="nobody"):
        body.vertices(reader.body, 9)


def test_quick_motion_is_followed_where_frames_are_far_apart(reader: BodyReader) -> None:
    points = standing(reader, np.zeros(9))
    points[::2, [sk.RIGHT_WRIST, sk.RIGHT_ELBOW], 1] -= 90  # an arm goes up and down
    points[::2, sk.RIGHT_WRIST, 1] -= 60
    apart = {}
    for rate in (30.0, 3.0):
        body = reader.read(PoseTrack(points, np.ones(9, bool), np.arange(9) / rate, 640, 640))
        drawn = body.joints[..., :2] * body.camera[:, None, :1] + body.camera[:, None, 1:]
        apart[rate] = float(np.linalg.norm(drawn - points[..., :2], axis=-1)[:, sk.RIGHT_WRIST].mean())
    assert apart[3.0] < 0.8 * apart[30.0]


def test_who_saw_the_person_has_a_word_too(reader: BodyReader) -> None:
    track = track_of(standing(reader, np.zeros(3)))
    alone = reader.facing(track)
    told = reader.facing(track, [Facing(0.0, 1.0, 0.99)] * 3)
    assert float(np.abs(alone.degrees).max()) < 20
    assert float(told.degrees.min()) > float(alone.degrees.max()) + 10


class Misled:
    """Lifts as somebody does who takes the person to be turned further by so many degrees."""

    def __init__(self, lifter: TrackLifter, degrees: float) -> None:
        self._lifter, self._degrees = lifter, degrees

    def lift(self, points: torch.Tensor) -> LiftedTrack:
        lifted = self._lifter.lift(points)
        unsure = replace(lifted, spread=torch.full_like(lifted.spread, 0.35))
        return unsure.turned(torch.full((len(points),), self._degrees))


def hips_face(body: BodyTrack) -> FloatArray:
    across = body.joints[:, sk.LEFT_HIP] - body.joints[:, sk.RIGHT_HIP]
    return np.asarray(np.degrees(np.arctan2(across[:, 2], across[:, 0])), dtype=np.float32)


@pytest.mark.parametrize("frames", [1, 5])
def test_a_body_is_turned_to_where_it_is_seen_to_face(reader: BodyReader, frames: int) -> None:
    track = track_of(standing(reader, np.full(frames, 60.0)))
    misled = BodyReader(reader.body, cast(TrackLifter, Misled(reader.lifter, 50.0)))
    seen = [Facing(float(np.cos(np.radians(60))), float(np.sin(np.radians(60))), 0.97)] * frames
    alone, told = misled.read(track), misled.read(track, seen)
    assert float(degrees_apart(hips_face(told), 60).max()) < 20
    assert float(degrees_apart(hips_face(told), 60).max()) < float(degrees_apart(hips_face(alone), 60).min()) - 5
    assert float(degrees_apart(told.facing.degrees, 60).max()) < 25


def test_a_body_stays_where_points_speak_against_who_saw_it(reader: BodyReader) -> None:
    track = track_of(standing(reader, np.zeros(1)))
    told = reader.read(track, [Facing(-1.0, 0.0, 0.8)])
    assert float(degrees_apart(hips_face(told), 0).max()) < 25


def test_who_lies_is_not_turned(reader: BodyReader) -> None:
    points = standing(reader, np.zeros(1))
    points[..., :2] = points[..., 1::-1]  # the head to the left
    track, seen = track_of(points), [Facing(0.0, 1.0, 0.97)]
    np.testing.assert_allclose(reader.read(track, seen).joints, reader.read(track).joints, atol=1e-5)


def test_nobody_gives_no_body(reader: BodyReader) -> None:
    points = np.zeros((4, 18, 3), np.float32)
    points[1, :3] = (5, 5, 1)  # too few for a body
    body = reader.read(track_of(points))
    assert not body.present.any()
    assert not body.facing.certainty.any()


def test_several_photos_share_a_shape(reader: BodyReader) -> None:
    front, side = standing(reader, np.array([0.0])), standing(reader, np.array([70.0]), scale=60.0)
    fitter = BodyFitter(reader.body)
    fit = fit_photos(fitter, reader.lifter, [front[0], side[0]])
    assert fit.turns.shape == (2, BONES, 3, 3)
    np.testing.assert_allclose(float(fit.camera.scale[0] / fit.camera.scale[1]), 200 / 60, rtol=0.1)
    facing = facing_degrees(fit.turns[:, 0]).numpy()
    assert float(degrees_apart(facing, [0, 70]).max()) < 25
    drawn = PointRig.of(reader.body, fit.shape(reader.body)).points(fit.turns)[..., :2]
    drawn = drawn * fit.camera.scale[:, None, None] + fit.camera.shift[:, None]
    for points, own in zip((front[0], side[0]), drawn.numpy(), strict=True):
        seen = points[:, 2] > 0.25
        assert float(np.linalg.norm(own - points[:, :2], axis=1)[seen].mean()) < 0.02 * np.ptp(points[:, 1])
    # nobody leans, though nothing in the pictures says so
    up = PointRig.of(reader.body, fit.shape(reader.body)).points(fit.turns)
    lean = up[:, 1, 2] - up[:, [10, 13], 2].mean(dim=1)
    assert float(lean.abs().max()) < 0.12
    with pytest.raises(ValueError, match="photo 1 shows 0"):
        fit_photos(fitter, reader.lifter, [front[0], np.zeros((18, 3), np.float32)])
    with pytest.raises(ValueError, match="at least one photo"):
        fit_photos(fitter, reader.lifter, [])


@pytest.mark.parametrize("form", list(ENDINGS))
def test_every_form_is_written_once(
    reader: BodyReader, turning: tuple[PoseTrack, BodyTrack], tmp_path: Path, form: PoseForm
) -> None:
    track, body = turning
    poses = ReadPoses("walk.mp4", 30.0, track, body, reader.body)
    path = tmp_path / f"walk{ENDINGS[form]}"
    write_poses(path, form, poses)
    with pytest.raises(OutputError, match="exists"):
        write_poses(path, form, poses)
    write_poses(path, form, poses, overwrite=True)
    if form in ("json", "openpose", "coco"):
        back = read_track(path, width=640, height=640, fps=30.0)
        np.testing.assert_array_equal(back.present, track.present)


def test_motion_capture_gives_the_same_turns_back(
    reader: BodyReader, turning: tuple[PoseTrack, BodyTrack], tmp_path: Path
) -> None:
    track, body = turning
    path = tmp_path / "walk.bvh"
    write_poses(path, "bvh", ReadPoses("walk.mp4", 30.0, track, body, reader.body))
    motion = body_motion(reader.body, human_motion(read_bvh(path)))
    here = np.flatnonzero(body.present)
    cosines = (np.einsum("tdab,tdab->td", motion.turns[here], body.turns().numpy()[here]) - 1) / 2
    degrees = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    legs = [DRIVEN_BONES.index(bone) for bone in ("root", "upperleg01.L", "lowerleg01.R", "upperarm01.L")]
    assert float(degrees[:, legs].max()) < 15
    assert abs(float(motion.root[0, 1])) > 0.5  # the hips are above the ground
    # whoever is away keeps the nearest pose
    np.testing.assert_allclose(motion.turns[8], motion.turns[7], atol=1e-5)


def test_rotations_need_a_body(tmp_path: Path) -> None:
    track = track_of(np.ones((2, 18, 3), np.float32))
    with pytest.raises(OptionError, match="rotations"):
        write_poses(tmp_path / "a.bvh", "bvh", ReadPoses("a.mp4", 25.0, track))
    write_poses(tmp_path / "a.npz", "npz", ReadPoses("a.mp4", 25.0, track))
    with np.load(tmp_path / "a.npz") as content:
        assert "joints" not in content
        np.testing.assert_array_equal(content["points"], track.points)


def test_archives_are_functions_of_their_arrays(tmp_path: Path) -> None:
    arrays = {"a": np.arange(5), "names": np.array(["x", "yy"])}
    write_npz(tmp_path / "one.npz", arrays)
    write_npz(tmp_path / "two.npz", arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with pytest.raises(ValueError, match="Object arrays"):
        write_npz(tmp_path / "three.npz", {"a": np.array([object()])})
    assert not (tmp_path / "three.npz").exists()


def test_a_body_is_drawn_where_it_is(reader: BodyReader) -> None:
    points = standing(reader, np.zeros(1))[0]
    body = reader.read(picture_track(points, 640, 640))
    picture = np.full((640, 640, 3), 255, np.uint8)
    drawn = draw_body(picture, reader.body, body.vertices(reader.body, 0))
    changed = np.asarray((drawn != picture).any(axis=2))
    assert not changed[:, :40].any()
    chest = points[[2, 5, 8, 11], :2].mean(axis=0).round().astype(int)
    assert changed[chest[1], chest[0]]
    assert (picture == 255).all()
    left, right = points[13, :2].round().astype(int), points[10, :2].round().astype(int)
    assert int(drawn[left[1], left[0], 2]) > int(drawn[left[1], left[0], 0])  # blue
    assert int(drawn[right[1], right[0], 0]) > int(drawn[right[1], right[0], 2])  # orange
