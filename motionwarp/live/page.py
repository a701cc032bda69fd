"""Live pictures as a page on this machine: a stream of JPEGs that every browser shows.

Only the loopback address is served, only to requests that name it (a page elsewhere could have its own name lead here),
and nothing is loaded from anywhere else.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import cv2

from motionwarp.errors import OutputError
from motionwarp.live.output import LiveOutput
from motionwarp.types import ByteArray

_LOOPBACK: Final = "127.0.0.1"
_QUALITY: Final = 88
_BOUNDARY: Final = "frame"
_WAIT_SECONDS: Final = 0.5
_STUCK_SECONDS: Final = 10.0
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>motionwarp live</title>
<meta name="viewport" content="width=device-width">
<style>body{margin:0;background:#111;color:#ccc;font:14px system-ui,sans-serif;text-align:center}
img{max-width:100vw;max-height:calc(100vh - 2.5em);display:block;margin:auto}p{margin:.5em}</style></head>
<body><img id="picture" src="/stream" alt="live picture" width="%d" height="%d" style="width:auto;height:auto">
<p id="told">synthetic picture</p>
<script>
async function tell() {
  try {
    const now = await (await fetch("/status")).json();
    document.getElementById("told").textContent =
      `synthetic picture · ${now.fps.toFixed(1)} pictures a second · ${Math.round(now.latency_ms)} ms behind`;
  } catch { document.getElementById("told").textContent = "ended"; return; }
  setTimeout(tell, 1000);
}
tell();
</script></body></html>
"""


class PageOutput(LiveOutput):
    """Serves the newest picture to whoever looks; a slow viewer gets fewer pictures, never old ones.

    Parameters
    ----------
    width, height : int
        Of the pictures, in pixels.
    port : int
        0 takes a free one.
    status : callable
        Gives what `/status` tells: numbers by name.

    Raises
    ------
    OutputError
        If the port is taken.
    """

    def __init__(self, width: int, height: int, port: int, status: Callable[[], Mapping[str, float]]) -> None:
        self.changed = threading.Condition()
        self.newest: tuple[int, bytes, float] | None = None  # number, JPEG, when the camera's frame was there
        self.closed = False
        self._watchers = 0
        try:
            self._server = _Server(self, port, (_PAGE % (width, height)).encode(), status)
        except OSError as error:
            raise OutputError(
                f"the port is taken ({error.strerror})", values={"port": port}, remedy="Give another one, or 0"
            ) from error
        self.place = f"http://{_LOOPBACK}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="motionwarp-page", daemon=True)
        self._thread.start()

    def show(self, rgb: ByteArray, captured_seconds: float) -> None:
        """Encode a picture and wake whoever waits for it; see `LiveOutput.show`."""
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        with self.changed:
            number = 0 if self.newest is None else self.newest[0] + 1
            self.newest = number, jpeg.tobytes(), captured_seconds
            self.changed.notify_all()

    def after(self, number: int) -> tuple[int, bytes, float] | None:
        """Return the newest picture once there is one after `number`; None after a while, or at the end."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.closed or (self.newest is not None and self.newest[0] > number), _WAIT_SECONDS
            )
            return self.newest if self.newest is not None and self.newest[0] > number and not self.closed else None

    def close(self) -> None:
        """End the page."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, output: PageOutput, port: int, page: bytes, status: Callable[[], Mapping[str, float]]) -> None:
        self.output, self.page, self.status = output, page, status
        super().__init__((_LOOPBACK, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = _STUCK_SECONDS
    server: _Server

    def do_GET(self) -> None:  # the name is http.server's
        """Answer a browser."""
        if self.headers.get("Host", "").rpartition(":")[0] not in (_LOOPBACK, "localhost"):
            self.send_error(403)
        elif self.path == "/":
            self._answer("text/html; charset=utf-8", self.server.page)
        elif self.path == "/status":
            self._answer("application/json", json.dumps(self.server.status()).encode())
        elif self.path == "/stream":
            self._stream()
        else:
            self.send_error(404)

    def _answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self._close_headers()
        self.wfile.write(content)

    def _close_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self._close_headers()
        output, number = self.server.output, -1
        try:
            while not output.closed:
                newest = output.after(number)
                if newest is None:
                    continue
                number, jpeg, captured = newest
                age = 1000 * (time.monotonic() - captured)
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n"
                self.wfile.write(f"{head}X-Age-Milliseconds: {age:.1f}\r\n\r\n".encode() + jpeg + b"\r\n")
        except OSError:
            return  # whoever looked has gone

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: what is asked for is nobody's business."""
