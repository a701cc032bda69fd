"""A data set in an object store: a server that speaks S3, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from motionwarp.datasets.lock import LOCK, DatasetLock
from motionwarp.datasets.options import ExecutorChoice, RunSettings
from motionwarp.datasets.storage.factory import open_storage
from motionwarp.datasets.verify import verify
from motionwarp.errors import OutputError, StorageError

from .conftest import Inputs, make, tree

s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")
pytestmark = pytest.mark.nightly


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", address),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("bucket")
    yield "s3://bucket"
    files.rm("bucket", recursive=True)  # servers of one process share what they hold
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_workers_make_in_a_bucket_what_one_makes_in_a_folder(
    bucket: str, inputs: Inputs, finished: Path, tmp_path: Path
) -> None:
    summary = make(inputs, f"{bucket}/set", settings=RunSettings(ExecutorChoice("local", 2)))
    assert (summary.made, summary.failed) == (4, 0)
    storage = open_storage(f"{bucket}/set")
    for name in storage.walk():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(storage.read(name))
    assert tree(tmp_path / "copy") == tree(finished)
    assert verify(storage).problems == []
    assert make(inputs, f"{bucket}/set", settings=RunSettings(ExecutorChoice("inline"), resume=True)).made == 0


def test_of_two_runs_in_a_bucket_one_gets_the_lock(bucket: str) -> None:
    storages = [open_storage(f"{bucket}/set") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda place: place.create("once", str(id(place)).encode()), storages))
    assert sum(made) == 1
    with (
        DatasetLock(storages[0]),
        pytest.raises(OutputError, match="another run is writing here"),
        DatasetLock(storages[1]),
    ):
        pass
    assert not storages[0].exists(LOCK)


def test_buckets_that_are_not_there_are_told_and_not_made(bucket: str, inputs: Inputs) -> None:
    with pytest.raises(OutputError, match="bucket does not exist"):
        make(inputs, "s3://no-such-bucket/set")
    assert s3fs.S3FileSystem().ls("") == ["bucket"]


def test_credentials_that_are_missing_are_told(bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match="NoCredentialsError"):
        verify(open_storage(f"{bucket}/set"))
