"""The gate before the page's server: who asks, for which host, and for whose files.

An ASGI application around another one. A page on the loopback address can be reached by every program of this machine
and, by way of a browser, by pages from elsewhere: names that are led to the loopback address later are refused by the
host's name, requests from other sites come without the cookie, and nobody gets or names a file but its owner.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from motionwarp.ui.sessions import Sessions

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE: Final = "motionwarp"
_LOOPBACK_NAMES: Final = frozenset(["127.0.0.1", "localhost", "[::1]"])
_LARGEST_MESSAGE: Final = 4 * 2**20
# what a page may load: from here alone
_POLICY: Final = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' data: blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class SessionGate:
    """Lets through what is a browser's own.

    Parameters
    ----------
    app : ASGI application
    sessions : Sessions
    most_bytes : int
        Uploads of one browser together.
    """

    def __init__(self, app: App, sessions: Sessions, most_bytes: int) -> None:
        self._app, self._sessions, self._most_bytes = app, sessions, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["type"] != "http" or not _is_loopback(headers.get(b"host", "")):
            await _refuse(send, 403, "This page is for this machine alone.")
            return
        given = _key_in(headers.get(b"cookie", ""))
        key = given or self._sessions.new_key()
        if given is None:
            # what is asked for with this request must know the key, too
            cookies = [headers.get(b"cookie", ""), f"{COOKIE}={key}"]
            kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]
            scope["headers"] = [*kept, (b"cookie", "; ".join(filter(None, cookies)).encode("latin-1"))]
        send = _with_headers(send, key if given is None else None)
        path = scope["path"]  # decoded already, and once only: the server behind us must see the same
        if "/proxy=" in path or ((asked := _file_in(path)) is not None and not self._sessions.may_see(key, asked)):
            await _refuse(send, 403, "This is no file of this page.")
        elif path.endswith("/upload") and scope["method"] == "POST":
            await self._upload(key, headers, scope, receive, send)
        elif scope["method"] == "POST" and "json" in headers.get(b"content-type", ""):
            await self._message(key, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _upload(self, key: str, headers: dict[bytes, str], scope: Scope, receive: Receive, send: Send) -> None:
        length = headers.get(b"content-length", "")
        if not length.isdecimal() or self._sessions.uploaded_bytes(key) + int(length) > self._most_bytes:
            await _refuse(send, 413, f"Uploads of more than {self._most_bytes / 1e6:.0f} MB together are not taken.")
            return
        pieces: list[bytes] = []

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    # before the browser has it, so that it can ask for its file at once
                    self._sessions.uploaded(key, _paths_of_upload(b"".join(pieces)))
            await send(message)

        await self._app(scope, receive, noted)

    async def _message(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        if body is None:
            await _refuse(send, 413, "The message is too long.")
            return
        try:
            content = json.loads(body)
        except ValueError:
            await _refuse(send, 400, "This is not JSON.")
            return
        if not all(self._sessions.may_see(key, path) for path in _paths_in(content)):
            await _refuse(send, 403, "This names a file that is not of this page.")
            return
        await self._app(scope, _replayed(body, receive), send)


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in _LOOPBACK_NAMES


def _key_in(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and len(found.value) >= 32 else None


def _file_in(path: str) -> str | None:
    """Return the file that an address asks for, if it asks for one."""
    _, found, file = path.partition("/file=")
    return file if found else None


def _paths_of_upload(body: bytes) -> list[str]:
    try:
        content = json.loads(body)
    except ValueError:
        return []
    return [path for path in content if isinstance(path, str)] if isinstance(content, list) else []


def _paths_in(content: Any) -> Iterator[str]:
    """Yield the paths of files that a message names."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and path:
                yield path
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


async def _whole(receive: Receive) -> bytes | None:
    """Return a request's body; None if it is too long."""
    body: bytes = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > _LARGEST_MESSAGE:
            return None
        if not message.get("more_body", False):
            return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    left = [body]

    async def next_message() -> Message:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else await receive()

    return next_message


def _with_headers(send: Send, new_key: str | None) -> Send:
    added = list(_HEADERS)
    if new_key is not None:
        added.append((b"set-cookie", f"{COOKIE}={new_key}; Path=/; HttpOnly; SameSite=Strict".encode()))

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
