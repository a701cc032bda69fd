"""Retargeting while it happens, beside the retargeting of the whole clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionwarp.pose.causal_retargeting import CausalRetargeter
from motionwarp.pose.formats.pose_file import read_pose, read_track
from motionwarp.pose.kinematics import VISIBLE_SCORE, typical_torso
from motionwarp.pose.retargeting import retarget_track
from motionwarp.types import Pose, PoseTrack


@pytest.fixture(scope="module")
def examples(repository_root: Path) -> tuple[Pose, PoseTrack]:
    folder = repository_root / "examples"
    return read_pose(folder / "person.keypoints18.json"), read_track(folder / "dance.keypoints18.json")


def live(source: Pose, track: PoseTrack) -> np.ndarray:
    retarget = CausalRetargeter(source)
    moved = [retarget(points, time) for points, time in zip(track.points, track.times_seconds, strict=True)]
    return np.stack([pose for pose in moved if pose is not None])


def test_once_measured_it_is_what_the_whole_clip_gives(examples: tuple[Pose, PoseTrack]) -> None:
    source, track = examples
    whole = retarget_track(track, source).track.points
    ours = live(source, track)
    torso = typical_torso(whole)
    later = slice(len(ours) * 2 // 3, None)
    apart = np.linalg.norm((ours - whole)[later, :, :2], axis=-1) / torso
    assert np.median(apart) < 0.06
    # limbs point where the dancer's do, from the first frame on
    for parent, child in ((2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (11, 12)):
        directions = [points[:, child, :2] - points[:, parent, :2] for points in (ours, track.points)]
        unit = [step / np.linalg.norm(step, axis=-1, keepdims=True) for step in directions]
        assert np.median((unit[0] * unit[1]).sum(axis=-1)) > 0.999


def test_it_knows_nothing_of_the_future(examples: tuple[Pose, PoseTrack]) -> None:
    source, track = examples
    retarget = CausalRetargeter(source)
    some = [retarget(track.points[index], float(track.times_seconds[index])) for index in range(30)]
    assert np.stack([pose for pose in some if pose is not None]) == pytest.approx(live(source, track)[:30])


def test_nobody_jumps_while_it_measures(examples: tuple[Pose, PoseTrack]) -> None:
    source, track = examples
    ours = live(source, track)
    torso = typical_torso(ours)
    steps = np.linalg.norm(np.diff(ours[:, 1, :2], axis=0), axis=-1) / torso
    theirs = np.linalg.norm(np.diff(track.points[:, 1, :2], axis=0), axis=-1) / typical_torso(track.points)
    assert steps.max() < theirs.max() + 0.08


def test_nothing_seen_gives_nothing_and_forgetting_begins_anew(examples: tuple[Pose, PoseTrack]) -> None:
    source, track = examples
    retarget = CausalRetargeter(source)
    blind = track.points[0].copy()
    blind[:, 2] = VISIBLE_SCORE / 2
    assert retarget(blind, 0.0) is None
    first = retarget(track.points[0], 0.1)
    for index in range(1, 40):
        retarget(track.points[index] * [1, 1, 1], 0.1 + index / 25)
    retarget.forget()
    again = retarget(track.points[0], 10.0)
    assert first is not None
    assert again is not None
    assert again == pytest.approx(first)
