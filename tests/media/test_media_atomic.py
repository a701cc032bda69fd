from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import av
import pytest

from motionwarp.errors import OutputError
from motionwarp.media.atomic import PendingFile, check_target, is_same_file, temporary_name, write_failure


def test_a_file_appears_on_commit(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with PendingFile(target, overwrite=False) as pending:
        pending.path.write_bytes(b"new")
        assert not target.exists()
        assert pending.path.parent == tmp_path
        assert pending.path.name.startswith(".")
        pending.commit()
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, None])
def test_without_commit_nothing_is_left(tmp_path: Path, error: type[BaseException] | None) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def write() -> None:
        with PendingFile(target, overwrite=True) as pending:
            pending.path.write_bytes(b"new")
            if error is not None:
                raise error

    with contextlib.nullcontext() if error is None else pytest.raises(error):
        write()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("links", [True, False])
def test_commit_does_not_replace_what_has_appeared(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def no_links(*_: object) -> None:
            raise PermissionError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "a.bin"
    with PendingFile(target, overwrite=False) as pending:
        pending.path.write_bytes(b"new")
        target.write_bytes(b"other")
        with pytest.raises(OutputError, match="meanwhile"):
            pending.commit()
    assert target.read_bytes() == b"other"
    assert list(tmp_path.iterdir()) == [target]


def test_commit_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "a.bin"
    with PendingFile(target, overwrite=False) as pending:
        pending.path.write_bytes(b"new")
        pending.commit()
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failing_move_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", failing)
    with PendingFile(target, overwrite=True) as pending:
        pending.path.write_bytes(b"new")
        with pytest.raises(OutputError, match="disk is full"):
            pending.commit()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_dangling_link_is_something_that_exists(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="exists already"):
        check_target(target, overwrite=False)


def test_directories_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="directory"):
        check_target(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="does not exist"):
        check_target(tmp_path / "none" / "a.bin", overwrite=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="not a folder"):
        check_target(tmp_path / "file" / "a.bin", overwrite=True)


def test_missing_files_are_compared_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_same_file(Path("a"), tmp_path / "x" / ".." / "a")
    assert not is_same_file(Path("a"), Path("b"))


def test_temporary_names_are_short_and_differ(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250 + ".mp4")
    names = {temporary_name(target).name for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) < 120 and name.endswith(".part") for name in names)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EFBIG, "File too large"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be written"),
        (OSError(errno.EROFS, "Read-only file system"), "may not be written"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (av.error.InvalidDataError(1094995529, "strange"), "strange"),
    ],
)
def test_failures_say_what_to_do(error: Exception, words: str) -> None:
    made = write_failure(error, Path("a.mp4"))
    assert words in str(made)
    assert made.remedy
    assert "a.mp4" in str(made)
