"""Avatars to disk and back, and files that are none."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_avatar import small_avatar, small_stored_avatar

from motionwarp.avatar.files import ARCHITECTURE, load_avatar, save_avatar
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.errors import OutputError, WeightsError


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return save_avatar(tmp_path / "alice.safetensors", small_stored_avatar())


def test_what_comes_back_is_what_was_saved(stored: Path) -> None:
    made, found = small_avatar(), load_avatar(stored).person.avatar
    for name in ("positions", "uv", "side_uv", "facing", "bones", "bone_weights", "faces", "layers"):
        own, other = getattr(made.sheets, name), getattr(found.sheets, name)
        assert own.dtype == other.dtype
        np.testing.assert_array_equal(own, other)
    np.testing.assert_array_equal(made.atlas.texels, found.atlas.texels)
    np.testing.assert_array_equal(made.atlas.home, found.atlas.home)
    np.testing.assert_array_equal(made.rotations, found.rotations)
    np.testing.assert_array_equal(made.joints, found.joints)
    np.testing.assert_array_equal(made.coefficients, found.coefficients)
    assert (made.scale, made.shift) == (found.scale, found.shift)


def test_the_photo_and_what_was_seen_come_back_too(stored: Path) -> None:
    made, found = small_stored_avatar(), load_avatar(stored)
    for name in ("rgb", "matte", "parsing"):
        np.testing.assert_array_equal(getattr(made.person, name), getattr(found.person, name))
    np.testing.assert_array_equal(made.person.pose.points, found.person.pose.points)
    np.testing.assert_array_equal(made.plate, found.plate)
    told = [(each.notes, each.score, each.matte_given, each.photos, each.person.photos) for each in (made, found)]
    assert told[0] == told[1]
    assert found.person.photo_size == (24, 20)


def test_the_one_read_is_drawn_like_the_one_made(stored: Path) -> None:
    made, found = small_avatar(), load_avatar(stored).person.avatar
    camera = np.array([60, 32, 40], dtype=np.float32)
    pictures = [
        each.render(each.transforms(each.rotations, each.joints), camera, (80, 64))[0] for each in (made, found)
    ]
    assert pictures[0][..., 3].max() > 200
    np.testing.assert_array_equal(*pictures)


def rewritten(path: Path, **changes: torch.Tensor | None) -> Path:
    """Change tensors of a file and keep what it says of itself; None takes one out."""
    with safe_open(path, framework="np") as opened:
        metadata = opened.metadata()
    tensors = {**load_file(path), **changes}
    kept = {name: tensor.clone().contiguous() for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, path, metadata=metadata)
    return path


def changed(path: Path, name: str, place: tuple[int, ...], value: float) -> torch.Tensor:
    tensor = load_file(path)[name].clone()
    tensor[place] = value
    return tensor


@pytest.mark.parametrize(
    ("name", "place", "value", "told"),
    [
        ("positions", (0, 0), float("nan"), "vertices that are not finite"),
        ("positions", (3, 2), 1e9, "vertices that are not finite or far"),
        ("joints", (3, 2), float("inf"), "joints that are not finite"),
        ("uv", (0, 1), float("-inf"), "texture coordinates"),
        ("side_uv", (0, 1), float("nan"), "places of sides"),
        ("facing", (1,), 2.0, "cosine"),
        ("faces", (2, 1), 30, "vertices that are not there"),
        ("faces", (2, 1), -1, "vertices that are not there"),
        ("bones", (4, 0), 20, "bones that are not there"),
        ("bones", (4, 3), -1, "bones that are not there"),
        ("layers", (0,), 30, "layers"),
        ("bone_weights", (9, 1), 7.0, "sum to 1"),
        ("bone_weights", (9, 3), float("nan"), "sum to 1"),
        ("rotations", (1, 0, 0), 4.0, "rotations"),
        ("rotations", (1, 2, 2), float("nan"), "rotations"),
        ("camera", (0,), 0.0, "camera"),
        ("camera", (2,), float("nan"), "camera"),
        ("coefficients", (0,), float("nan"), "shape"),
        ("parsing", (3, 3), 20, "classes"),
        ("points", (3, 0), float("inf"), "points"),
        ("points", (3, 2), 1.5, "scores"),
    ],
)
def test_values_that_no_avatar_has_are_refused(
    stored: Path, name: str, place: tuple[int, ...], value: float, told: str
) -> None:
    rewritten(stored, **{name: changed(stored, name, place, value)})
    with pytest.raises(WeightsError, match=told):
        load_avatar(stored)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("positions", torch.zeros(30, 2)),
        ("positions", torch.zeros(29, 3)),
        ("positions", torch.zeros(30, 3, dtype=torch.float64)),
        ("faces", torch.zeros(32, 3)),
        ("faces", torch.zeros(0, 3, dtype=torch.int32)),
        ("layers", torch.zeros(32, 1, dtype=torch.int32)),
        ("texels", torch.zeros(32, 32, 4, dtype=torch.uint8)),
        ("texels", torch.zeros(31, 32, 5, dtype=torch.uint8)),
        ("home", torch.zeros(32, 32, 2, dtype=torch.int64)),
        ("rotations", torch.eye(3).repeat(163, 1, 1)),
        ("camera", torch.zeros(())),
        ("camera", None),
        ("plate", torch.zeros(20, 23, 3, dtype=torch.uint8)),
        ("matte", torch.zeros(20, 24)),
        ("secret", torch.zeros(1)),
    ],
)
def test_arrays_of_other_forms_are_refused(stored: Path, name: str, tensor: torch.Tensor | None) -> None:
    rewritten(stored, **{name: tensor})
    with pytest.raises(WeightsError, match=r"array '|no triangles"):
        load_avatar(stored)


def test_reflections_are_no_rotations(stored: Path) -> None:
    rewritten(stored, rotations=-load_file(stored)["rotations"])
    with pytest.raises(WeightsError, match="rotations"):
        load_avatar(stored)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"format": 1, "bones": list(DRIVEN_BONES)},
        {"format": 3, "bones": list(DRIVEN_BONES)},
        {"format": 2, "bones": list(DRIVEN_BONES)},
        {"format": 2, "bones": list(DRIVEN_BONES), "body": "0" * 64},
        {"format": "x" * 9999, "bones": list(DRIVEN_BONES)},
        {"format": 2, "bones": ["tail"]},
        {"format": [1], "bones": list(DRIVEN_BONES)},
    ],
)
def test_other_formats_are_refused_with_what_to_do(tmp_path: Path, stored: Path, config: dict[str, Any]) -> None:
    other = save_checkpoint(tmp_path / "b.safetensors", load_file(stored), ARCHITECTURE, config)
    with pytest.raises(WeightsError, match="format 2 over the body") as failure:
        load_avatar(other)
    assert "motionwarp avatar" in failure.value.remedy
    assert len(failure.value.problem) < 200


@pytest.mark.parametrize(
    ("fact", "value"),
    [("notes", "x"), ("notes", ["\x1b[2J"]), ("score", 2), ("score", "1"), ("photos", 0), ("matte_given", 1)],
)
def test_facts_that_no_avatar_has_are_refused(tmp_path: Path, stored: Path, fact: str, value: object) -> None:
    with safe_open(stored, framework="np") as opened:
        config = json.loads(opened.metadata()["config"])
    other = save_checkpoint(tmp_path / "b.safetensors", load_file(stored), ARCHITECTURE, {**config, fact: value})
    with pytest.raises(WeightsError, match="does not tell"):
        load_avatar(other)


def test_foreign_and_damaged_files_are_refused(tmp_path: Path, stored: Path) -> None:
    network = save_checkpoint(tmp_path / "net.safetensors", {"w": torch.zeros(2)}, "analyser", {})
    pickled, photo, cut = (tmp_path / f"{name}.safetensors" for name in ("pickled", "photo", "cut"))
    pickled.write_bytes(pickle.dumps({"positions": [1]}, protocol=4))
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))
    cut.write_bytes(stored.read_bytes()[:-100])
    for path, told in ((network, "'analyser'"), (pickled, "pickle"), (photo, "truncated"), (cut, "truncated")):
        with pytest.raises(WeightsError, match=told):
            load_avatar(path)
    with pytest.raises(WeightsError, match="no such file"):
        load_avatar(tmp_path / "missing.safetensors")


def test_the_file_says_what_it_is(stored: Path) -> None:
    with safe_open(stored, framework="np") as opened:
        metadata = opened.metadata()
    assert metadata["architecture"] == "avatar"
    assert json.loads(metadata["config"])["format"] == 2


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_avatar(tmp_path / "alice.bin", small_stored_avatar())
    assert not list(tmp_path.iterdir())
