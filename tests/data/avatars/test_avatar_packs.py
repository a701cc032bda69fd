"""A folder of avatars, motion and photos becomes packs, each split from its own people, takes and photos only."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from made_avatar import JOINTS, write_avatar

from motionwarp.body.bvh import write_bvh
from motionwarp.body.motion_clip import MotionClip, Skeleton
from motionwarp.data.avatars.packing import avatar_views, load_cast, read_truth, write_avatar_pack
from motionwarp.data.avatars.pairs import avatar_pairs
from motionwarp.data.labeled_pairs import PairPackReader
from motionwarp.data.pack import PackReader
from motionwarp.data.pack_kinds import PackOptions, PackRequest
from motionwarp.data.protocols import read_annotations, read_pairs
from motionwarp.engines.registry import pack_kinds
from motionwarp.errors import InputError
from motionwarp.evaluation.options import PlainPairsSettings
from motionwarp.evaluation.plain_pairs import make_plain_pairs
from motionwarp.media.image import read_image
from motionwarp.perception.base import Estimator
from motionwarp.training.analyzer.augment import AugmentSettings
from motionwarp.training.analyzer.samples import AnalyzerCrops, PackShare


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in ("Made_F_1_Casual", "X_Made_M_2_Busi"):
        write_avatar(folder / "avatars" / name)
    names = list(JOINTS)
    parents = tuple(-1 if parent is None else names.index(parent) for parent, _ in JOINTS.values())
    places = np.array([place for _, place in JOINTS.values()], dtype=np.float32)
    offsets = np.array(
        [place - (places[parent] if parent >= 0 else 0) for place, parent in zip(places, parents, strict=True)]
    )
    still = MotionClip(
        Skeleton(tuple(names), parents, offsets),
        np.tile(np.eye(3), (20, len(names), 1, 1)),
        np.tile(places[0], (20, 1)),
        30.0,
    )
    (folder / "motion").mkdir()
    for take in ("cmu_005_02.bvh", "cmu_131_01.bvh.gz"):
        write_bvh(folder / "motion" / take, still)
    for kind in ("photos", "mattes"):
        (folder / "ccp" / kind).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("0001", "0007"):
        cv2.imwrite(str(folder / "ccp/photos" / f"{name}.jpg"), rng.integers(0, 255, (90, 60, 3), dtype=np.uint8))
        matte = np.zeros((45, 30), dtype=np.uint8)
        matte[10:40, 12:18] = 255
        cv2.imwrite(str(folder / "ccp/mattes" / f"{name}.png"), matte)
    (folder / "ccp/keypoints18.json").write_text(json.dumps({name: [[1, 1, 1]] * 18 for name in ("0001", "0007")}))
    return folder


def test_each_split_has_its_own_people(data: Path) -> None:
    train, validation = load_cast(data, "train", 0), load_cast(data, "validation", 0)
    assert [avatar.name for avatar in train.avatars] == ["Made_F_1_Casual"]
    assert [avatar.name for avatar in validation.avatars] == ["X_Made_M_2_Busi"]
    assert [take.name for take in train.takes] == ["cmu_005_02"]
    assert [take.name for take in validation.takes] == ["cmu_131_01"]
    assert len(train.backdrops.clean) == len(validation.backdrops.clean) == 1
    assert not np.array_equal(train.backdrops.clean[0], validation.backdrops.clean[0])


def test_training_reads_a_pack_of_avatars(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "avatars.pack"
    told: list[int] = []
    written = write_avatar_pack(avatar_views(load_cast(data, "train", 0), "train", 6, 3), path, told.append)
    assert told == [1, 2, 3, 4, 5, 6]
    assert (written.pictures, written.bytes) == (6, path.stat().st_size)
    crops = AnalyzerCrops([PackShare(path, 1.0)], AugmentSettings(), 1)
    batch = crops[4]
    assert batch["image"].shape == (3, 256, 192)
    assert batch["points"].shape == (18, 3)


def test_the_same_seed_gives_the_same_pack(data: Path, tmp_path: Path) -> None:
    cast = load_cast(data, "train", 0)
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        write_avatar_pack(avatar_views(cast, "train", 3, seed), tmp_path / name, lambda done: None)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "again").read_bytes()
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()


def test_validation_shows_front_left_back_and_right_in_turn(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "held_out.pack"
    write_avatar_pack(avatar_views(load_cast(data, "validation", 0), "validation", 16, 0), path, lambda done: None)
    facing = read_truth(path).facing
    assert len(PackReader(path)) == 16
    sure = facing[:, 2] == 1
    assert (facing[::4][sure[::4], 0] > 0.69).all()
    assert (facing[2::4][sure[2::4], 0] < -0.69).all()
    assert (facing[1::4][sure[1::4], 1] > 0.69).all()
    assert (facing[3::4][sure[3::4], 1] < -0.69).all()


def test_a_folder_without_avatars_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "ccp").symlink_to(data / "ccp")
    with pytest.raises(InputError, match="no avatar"):
        load_cast(tmp_path, "train", 0)


def test_a_pair_is_of_one_person_in_two_poses(data: Path, tmp_path: Path) -> None:
    cast = load_cast(data, "train", 0)
    pairs = list(islice(avatar_pairs(cast, "train", 2), 3))
    for pair in pairs:
        for picture in (pair.source, pair.target):
            assert picture.rgb.shape == (256, 192, 3)
            assert (picture.points[:, 2] > 0).sum() >= 10
            assert picture.name.startswith("avatars/Made_F_1_Casual/")
        assert np.abs(pair.source.points[:, :2] - pair.target.points[:, :2]).max() > 4
        # the same colors: dyes and light are shared
        source, target = (np.median(picture.rgb[picture.matte > 250], axis=0) for picture in (pair.source, pair.target))
        assert np.abs(source - target).max() < 40
    again = list(islice(avatar_pairs(cast, "train", 2), 3))
    assert all(np.array_equal(one.target.rgb, other.target.rgb) for one, other in zip(pairs, again, strict=True))


def test_the_pack_kind_writes_pairs(data: Path, tmp_path: Path) -> None:
    options = PackOptions(data=data, output=tmp_path / "pairs.pack", count=2, split="validation")
    written = pack_kinds()["pairs-avatars"].written(PackRequest("pairs-avatars", options, lambda done: None))
    reader = PairPackReader(tmp_path / "pairs.pack")
    assert written.pictures == len(reader) == 2
    assert "X_Made_M_2_Busi" in reader[0].source.name


class NobodysEstimator:
    """Is asked for nothing: avatars bring their own labels."""


def test_pairs_of_held_out_avatars_become_files_to_be_measured_with(data: Path, tmp_path: Path) -> None:
    settings = PlainPairsSettings(photos=0, pairs_per_clip=0, avatars=2, seed=4)
    made = make_plain_pairs(data, tmp_path / "out", settings, cast(Estimator, NobodysEstimator()))
    assert (made.reverse, made.of_clips, made.of_avatars) == (0, 0, 2)
    assert list(read_pairs(tmp_path / "out" / "pairs.csv").pairs) == made.pairs
    poses = read_annotations(tmp_path / "out" / "annotation.csv")
    for pair in made.pairs:
        source, target = (read_image(tmp_path / "out" / "images" / name).rgb for name in (pair.source, pair.target))
        assert source.shape == target.shape == (256, 192, 3)
        assert (source != target).any()
        for name, rgb in ((pair.source, source), (pair.target, target)):
            seen = poses[name].points[poses[name].scores > 0]
            assert len(seen) >= 10
            # the points lie on a person, and the corners of the picture are plain
            x, y = np.clip(np.rint(seen[:, :2]).astype(int), 0, (191, 255)).T
            assert (rgb[y, x] != 127).any(axis=1).mean() > 0.7
            assert (rgb[[0, 0, -1, -1], [0, -1, 0, -1]] == 127).all()
