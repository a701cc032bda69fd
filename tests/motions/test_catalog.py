"""The library: found by name, added to by users, and told apart from files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from made_motions import write_captured

from motionwarp.errors import InputError, MediaError, OutputError
from motionwarp.motions.catalog import (
    FOLDER_VARIABLE,
    SHIPPED,
    check_name,
    find_driving,
    find_motion,
    library,
    user_folder,
)
from motionwarp.motions.files import load_library_motion
from motionwarp.pipeline.motion_library import add_motion
from motionwarp.pipeline.motion_options import AddOptions


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "motions"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "motions"


def test_users_have_a_folder_where_systems_have_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "motionwarp" / "motions"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert user_folder() == tmp_path / "home" / ".local" / "share" / "motionwarp" / "motions"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "mine"))
    assert user_folder() == tmp_path / "mine"


def test_files_go_before_names(own_folder: Path) -> None:
    assert find_driving(Path("wave")) == SHIPPED / "wave.safetensors"
    Path("wave").mkdir()
    assert find_driving(Path("wave")) == Path("wave")
    assert find_driving(Path("some/clip.mp4")) == Path("some/clip.mp4")
    assert find_driving(Path("missing.mp4")) == Path("missing.mp4")


def test_near_names_are_told(own_folder: Path) -> None:
    with pytest.raises(MediaError, match=r"squatt: there is no such file, and no motion of this name\. .*squat"):
        find_driving(Path("squatt"))
    with pytest.raises(InputError, match="motions list"):
        find_motion("qqqqqq")


@pytest.mark.parametrize("name", ["", "../up", "A", "a.b", "-a", "a" * 61])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(InputError, match="is no name"):
        check_name(name)


def test_motions_are_added_from_motion_capture(own_folder: Path, tmp_path: Path) -> None:
    source = write_captured(tmp_path / "still.bvh")
    path, entry, warnings = add_motion("my-still", source, AddOptions(title="Still.", licence="CC0", end=0.1))
    assert path == own_folder / "my-still.safetensors"
    assert (len(entry.motion), warnings) == (3, [])
    kept = load_library_motion(path)
    assert (kept.name, kept.title, kept.licence) == ("my-still", "Still.", "CC0")
    assert not library()["my-still"].ships
    assert find_driving(Path("my-still")) == path
    with pytest.raises(OutputError, match="is a motion of this name"):
        add_motion("my-still", source, AddOptions())
    add_motion("my-still", source, AddOptions(overwrite=True))
    assert load_library_motion(path).title == "From still.bvh"


def test_ones_own_go_before_those_that_ship(own_folder: Path, tmp_path: Path) -> None:
    path, _, _ = add_motion("wave", write_captured(tmp_path / "still.bvh"), AddOptions())
    assert find_motion("wave").path == path
    path.unlink()
    assert find_motion("wave").ships
