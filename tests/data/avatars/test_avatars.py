"""Avatars move as they are told, and their pictures' labels are true: sides, cuts, hidden points, facing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_avatar import write_avatar
from safetensors.numpy import load_file, save_file
from scipy.spatial.transform import Rotation

from motionwarp.body import joint_names as jn
from motionwarp.data.avatars.backdrops import Backdrops
from motionwarp.data.avatars.packing import AvatarPackWriter, labeled, read_truth
from motionwarp.data.avatars.poses import Take, drawn_pose
from motionwarp.data.avatars.posing import pose_avatar
from motionwarp.data.avatars.rendering import Lamp, OrbitCamera, plain_dyes, render_avatar
from motionwarp.data.avatars.rigged import RiggedAvatar, load_avatar
from motionwarp.data.avatars.scenes import COVERED_SCORE, HIDDEN_SCORE, Cast, SceneSettings, draw_view, facing_of
from motionwarp.data.avatars.splits import avatar_folders, avatar_split, take_files, take_split
from motionwarp.data.pack import PackReader
from motionwarp.errors import InputError
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk


@pytest.fixture(scope="module")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> RiggedAvatar:
    return load_avatar(write_avatar(tmp_path_factory.mktemp("avatars") / "Made_F_1"))


@pytest.fixture(scope="module")
def cast(avatar: RiggedAvatar) -> Cast:
    frames = np.stack([drawn_pose(avatar.frames, np.random.default_rng(seed))[0] for seed in range(4)])
    gray = np.full((80, 60, 3), 90, dtype=np.uint8)
    return Cast([avatar], [Take("made_01", "made", frames)], Backdrops([gray], [gray]))


def camera(azimuth: float) -> OrbitCamera:
    return OrbitCamera(azimuth, 0, 0, 4, (0, 0.9, 0), 360, 119.5, 159.5)


def test_left_is_left_and_the_face_is_in_front(avatar: RiggedAvatar) -> None:
    points = avatar.points
    for point in (sk.LEFT_SHOULDER, sk.LEFT_WRIST, sk.LEFT_HIP, sk.LEFT_ANKLE, sk.LEFT_EYE, sk.LEFT_EAR):
        assert points[point, 0] > 0.01
        np.testing.assert_allclose(points[sk.MIRROR[point]] * (-1, 1, 1), points[point], atol=1e-3)
    assert points[sk.NOSE, 2] > 0.11
    assert points[sk.LEFT_EYE, 2] == pytest.approx(0.095, abs=1e-3)
    assert points[sk.LEFT_EAR, 2] < points[sk.LEFT_EYE, 2]


def test_the_rest_pose_gives_the_mesh_back(avatar: RiggedAvatar) -> None:
    posed = pose_avatar(avatar, avatar.frames)
    np.testing.assert_allclose(posed.vertices, avatar.vertices, atol=1e-5)
    np.testing.assert_allclose(posed.points, avatar.points, atol=1e-5)
    np.testing.assert_allclose(posed.forward, [0, 0, 1], atol=0.02)


def test_turning_the_frames_turns_the_body(avatar: RiggedAvatar) -> None:
    turn = Rotation.from_euler("Y", 70, degrees=True).as_matrix().astype(np.float32)
    still, turned = pose_avatar(avatar, avatar.frames), pose_avatar(avatar, turn @ avatar.frames)
    np.testing.assert_allclose(turned.vertices, still.vertices @ turn.T, atol=1e-5)
    np.testing.assert_allclose(turned.normals, still.normals @ turn.T, atol=1e-5)


def test_bones_keep_their_length_in_any_pose(avatar: RiggedAvatar) -> None:
    for seed in range(20):
        frames, _ = drawn_pose(avatar.frames, np.random.default_rng(seed))
        points = pose_avatar(avatar, frames, 0.4).points
        for one, other in (
            (sk.LEFT_SHOULDER, sk.LEFT_ELBOW),
            (sk.RIGHT_ELBOW, sk.RIGHT_WRIST),
            (sk.LEFT_KNEE, sk.LEFT_ANKLE),
        ):
            length = np.linalg.norm(avatar.points[one] - avatar.points[other])
            assert np.linalg.norm(points[one] - points[other]) == pytest.approx(length, abs=1e-4)


def test_fingers_curl_into_the_palm(avatar: RiggedAvatar) -> None:
    flat, curled = pose_avatar(avatar, avatar.frames), pose_avatar(avatar, avatar.frames, 0.5)
    tips = np.abs(avatar.vertices[:, 0]) > 0.87
    lower = (curled.vertices - flat.vertices)[tips, 1]
    assert tips.sum() > 10
    assert (lower < -0.01).all()


@pytest.mark.parametrize(("azimuth", "facing"), [(0, 0), (90, -90), (-90, 90), (180, 180)])
def test_facing_is_told_from_the_cameras_side(avatar: RiggedAvatar, azimuth: float, facing: float) -> None:
    posed = pose_avatar(avatar, avatar.frames)
    angle, certainty = facing_of(posed, camera(azimuth))
    assert (angle - facing + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert certainty == 1
    # who faces the picture's right has the nose there
    points = camera(azimuth).project(posed.points)
    aside = points[sk.NOSE, 0] - points[[sk.LEFT_EAR, sk.RIGHT_EAR], 0].mean()
    assert np.sign(np.round(aside)) == np.sign(np.round(np.sin(np.deg2rad(facing)), 6))


def test_a_picture_shows_what_is_there(avatar: RiggedAvatar) -> None:
    posed = pose_avatar(avatar, avatar.frames)
    front = render_avatar(avatar, posed, camera(0), Lamp(), plain_dyes(), 320, 240)
    back = render_avatar(avatar, posed, camera(180), Lamp(), plain_dyes(), 320, 240)
    seen = camera(0).project(posed.points)
    column, row = np.rint(seen[sk.LEFT_WRIST, :2]).astype(int)
    assert column > 120
    assert front.parsing[row, column] == labels.LEFT_ARM
    assert back.parsing[row, 239 - column] == labels.LEFT_ARM
    assert front.matte[row, column] == 1
    assert front.matte[5, 5] == 0
    assert front.parsing[5, 5] == labels.BACKGROUND
    assert np.isinf(front.depth[5, 5])
    assert set(np.unique(front.parsing)) >= {
        labels.FACE, labels.UPPER_CLOTHES, labels.PANTS, labels.LEFT_SHOE, labels.RIGHT_SHOE, labels.RIGHT_ARM
    }  # fmt: skip
    column, row = np.rint(seen[sk.NECK, :2]).astype(int)
    assert front.depth[row + 10, column] == pytest.approx(3.9, abs=0.03)
    blue = front.rgb[row + 10, column]
    assert blue[2] > 2 * blue[0]


def test_dyes_change_clothes_and_leave_skin(avatar: RiggedAvatar) -> None:
    posed = pose_avatar(avatar, avatar.frames)
    plain = render_avatar(avatar, posed, camera(0), Lamp(), plain_dyes(), 320, 240)
    dyes = plain_dyes()
    dyes[1:, 0] = 0
    dark = render_avatar(avatar, posed, camera(0), Lamp(), dyes, 320, 240)
    skin = (plain.parsing == labels.LEFT_ARM) & (plain.matte == 1)
    top = (plain.parsing == labels.UPPER_CLOTHES) & (plain.matte == 1)
    middle = np.asarray(top[1:-1] & top[2:] & top[:-2])
    np.testing.assert_array_equal(dark.rgb[skin], plain.rgb[skin])
    assert dark.rgb[1:-1][middle].max() < plain.rgb[1:-1][middle].max() / 2


def test_views_are_functions_of_their_seed(cast: Cast) -> None:
    one, again, other = (draw_view(cast, SceneSettings(), np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.rgb, again.rgb)
    np.testing.assert_array_equal(one.pose.points, again.pose.points)
    assert not np.array_equal(one.rgb, other.rgb)


def test_the_side_that_is_asked_for_shows(cast: Cast) -> None:
    for number, facing in enumerate(np.arange(-170, 180, 20)):
        view = draw_view(cast, SceneSettings(drawn=1), np.random.default_rng(number), facing=float(facing))
        if view.certainty == 1:
            assert (view.facing - facing + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)


def test_points_outside_of_the_frame_are_absent(cast: Cast) -> None:
    for number in range(12):
        view = draw_view(cast, SceneSettings(occluded=0), np.random.default_rng(number), cut="hip")
        points = view.pose.points
        below = points[:, 1] > view.rgb.shape[0]
        assert (points[below, 2] == 0).all()
        assert below[[sk.LEFT_ANKLE, sk.RIGHT_ANKLE]].all() or not view.name.endswith(("standing", "gesturing"))
        assert np.isclose(points[:, 2, None], [0, HIDDEN_SCORE, 1]).any(axis=1).all()
    for number in range(12):
        view = draw_view(cast, SceneSettings(occluded=0), np.random.default_rng(number), cut="none")
        assert (view.pose.scores > 0).all()


def test_faces_are_hidden_from_behind(cast: Cast) -> None:
    settings = SceneSettings(drawn=1, occluded=0)
    views = [draw_view(cast, settings, np.random.default_rng(n), facing=180.0, cut="none") for n in range(12)]
    standing = [view for view in views if view.name.endswith("standing")]
    assert len(standing) > 2
    for view in standing:
        assert view.pose.scores[sk.NOSE] == pytest.approx(HIDDEN_SCORE)
        assert view.pose.xy[sk.LEFT_SHOULDER, 0] < view.pose.xy[sk.RIGHT_SHOULDER, 0]


def test_what_stands_before_somebody_is_not_them(cast: Cast) -> None:
    views = [draw_view(cast, SceneSettings(occluded=1), np.random.default_rng(n)) for n in range(8)]
    covered = [view for view in views if (np.isclose(view.pose.scores, COVERED_SCORE)).any()]
    assert covered
    for view in covered:
        for x, y, score in view.pose.points:
            if np.isclose(score, COVERED_SCORE):
                assert view.matte[round(y), round(x)] < 0.5
                assert view.parsing[round(y), round(x)] == labels.BACKGROUND


def test_a_pack_reads_back_plainly_and_with_its_truth(cast: Cast, tmp_path: Path) -> None:
    views = [draw_view(cast, SceneSettings(), np.random.default_rng(n)) for n in range(3)]
    writer = AvatarPackWriter()
    for view in views:
        writer.add(view)
    path = tmp_path / "avatars.pack"
    assert writer.write(path) == path.stat().st_size
    assert [file.name for file in tmp_path.iterdir()] == ["avatars.pack"]
    reader, truth = PackReader(path), read_truth(path)
    for number, view in enumerate(views):
        sample = reader[number]
        np.testing.assert_array_equal(sample.points, view.pose.points)
        np.testing.assert_array_equal(sample.parsing, labeled(view).parsing)
        assert sample.name == f"avatars/{view.name}/{view.cut}"
        angle = np.rad2deg(np.arctan2(truth.facing[number, 1], truth.facing[number, 0]))
        assert angle == pytest.approx(view.facing, abs=1e-3)
        np.testing.assert_array_equal(truth.joints[number], view.joints)


def test_a_pack_of_others_has_no_truth(tmp_path: Path, cast: Cast) -> None:
    from motionwarp.data.pack import PackWriter

    writer = PackWriter()
    writer.add(labeled(draw_view(cast, SceneSettings(), np.random.default_rng(0))))
    writer.write(tmp_path / "plain.pack")
    with pytest.raises(InputError, match="from where"):
        read_truth(tmp_path / "plain.pack")


def test_broken_avatars_are_refused(tmp_path: Path) -> None:
    good = write_avatar(tmp_path / "good")
    with pytest.raises(InputError, match="no avatar's mesh"):
        load_avatar(tmp_path)
    tensors = load_file(good / "mesh.safetensors")
    names = {
        "joint_names": json.dumps([f"bone{n}" for n in range(len(tensors["joint_positions"]))]),
        "textures": '["0.png"]',
    }
    save_file(tensors, good / "mesh.safetensors", names)
    with pytest.raises(InputError, match="none of its"):
        load_avatar(good)
    save_file({**tensors, "faces": tensors["faces"] + 60000}, good / "mesh.safetensors", names)
    with pytest.raises(InputError, match="not there"):
        load_avatar(good)
    save_file(tensors, good / "mesh.safetensors", {**names, "textures": '["../0.png"]'})
    with pytest.raises(InputError, match="names"):
        load_avatar(good)


def test_splits_are_kept_apart(tmp_path: Path) -> None:
    assert avatar_split("X_MENA_F_1_Busi") == "validation"
    assert avatar_split("MENA_F_1_Casual") == "train"
    assert [take_split(f"cmu_{name}.bvh.gz") for name in ("005_12", "131_01", "005_02", "001_14")] == [
        "validation", "validation", "train", "train"
    ]  # fmt: skip
    write_avatar(tmp_path / "X_one")
    assert [folder.name for folder in avatar_folders(tmp_path, "validation")] == ["X_one"]
    with pytest.raises(InputError, match="train"):
        avatar_folders(tmp_path, "train")
    with pytest.raises(InputError, match="no motion"):
        take_files(tmp_path, "train")


@pytest.mark.shared_data
def test_real_avatars_walk_upright_and_show_their_sides(shared_data: Path) -> None:
    from motionwarp.data.avatars.poses import load_takes

    takes = load_takes([shared_data / "motion" / "cmu_007_03.bvh.gz"])
    for name in ("Black_F_2_Casual", "White_M_1_Casual", "Asian_F_1_Casual"):
        person = load_avatar(shared_data / "avatars" / name)
        assert (person.face_labels == labels.HAIR).mean() > 0.02
        posed = pose_avatar(person, takes[0].frames[3], 0.2)
        assert 1.4 < posed.vertices[:, 1].max() < 2.0
        assert posed.points[sk.NOSE, 1] > posed.points[sk.LEFT_HIP, 1] > posed.points[sk.LEFT_ANKLE, 1]
        yaw = float(np.rad2deg(np.arctan2(posed.forward[0], posed.forward[2])))
        seen = camera(yaw + 180).project(posed.points)
        assert seen[sk.LEFT_SHOULDER, 0] < seen[sk.RIGHT_SHOULDER, 0]
        assert person.canonical[jn.HEAD] >= 0
