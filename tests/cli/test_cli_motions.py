"""`motionwarp motions` and motion capture at the command line, as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_motions import captured, write_captured

from motionwarp.motions.catalog import SHIPPED
from motionwarp.motions.files import load_library_motion, read_motion

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOTIONWARP_MOTIONS", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def test_a_motion_is_added_listed_shown_and_removed(motionwarp: Run, own_folder: Path) -> None:
    write_captured(Path("still.bvh.gz"))
    added = motionwarp("motions", "add", "my-still", "still.bvh.gz", "--title", "Nothing moves.", "--json")
    assert added.exit_code == 0, added.stderr
    assert json.loads(added.stdout)["path"] == str(own_folder / "my-still.safetensors")
    listed = json.loads(motionwarp("motions", "list", "--json").stdout)["motions"]
    mine = next(entry for entry in listed if entry["name"] == "my-still")
    assert (mine["ships"], mine["title"], mine["frames"]) == (False, "Nothing moves.", 6)
    assert {"wave", "walk"} <= {entry["name"] for entry in listed if entry["ships"]}
    assert "Nothing moves." in motionwarp("motions", "show", "my-still").stdout
    assert motionwarp("motions", "remove", "my-still").exit_code == 0
    assert not list(own_folder.glob("*"))
    again = motionwarp("motions", "remove", "my-still")
    assert (again.exit_code, "no motion of this name" in again.stderr) == (2, True)
    shipped = motionwarp("motions", "remove", "wave")
    assert (shipped.exit_code, "ships with motionwarp" in shipped.stderr) == (2, True)


def test_a_damaged_motion_of_ones_own_does_not_hide_the_others(motionwarp: Run, own_folder: Path) -> None:
    own_folder.mkdir()
    (own_folder / "broken.safetensors").write_bytes(b"nothing")
    result = motionwarp("motions", "list")
    assert result.exit_code == 0
    assert "broken.safetensors" in result.stderr
    assert "wave" in result.stdout


def test_a_motion_is_shown_as_a_clip(motionwarp: Run) -> None:
    result = motionwarp("motions", "show", "nod", "-o", "nod.mp4", "--view", "40", "--json")
    assert result.exit_code == 0, result.stderr
    with av.open("nod.mp4") as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == json.loads(result.stdout)["frames"] == 61
    assert np.abs(frames[18].astype(int) - frames[0]).max() > 60
    assert motionwarp("motions", "show", "nod", "-o", "nod.mp4").exit_code == 2


def test_a_motion_goes_out_as_bvh_and_comes_back(motionwarp: Run) -> None:
    result = motionwarp("motions", "show", "wave", "-o", "wave.bvh")
    assert result.exit_code == 0, result.stderr
    own, back = load_library_motion(SHIPPED / "wave.safetensors").motion, read_motion(Path("wave.bvh"))
    assert (len(back), back.frame_rate) == (len(own), pytest.approx(30, rel=1e-4))
    arms = [index for index in range(20) if index in (7, 8, 11, 12)]
    along = own.turns[:, arms] @ np.array([0, 1, 0]), back.turns[:, arms] @ np.array([0, 1, 0])
    angle = np.degrees(np.arccos(np.clip((along[0] * along[1]).sum(-1), -1, 1)))
    assert float(np.median(angle)) < 12
    refused = motionwarp("motions", "show", "wave", "-o", "side.bvh", "--view", "30")
    assert refused.exit_code == 2


def test_names_are_driving_and_unknown_ones_are_told(motionwarp: Run, repository_root: Path) -> None:
    person = repository_root / "examples" / "person.jpg"
    done = motionwarp(
        "transfer", person, "nod", "--engine", "layered", "--size", "160", "--device", "cpu", "--end", "0.2", "--json"
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["output"] == "person_nod.mp4"
    assert json.loads(done.stdout)["frames"] == 6
    unknown = motionwarp("transfer", person, "nodd")
    assert unknown.exit_code == 2
    assert "Perhaps nod" in unknown.stderr
    clip = repository_root / "examples" / "dance.mp4"
    view = motionwarp("transfer", person, clip, "--view", "30", "--engine", "layered")
    assert view.exit_code == 2
    assert "--engine avatar" in view.stderr
    background = motionwarp("transfer", person, "nod", "--background", "driving")
    assert background.exit_code == 2
    assert "no pictures to put behind" in background.stderr


def test_points_of_motion_capture_are_seen_from_a_side(motionwarp: Run) -> None:
    lowered = {"LeftArm": np.tile([0.0, 0, -70], (6, 1)), "RightArm": np.tile([0.0, 0, 70], (6, 1))}
    write_captured(Path("still.bvh"), captured(turns=lowered))
    result = motionwarp("pose", "still.bvh", "-o", "back.json", "--view", "180")
    assert result.exit_code == 0, result.stderr
    frames = np.array(json.loads(Path("back.json").read_text())["frames"])
    assert frames.shape == (6, 18, 3)
    assert (frames[:, 0, 2] == 0).all()
    assert (frames[:, 5, 0] < frames[:, 2, 0]).all()
    cat = captured(names={"LeftArm": "front_paw", "Head": "snout"})
    write_captured(Path("cat.bvh"), cat)
    refused = motionwarp("pose", "cat.bvh", "-o", "cat.json")
    assert refused.exit_code != 0
    assert "lacks bones of a person: head, left shoulder" in refused.stderr


def test_motion_capture_gives_its_body_in_every_form(motionwarp: Run) -> None:
    swing = np.linspace(0, 60, 6)
    lowered = {
        "LeftArm": np.stack([0 * swing, 0 * swing, swing - 70], axis=1),
        "RightArm": np.tile([0.0, 0, 70], (6, 1)),
    }
    write_captured(Path("raise.bvh"), captured(turns=lowered))
    bodies = {}
    for view, facing in (("0", 0.0), ("90", 90.0)):
        result = motionwarp("pose", "raise.bvh", "-o", f"{view}.npz", "--format", "npz", "--view", view)
        assert result.exit_code == 0, result.stderr
        bodies[view] = body = dict(np.load(f"{view}.npz"))
        assert body["body_present"].all()
        np.testing.assert_allclose(body["facing_degrees"], facing, atol=3)
        # the points are those of the body, through its camera
        scale, shift = body["camera"][:, None, :1], body["camera"][:, None, 1:]
        seen = body["points"][..., 2] > 0
        drawn = body["joints"][..., :2] * scale + shift
        np.testing.assert_allclose(drawn[seen], body["points"][..., :2][seen], atol=0.01)
    wrist, shoulder = bodies["0"]["joints"][:, 7], bodies["0"]["joints"][:, 5]
    assert (np.diff(wrist[:, 1] - shoulder[:, 1]) < -0.01).all()  # y is down: the left hand rises
    # seen from the person's right side, who looks to the picture's right, the raised left hand is farther away
    assert bodies["90"]["joints"][-1, 7, 2] - bodies["90"]["joints"][-1, 5, 2] > 0.2

    assert motionwarp("pose", "raise.bvh", "-o", "raise.json").exit_code == 0
    told = json.loads(Path("raise.json").read_text())["body"]
    np.testing.assert_allclose(np.array(told["joints"]), bodies["0"]["joints"], atol=1e-3)
    assert motionwarp("pose", "raise.bvh", "-o", "plain.json", "--no-body").exit_code == 0
    assert "body" not in json.loads(Path("plain.json").read_text())

    result = motionwarp("pose", "raise.bvh", "-o", "out", "--format", "bvh", "--overlay-body", "--json")
    assert result.exit_code == 0, result.stderr
    [facts] = json.loads(result.stdout)["inputs"]
    again = motionwarp("pose", Path("out") / "raise.bvh", "-o", "again.npz", "--format", "npz")
    assert again.exit_code == 0, again.stderr
    np.testing.assert_allclose(np.load("again.npz")["joints"], bodies["0"]["joints"], atol=0.03)
    with av.open(facts["overlay_body"]) as clip:
        assert len(list(clip.decode(video=0))) == 6


def test_a_clip_becomes_a_motion(motionwarp: Run, repository_root: Path, own_folder: Path) -> None:
    dance = repository_root / "examples" / "dance.mp4"
    result = motionwarp("motions", "add", "twirl", dance, "--end", "0.6", "--device", "cpu", "--json")
    assert result.exit_code == 0, result.stderr
    motion = load_library_motion(own_folder / "twirl.safetensors").motion
    assert 0.4 <= motion.duration_seconds <= 0.8
    assert np.abs(motion.facing()).max() < 60
    assert np.linalg.norm(motion.root, axis=1).max() < 1
