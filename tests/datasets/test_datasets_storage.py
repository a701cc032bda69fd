"""Storage: whole files, and data sets that lie where fsspec reaches."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from motionwarp.datasets.input_notes import content_sha256
from motionwarp.datasets.items import read_items
from motionwarp.datasets.scratch import remove_abandoned, scratch_folder
from motionwarp.datasets.shards import write_shards
from motionwarp.datasets.storage.base import Storage
from motionwarp.datasets.storage.factory import open_storage, split_address
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.verify import verify
from motionwarp.datasets.worker import problem_of
from motionwarp.errors import InputError, MediaError, MissingExtraError, OutputError, StorageError

from .conftest import CONFIG, INLINE, Inputs, make, tree

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[str]:
    address = "memory://bucket"
    yield address
    fsspec.filesystem("memory").rm("/", recursive=True)


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path, memory: str) -> Storage:
    return open_storage(str(tmp_path) if request.param == "local" else memory)


def test_files_are_written_listed_and_removed(place: Storage, tmp_path: Path) -> None:
    place.write("a/b.txt", b"one")
    place.write("a/b.txt", b"two")
    place.write("a/c/d.txt", b"12345")
    assert place.read("a/b.txt") == b"two"
    assert place.names("a") == ["b.txt", "c"]
    assert place.names("z") == []
    assert place.walk("a") == ["a/b.txt", "a/c/d.txt"]
    assert place.size("a/c/d.txt") == 5
    with place.open("a/b.txt") as stream:
        assert stream.read() == b"two"
    assert place.local_path("a/b.txt", tmp_path / "scratch").read_bytes() == b"two"
    other, name = split_address(place.address("a/b.txt"))
    assert other.read(name) == b"two"
    before = place.stamp("a/b.txt")
    assert place.stamp("a/b.txt") == before
    place.write("a/b.txt", b"longer")
    assert place.stamp("a/b.txt") != before
    place.remove("a")
    assert not place.exists("a/b.txt")
    place.remove("a")
    with pytest.raises(FileNotFoundError):
        place.read("a/b.txt")


def test_a_file_is_created_once(place: Storage) -> None:
    assert place.create("lock", b"me")
    assert not place.create("lock", b"you")
    assert place.read("lock") == b"me"


def test_where_there_are_no_hard_links_a_file_is_created_once_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(part: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", unknown)
    storage = LocalStorage(str(tmp_path))
    assert storage.create("lock", b"me")
    assert not storage.create("lock", b"you")
    assert storage.read("lock") == b"me"
    assert storage.walk("") == ["lock"]


def test_what_the_disk_refuses_is_an_output_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    storage = LocalStorage(str(tmp_path))
    storage.write("set/a", b"1")
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        for write in (storage.write, storage.create):
            with pytest.raises(OutputError, match="disk is full"):
                write("set/b", b"2")
    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with storage.pending_file("set/c") as pending:
            pending.path.write_bytes(b"3")
            with pytest.raises(OutputError, match="disk is full"):
                pending.commit()
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", full)
        with pytest.raises(OutputError, match="disk is full"):
            storage.remove("set")
    (tmp_path / "file").touch()
    for place in (storage.pending_file, lambda name: storage.pending_folder(name, "last")):
        with pytest.raises(OutputError, match="file/x"):
            place("file/x")
    assert storage.walk("") == ["file", "set/a"]


def test_pending_folders_and_files_appear_when_committed(place: Storage) -> None:
    with place.pending_folder("clips/x", "last") as pending:
        (pending.path / "sub").mkdir()
        (pending.path / "sub" / "first").write_bytes(b"1")
        (pending.path / "last").write_bytes(b"2")
        assert not place.exists("clips/x")
        pending.commit()
    assert place.walk("clips") == ["clips/x/last", "clips/x/sub/first"]
    with place.pending_folder("clips/x", "last") as pending:  # theirs stays
        (pending.path / "last").write_bytes(b"3")
        pending.commit()
    assert place.read("clips/x/last") == b"2"
    with place.pending_folder("clips/y", "last") as pending:
        (pending.path / "last").write_bytes(b"4")
        scratch = pending.path
    assert not place.exists("clips/y")
    assert not scratch.exists()
    with place.pending_file("shards/a.tar") as pending:
        pending.path.write_bytes(b"tar")
        pending.commit()
    assert place.read("shards/a.tar") == b"tar"


def test_a_folder_that_has_lost_its_last_file_is_replaced(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path))
    storage.write("clips/x/first", b"old")
    with storage.pending_folder("clips/x", "last") as pending:
        (pending.path / "last").write_bytes(b"new")
        pending.commit()
    assert storage.walk("clips") == ["clips/x/last"]


def test_the_own_address_holds_in_any_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: str
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage("set")
    storage.write("a", b"1")
    monkeypatch.chdir("/")
    assert open_storage(str(tmp_path / "set")).read("a") == b"1"
    monkeypatch.chdir(tmp_path)
    assert storage.address("") == str(tmp_path / "set")
    assert open_storage(f"{memory}/set/").address("") == f"{memory}/set"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="no regular file"):
        LocalStorage(str(tmp_path)).open("pipe.png")
    with pytest.raises(MediaError, match=r"pipe\.png: the file cannot be read \(it is no regular file\)"):
        content_sha256(str(tmp_path / "pipe.png"))


def test_folders_of_killed_processes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ours = scratch_folder("upload")
    gone = tmp_path / f"motionwarp-upload-{2**22 + 7}-123-0a0a0a0a0a0a"
    gone.mkdir()
    (gone / "video.mp4").touch()
    (tmp_path / "motionwarp-of-somebody").mkdir()
    remove_abandoned()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ours.name, "motionwarp-of-somebody"])


def test_what_was_half_written_is_cleared_and_cannot_appear(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path))
    pending = storage.pending_folder("clips/x", "last")
    (pending.path / "last").write_bytes(b"half")
    storage.clear_pending()
    with pytest.raises(OutputError):
        pending.commit()
    assert not storage.exists("clips/x")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "out").write_text("a file where a folder should be")
        with pytest.raises(OutputError):
            LocalStorage(str(tmp_path / "out")).write("x", b"")
        return
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="may not be written"):
        LocalStorage(str(tmp_path)).write("x/y", b"")


def test_addresses_that_cannot_be_reached_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is not an address"):
        open_storage("nonsense://x")

    def without_driver(address: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", without_driver)
    for protocol, install in (
        ("s3", "'motionwarp[s3]'"),
        ("gs", "'motionwarp[gcs]'"),
        ("hf", "what fsspec asks for"),
    ):
        with pytest.raises(MissingExtraError) as told:
            open_storage(f"{protocol}://bucket/x")
        assert install in str(told.value)


class Silent:
    """A driver of a store that does not answer, as those of object stores tell it: by errors that are no OSError."""

    def __getattr__(self, name: str) -> object:
        def ask(*_: object, **__: object) -> None:
            raise ConnectionLostError("nobody answers")

        return ask


class ConnectionLostError(Exception):
    pass


def test_stores_that_do_not_answer_are_told(memory: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    storage = open_storage(f"{memory}/set")
    monkeypatch.setattr(storage, "_files", Silent())
    (tmp_path / "x").touch()
    for ask in (
        lambda: storage.read("x"), lambda: storage.open("x"), lambda: storage.write("x", b""),
        lambda: storage.exists("x"),
        lambda: storage.stamp("x"), lambda: storage.size("x"), lambda: storage.remove("x"),
        lambda: storage.local_path("x", tmp_path),
    ):  # fmt: skip
        with pytest.raises(StorageError, match=r"cannot be reached \(ConnectionLostError: nobody answers\)") as told:
            ask()
        assert told.value.exit_code == 2
    # an input behind such a store may answer another time
    assert not problem_of(told.value).repeats
    assert not problem_of(told.value).ends_run


def test_no_bucket_is_made_for_a_name_that_was_mistyped(monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda address: (files, "/no-bucket/set"))
    made: list[str] = []
    monkeypatch.setattr(files, "makedirs", lambda path, exist_ok: made.append(path))
    open_storage("s3://no-bucket/set").write("a/b", b"1")
    assert made == []
    open_storage("sftp://host/set").write("a/b", b"1")
    assert made == ["/no-bucket/set/a"]
    files.rm("/no-bucket", recursive=True)


def test_a_data_set_far_away_is_the_one_that_is_near(
    inputs: Inputs, finished: Path, memory: str, tmp_path: Path
) -> None:
    output = f"{memory}/set"
    summary = make(inputs, output)
    assert summary.made == 4
    files = fsspec.filesystem("memory")
    copied = tmp_path / "copied"
    for name in open_storage(output).walk():
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        (copied / name).write_bytes(files.cat_file(f"/bucket/set/{name}"))
    assert tree(copied) == tree(finished)
    assert verify(open_storage(output)).problems == []
    assert write_shards(open_storage(output)) == ["shards/clips-000000.tar"]
    with pytest.raises(OutputError, match="was begun here"):
        make(inputs, output)


def test_inputs_far_away_are_fetched(inputs: Inputs, finished: Path, memory: str, tmp_path: Path) -> None:
    far = open_storage(f"{memory}/in")
    for file in inputs.folder.iterdir():
        far.write(file.name, file.read_bytes())
    sources = read_items("source", f"{memory}/in/sources.csv")
    assert [item.path for item in sources] == ["memory://bucket/in/ann.png", "memory://bucket/in/bea.png"]
    assert [item.id for item in read_items("driving", f"{memory}/in")] == ["step", "turn"]

    from motionwarp.datasets.generate import generate

    generate(sources, read_items("driving", f"{memory}/in/drivings.csv"), CONFIG, str(tmp_path / "out"), INLINE)
    near, far_made = tree(finished), tree(tmp_path / "out")
    clips = {name for name in near if name.startswith("clips/")}
    assert {name: far_made[name] for name in clips} == {name: near[name] for name in clips}
