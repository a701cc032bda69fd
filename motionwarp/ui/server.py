"""The page's server: on the loopback address alone, with no word to anybody, and gone without a trace."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from motionwarp.datasets.scratch import remove_abandoned, scratch_folder
from motionwarp.errors import MissingExtraError, OptionError
from motionwarp.ui.dataset_queue import LANE
from motionwarp.ui.desk import LOOK, MAKE, Desk
from motionwarp.ui.gate import SessionGate
from motionwarp.ui.job_process import warm_up
from motionwarp.ui.jobs import JobDesk
from motionwarp.ui.options import LOOPBACK, UiOptions
from motionwarp.ui.page import build, script, style
from motionwarp.ui.sessions import Sessions

_UPLOADS_PER_BROWSER = 4
_FONTS = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
_MONOSPACED = ["ui-monospace", "Consolas", "monospace"]


@dataclass(frozen=True)
class Serving:
    """A page that is served.

    Attributes
    ----------
    address : str
    sessions : Sessions
    jobs : JobDesk
    """

    address: str
    sessions: Sessions
    jobs: JobDesk


@contextmanager
def serving(options: UiOptions) -> Iterator[Serving]:
    """Serve the page while the block runs; afterwards no process and no file of it is left.

    Parameters
    ----------
    options : UiOptions

    Raises
    ------
    MissingExtraError
        If gradio is not installed.
    OptionError
        If the port is taken.
    """
    remove_abandoned()
    sessions = Sessions(scratch_folder("ui"))
    jobs = JobDesk({LOOK: 1, MAKE: options.jobs, LANE: 1})
    page = None
    try:
        gradio = _gradio(str(sessions.root))
        threading.Thread(target=warm_up, daemon=True).start()
        page = build(Desk(sessions, jobs))
        yield Serving(_launch(gradio, page, sessions, options), sessions, jobs)
    finally:
        if page is not None:
            page.close(verbose=False)
        jobs.close()
        sessions.close()


def _gradio(folder: str) -> Any:
    """Import gradio so that it tells nobody and keeps its files in a folder."""
    # gradio asks its own server once, which a proxy must not be asked for
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY"), LOOPBACK]))
    os.environ.update(
        NO_PROXY=direct,
        GRADIO_ANALYTICS_ENABLED="False",
        GRADIO_TEMP_DIR=folder,
        HF_HUB_OFFLINE="1",
        HF_HUB_DISABLE_TELEMETRY="1",
    )
    try:
        import gradio
    except ImportError as error:
        raise MissingExtraError(
            "the page needs gradio", remedy="Install it with: pip install 'motionwarp[ui]'"
        ) from error
    return gradio


def _launch(gradio: Any, page: Any, sessions: Sessions, options: UiOptions) -> str:
    from starlette.middleware import Middleware

    limit = options.max_upload * 10**6
    gate = Middleware(SessionGate, sessions=sessions, most_bytes=_UPLOADS_PER_BROWSER * limit)
    page.queue(default_concurrency_limit=None, api_open=False)
    try:
        _, address, _ = page.launch(
            server_name=LOOPBACK,
            server_port=options.port,
            share=False,
            inbrowser=options.browser,
            prevent_thread_lock=True,
            quiet=True,
            show_error=True,
            max_file_size=limit,
            footer_links=[],
            run_history=False,  # it would keep what was made in the browser
            _frontend=False,  # nor ask itself whether it is there: a busy machine answers late
            ssr_mode=False,
            enable_monitoring=False,
            mcp_server=False,
            pwa=False,
            app_kwargs={"middleware": [gate], "docs_url": None, "redoc_url": None, "openapi_url": None},
            theme=gradio.themes.Default(font=_FONTS, font_mono=_MONOSPACED),
            css=style(),
            js=script(),
        )
    except OSError as error:
        raise OptionError(
            "this port is taken", values={"port": options.port or "7860"}, remedy="Choose another one"
        ) from error
    return str(address)
