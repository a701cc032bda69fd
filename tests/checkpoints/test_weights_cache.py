"""Fetching weights: from a server that may break off, from a mirror, and without a network."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from motionwarp.checkpoints.cache import pull
from motionwarp.checkpoints.registry import WeightsEntry, cache_folder
from motionwarp.errors import WeightsError

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server(ThreadingHTTPServer):
    """Serves CONTENT under any name and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.ranges: list[str | None] = []
        self.break_after: int | None = None
        self.content = CONTENT
        self.knows_ranges = True
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if self.path.endswith("missing"):
            self.send_error(404)
            return
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and self.server.knows_ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("MOTIONWARP_MIRROR", server.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    for name in ("MOTIONWARP_MIRROR", "MOTIONWARP_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTIONWARP_CACHE", str(folder))
    return folder


def entry(**changes: object) -> WeightsEntry:
    values: dict[str, object] = {
        "name": "big",
        "file": "big.onnx",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "bytes": len(CONTENT),
        "licence": "MIT",
        "architecture": "toy",
        "url": "https://example.invalid/big.onnx",
    }
    return WeightsEntry(**{**values, **changes})  # type: ignore[arg-type]


def test_a_file_is_fetched_once(server: Server, cache: Path) -> None:
    ticks: list[tuple[int, int]] = []
    path = pull(entry(), progress=lambda done, total: ticks.append((done, total)))
    assert path == cache / "big.onnx"
    assert path.read_bytes() == CONTENT
    assert ticks[-1] == (len(CONTENT), len(CONTENT))
    assert pull(entry()) == path
    assert server.ranges == [None]
    assert [file.name for file in cache.iterdir()] == ["big.onnx"]


def test_an_interrupted_fetch_goes_on_where_it_stopped(server: Server) -> None:
    server.break_after = 300_000
    with pytest.raises(WeightsError, match="goes on where it stopped"):
        pull(entry())
    server.break_after = None
    assert pull(entry()).read_bytes() == CONTENT
    assert server.ranges[0] is None
    begin = re.fullmatch(r"bytes=(\d+)-", server.ranges[1] or "")
    assert begin is not None
    assert 0 < int(begin[1]) <= 300_000


def test_a_server_without_ranges_starts_again(server: Server) -> None:
    server.break_after = 300_000
    with pytest.raises(WeightsError):
        pull(entry())
    server.break_after, server.knows_ranges = None, False
    assert pull(entry()).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"more"])
def test_other_bytes_are_refused_and_not_continued(server: Server, cache: Path, content: bytes) -> None:
    server.content = content
    with pytest.raises(WeightsError, match="another sha256"):
        pull(entry())
    assert list(cache.iterdir()) == []
    server.content = CONTENT
    assert pull(entry()).read_bytes() == CONTENT


def test_a_missing_file_on_the_server_is_an_error(server: Server) -> None:
    with pytest.raises(WeightsError, match="404"):
        pull(entry(file="missing"))


def test_a_server_that_is_away_is_an_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIONWARP_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match="could not be fetched"):
        pull(entry())


def test_offline_never_asks_but_checks_the_cache(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="not to be used"):
        pull(entry(), offline=True)
    monkeypatch.setenv("MOTIONWARP_OFFLINE", "1")
    with pytest.raises(WeightsError, match="not to be used"):
        pull(entry())
    assert server.ranges == []
    cache.mkdir()
    (cache / "big.onnx").write_bytes(CONTENT)
    assert pull(entry()) == cache / "big.onnx"
    (cache / "big.onnx").write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsError, match="has sha256"):
        pull(entry())


def test_a_folder_can_be_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("MOTIONWARP_MIRROR", str(mirror))
    with pytest.raises(WeightsError, match="no such file"):
        pull(entry())
    (mirror / "big.onnx").write_bytes(CONTENT)
    assert pull(entry(), offline=True).read_bytes() == CONTENT
    assert (mirror / "big.onnx").exists()


def test_what_ships_is_not_fetched() -> None:
    with pytest.raises(WeightsError, match="ship with motionwarp"):
        pull(entry(url=""))


def test_the_cache_can_be_chosen(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("MOTIONWARP_CACHE")
    assert cache_folder().name == "motionwarp"
