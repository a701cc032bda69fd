"""The gate before the page's server: strangers, other sites, and other browsers' files."""

from __future__ import annotations

import asyncio
import json
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from motionwarp.errors import InputError
from motionwarp.ui.gate import COOKIE, SessionGate
from motionwarp.ui.sessions import Sessions


class Server:
    """Stands behind the gate: writes down what comes through, and answers uploads as Gradio does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.upload_answer: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        if scope["method"] == "POST":
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
        cookies = dict(scope["headers"]).get(b"cookie", b"").decode()
        self.asked.append((scope["path"], cookies, body))
        answer = json.dumps(self.upload_answer).encode() if scope["path"].endswith("/upload") else b"ok"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer[:3], "more_body": True})
        await send({"type": "http.response.body", "body": answer[3:]})


class Browser:
    """Asks, and keeps its cookie."""

    def __init__(self, gate: SessionGate) -> None:
        self.gate, self.key = gate, ""

    def ask(self, path: str, content: Any = None, host: str = "127.0.0.1:7860", kind: str = "application/json") -> int:
        body = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = [(b"host", host.encode()), (b"content-type", kind.encode())]
        headers.append((b"content-length", str(len(body)).encode()))
        if self.key:
            headers.append((b"cookie", f"{COOKIE}={self.key}".encode()))
        scope = {
            "type": "http", "method": "GET" if content is None else "POST", "path": path, "headers": headers,
        }  # fmt: skip
        waiting = [{"type": "http.request", "body": body[:5], "more_body": True}]
        waiting.append({"type": "http.request", "body": body[5:], "more_body": False})
        sent: list[Any] = []

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.gate(scope, receive, send))
        self.headers = dict(sent[0]["headers"])
        if (set_cookie := self.headers.get(b"set-cookie")) is not None:
            self.key = SimpleCookie(set_cookie.decode())[COOKIE].value
        return int(sent[0]["status"])


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def gate(server: Server, sessions: Sessions) -> SessionGate:
    return SessionGate(server, sessions, most_bytes=1000)


def test_only_names_of_the_loopback_address_are_answered(gate: SessionGate, server: Server) -> None:
    browser = Browser(gate)
    for host in ("127.0.0.1:7860", "localhost:7860", "localhost", "[::1]:7860", "[::1]"):
        assert browser.ask("/", host=host) == 200
    answered = len(server.asked)
    for host in ("evil.example", "127.0.0.1.evil.example", "", "evil.example:7860", "192.168.0.2"):
        assert browser.ask("/", host=host) == 403
    assert len(server.asked) == answered


def test_a_key_is_given_once_and_known_at_once(gate: SessionGate, server: Server) -> None:
    browser = Browser(gate)
    browser.ask("/")
    key = browser.key
    assert len(key) >= 32
    assert b"HttpOnly; SameSite=Strict" in browser.headers[b"set-cookie"]
    assert f"{COOKIE}={key}" in server.asked[0][1]
    browser.ask("/")
    assert browser.key == key
    assert b"set-cookie" not in browser.headers
    assert b"default-src 'self'" in browser.headers[b"content-security-policy"]


def test_what_one_uploads_no_other_gets_or_names(
    gate: SessionGate, server: Server, sessions: Sessions, tmp_path: Path
) -> None:
    owner, other = Browser(gate), Browser(gate)
    other.ask("/")
    photo = tmp_path / "hash" / "me.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"x" * 600)
    server.upload_answer = [str(photo)]
    assert owner.ask("/gradio_api/upload", b"y" * 700, kind="multipart/form-data") == 200
    assert owner.ask(f"/gradio_api/file={photo}") == 200
    assert other.ask(f"/gradio_api/file={photo}") == 403
    named = {"data": [None, {"path": str(photo), "meta": {}}, [{"deep": {"path": str(photo)}}]], "fn_index": 1}
    assert owner.ask("/gradio_api/queue/join", named) == 200
    assert json.loads(server.asked[-1][2]) == named
    assert other.ask("/gradio_api/queue/join", named) == 403
    # what is elsewhere is nobody's
    for path in ("/etc/passwd", f"{photo}/../../other", "http://example.org/x.jpg"):
        assert owner.ask(f"/gradio_api/file={path}") == 403
        assert owner.ask("/gradio_api/queue/join", {"data": [{"path": path}]}) == 403
    assert owner.ask("/gradio_api/proxy=http://example.org") == 403


def test_uploads_of_one_browser_are_limited_together(gate: SessionGate, server: Server, tmp_path: Path) -> None:
    browser = Browser(gate)
    first = tmp_path / "first.mp4"
    first.write_bytes(b"x" * 900)
    server.upload_answer = [str(first)]
    assert browser.ask("/gradio_api/upload", b"y" * 900, kind="multipart/form-data") == 200
    assert browser.ask("/gradio_api/upload", b"y" * 200, kind="multipart/form-data") == 413
    assert Browser(gate).ask("/gradio_api/upload", b"y" * 200, kind="multipart/form-data") == 200


def test_messages_that_are_no_json_or_too_long_are_refused(gate: SessionGate) -> None:
    browser = Browser(gate)
    assert browser.ask("/gradio_api/queue/join", b"{") == 400
    assert browser.ask("/gradio_api/queue/join", b" " * (5 * 2**20)) == 413


def test_files_of_a_tab_go_with_it_and_uploads_with_the_last(sessions: Sessions, tmp_path: Path) -> None:
    first, second = sessions.new_key(), sessions.new_key()
    tabs = [sessions.tab(first, "one"), sessions.tab(first, "two"), sessions.tab(second, "three")]
    for tab in tabs:
        (tab.folder / "result.mp4").write_text("made")
    shared = tmp_path / "hash" / "same.jpg"
    own = tmp_path / "other" / "own.jpg"
    for path in (shared, own):
        path.parent.mkdir()
        path.write_text("x")
    sessions.uploaded(first, [str(shared), str(own)])
    sessions.uploaded(second, [str(shared)])
    assert sessions.may_see(first, str(tabs[0].folder / "result.mp4"))
    assert not sessions.may_see(second, str(tabs[0].folder / "result.mp4"))
    assert first not in str(tabs[0].folder)
    sessions.close_tab("one")
    assert not tabs[0].folder.exists()
    assert tabs[1].folder.exists()
    assert own.exists()
    sessions.close_tab("two")
    assert not own.exists()
    assert shared.exists()  # the other browser's, too
    # what a closed tab had asked for comes late
    late = sessions.tab(first, "two")
    assert late.closed
    assert not late.folder.exists()
    with pytest.raises(InputError, match="closed"), late.beginning():
        pass
    sessions.close_tab("three")
    assert not shared.exists()
    assert list(tmp_path.rglob("*.*")) == []
