"""Files of motions: told from others, read, kept, and refused in words."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_motions import MIXAMO, captured, write_captured

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.errors import PoseFileError, WeightsError
from motionwarp.motions.files import (
    LibraryMotion,
    is_motion_file,
    load_library_motion,
    read_motion,
    save_library_motion,
)


def entry(motion: BodyMotion) -> LibraryMotion:
    return LibraryMotion("still", "Nothing moves.", "motionwarp", "Apache-2.0", motion)


def test_files_are_told_by_ending_or_content(tmp_path: Path) -> None:
    bvh = write_captured(tmp_path / "walk.bvh")
    assert is_motion_file(bvh)
    assert is_motion_file(write_captured(tmp_path / "walk.bvh.gz"))
    (tmp_path / "walk.txt").write_bytes(b"\xef\xbb\xbf\n" + bvh.read_bytes())
    assert is_motion_file(tmp_path / "walk.txt")
    (tmp_path / "packed").write_bytes(gzip.compress(bvh.read_bytes()))
    assert is_motion_file(tmp_path / "packed")
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8bnothing")
    save_checkpoint(tmp_path / "net.safetensors", {"a": torch.zeros(1)}, "analyser", {})
    for name in ("clip.mp4", "bad.gz", "net.safetensors", "missing", "."):
        assert not is_motion_file(tmp_path / name), name


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    motion = read_motion(write_captured(tmp_path / "pose.bvh"))
    path = save_library_motion(tmp_path / "still.safetensors", entry(motion))
    kept = load_library_motion(path)
    assert (kept.name, kept.title, kept.author, kept.licence) == ("still", "Nothing moves.", "motionwarp", "Apache-2.0")
    np.testing.assert_allclose(kept.motion.turns, motion.turns, atol=2e-3)
    np.testing.assert_allclose(kept.motion.root, motion.root)
    assert kept.motion.frame_rate == motion.frame_rate
    again = save_library_motion(tmp_path / "again.safetensors", entry(motion))
    assert again.read_bytes() == path.read_bytes()
    assert is_motion_file(path)
    np.testing.assert_array_equal(read_motion(path).turns, kept.motion.turns)


def test_whichever_way_the_capture_looks_the_front_is_in_front(tmp_path: Path) -> None:
    turned = captured(turns={"Hips": np.tile([0, 115, 0], (6, 1))})
    facing = read_motion(write_captured(tmp_path / "turned.bvh", turned)).facing()
    np.testing.assert_allclose(facing, 0, atol=0.5)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"format": 99}, "another format"),
        ({"bones": ["tail"]}, "another format or body"),
        ({"frame_rate": "fast"}, "frame rate"),
        ({"frame_rate": 0}, "frame rate"),
        ({"title": 3}, "no text"),
    ],
)
def test_damaged_texts_are_refused(tmp_path: Path, changed: dict[str, Any], problem: str) -> None:
    config = {
        "format": 1, "bones": list(DRIVEN_BONES), "frame_rate": 30.0, "name": "a", "title": "", "author": "",
        "licence": "",
    }  # fmt: skip
    tensors = {"turns": torch.tensor([1.0, 0, 0, 0, 1, 0]).expand(4, 20, 6).half(), "root": torch.zeros(4, 3)}
    good = save_checkpoint(tmp_path / "good.safetensors", tensors, "motion", config)
    assert len(load_library_motion(good).motion) == 4
    bad = save_checkpoint(tmp_path / "bad.safetensors", tensors, "motion", {**config, **changed})
    with pytest.raises(WeightsError, match=problem):
        load_library_motion(bad)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("turns", torch.zeros(4, 20, 6), "turns that are none"),
        ("turns", torch.full((4, 20, 6), 100.0), "turns that are none"),
        ("turns", torch.zeros(4, 19, 6), "has turns"),
        ("turns", torch.zeros(4, 20, 6, dtype=torch.int32), "no fractions"),
        ("root", torch.full((4, 3), 1e9), "nowhere"),
        ("root", torch.zeros(0, 3), "has turns"),
        ("more", torch.zeros(1), "arrays"),
    ],
)
def test_damaged_numbers_are_refused(tmp_path: Path, name: str, value: torch.Tensor, problem: str) -> None:
    tensors = {"turns": torch.tensor([1.0, 0, 0, 0, 1, 0]).expand(4, 20, 6).half(), "root": torch.zeros(4, 3)}
    config = {
        "format": 1, "bones": list(DRIVEN_BONES), "frame_rate": 30.0, "name": "a", "title": "", "author": "",
        "licence": "",
    }  # fmt: skip
    bad = save_checkpoint(tmp_path / "bad.safetensors", {**tensors, name: value}, "motion", config)
    with pytest.raises(WeightsError, match=problem):
        load_library_motion(bad)


def test_a_skeleton_of_no_person_is_told_by_its_bones(tmp_path: Path) -> None:
    cat = {name: f"{name}_of_a_cat" for name in MIXAMO if name not in ("Hips", "Head")}
    path = write_captured(tmp_path / "cat.bvh", captured(names=cat))
    with pytest.raises(PoseFileError) as caught:
        read_motion(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: its skeleton lacks bones of a person: left shoulder")
    assert "Hips as hips, Head as head" in text
    assert "Mixamo" in text
    assert "Rokoko" in text


def test_a_person_who_is_miles_away_is_refused(tmp_path: Path) -> None:
    way = np.zeros((6, 3))
    way[3:, 0] = 9e5
    with pytest.raises(PoseFileError, match="goes farther than"):
        read_motion(write_captured(tmp_path / "far.bvh", captured(way=way)))


@pytest.mark.parametrize(
    ("convention", "names"),
    [
        ("Unreal", {"Hips": "pelvis", "Spine": "spine_01", "Neck": "neck_01", "Head": "head",
            **{f"{side}{bone}": f"{own}_{side[0].lower()}" for side in ("Left", "Right") for bone, own in (
                ("Arm", "upperarm"), ("ForeArm", "lowerarm"), ("Hand", "hand"), ("UpLeg", "thigh"), ("Leg", "calf"),
                ("Foot", "foot"), ("ToeBase", "ball"))}}),
        ("3ds Max Biped", {"Hips": "Bip01 Pelvis", "Spine": "Bip01 Spine", "Neck": "Bip01 Neck", "Head": "Bip01 Head",
            **{f"{side}{bone}": f"Bip01 {side[0]} {own}" for side in ("Left", "Right") for bone, own in (
                ("Arm", "UpperArm"), ("ForeArm", "Forearm"), ("Hand", "Hand"), ("UpLeg", "Thigh"), ("Leg", "Calf"),
                ("Foot", "Foot"), ("ToeBase", "Toe0"))}}),
        ("SMPL", {"Hips": "Pelvis", "Spine": "Spine1", "Neck": "Neck", "Head": "Head",
            **{f"{side}{bone}": f"{side[0]}_{own}" for side in ("Left", "Right") for bone, own in (
                ("Arm", "Shoulder"), ("ForeArm", "Elbow"), ("Hand", "Wrist"), ("UpLeg", "Hip"), ("Leg", "Knee"),
                ("Foot", "Ankle"), ("ToeBase", "Foot"))}}),
        ("Blender", {"Hips": "spine", "Spine": "spine.001", "Neck": "spine.004", "Head": "spine.006",
            **{f"{side}{bone}": f"{own}.{side[0]}" for side in ("Left", "Right") for bone, own in (
                ("Arm", "upper_arm"), ("ForeArm", "forearm"), ("Hand", "hand"), ("UpLeg", "thigh"), ("Leg", "shin"),
                ("Foot", "foot"), ("ToeBase", "toe"))}}),
        ("Daz", {"Hips": "hip", "Spine": "abdomen", "Neck": "neck", "Head": "head",
            **{f"{side}{bone}": f"{side[0].lower()}{own}" for side in ("Left", "Right") for bone, own in (
                ("Arm", "Shldr"), ("ForeArm", "ForeArm"), ("Hand", "Hand"), ("UpLeg", "Thigh"), ("Leg", "Shin"),
                ("Foot", "Foot"), ("ToeBase", "Toe"))}}),
        ("VRM", {"Hips": "J_Bip_C_Hips", "Spine": "J_Bip_C_Spine", "Neck": "J_Bip_C_Neck", "Head": "J_Bip_C_Head",
            **{f"{side}{bone}": f"J_Bip_{side[0]}_{own}" for side in ("Left", "Right") for bone, own in (
                ("Arm", "UpperArm"), ("ForeArm", "LowerArm"), ("Hand", "Hand"), ("UpLeg", "UpperLeg"),
                ("Leg", "LowerLeg"), ("Foot", "Foot"), ("ToeBase", "ToeBase"))}}),
        ("Rokoko", {"Spine": "Spine1", **{f"{side}{bone}": f"{side}{own}" for side in ("Left", "Right") for bone, own in
            (("UpLeg", "Thigh"), ("Leg", "Shin"), ("ToeBase", "Toe"))}}),
    ],
)  # fmt: skip
def test_skeletons_of_other_programs_move_alike(tmp_path: Path, convention: str, names: dict[str, str]) -> None:
    from motionwarp.body.joint_names import understand

    wave = {"LeftArm": np.stack([np.zeros(6), np.zeros(6), np.linspace(-60, 60, 6)], axis=1)}
    clip = captured(turns=wave, names=names)
    assert understand(clip.skeleton.names).convention == convention
    own = read_motion(write_captured(tmp_path / "own.bvh", captured(turns=wave)))
    other = read_motion(write_captured(tmp_path / "other.bvh", clip))
    np.testing.assert_allclose(other.turns, own.turns, atol=1e-4)
    assert replace(own, frame_rate=1.0).frame_rate == 1.0
