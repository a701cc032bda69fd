"""`motionwarp ui`: a page in the browser."""

from __future__ import annotations

import threading

from motionwarp.ui.options import UiOptions

from .options import examples, with_options
from .reporting import Reporter

EPILOG = examples("motionwarp ui", "motionwarp ui --port 8000 --no-browser", "motionwarp ui --max-upload 2000")


@with_options
def ui(options: UiOptions, reporter: Reporter) -> None:
    """Serve a page for the browser of this machine: transfers, avatars, clothes, comparisons, data sets.

    Only this machine reaches it, and nothing is sent anywhere. Ctrl-C ends it, with all that it made and was not saved.
    """
    from motionwarp.ui.server import serving

    with serving(options) as served:
        reporter.result({"address": served.address}, f"The page is at {served.address} (Ctrl-C ends it)")
        threading.Event().wait()
