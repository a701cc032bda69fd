"""`motionwarp live`: a camera moves the person of a photo."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionwarp.live.options import LiveOptions

from .errors import Ended
from .options import examples, with_options
from .reporting import Reporter, clock
from .stages import uncollected_imports

if TYPE_CHECKING:
    from motionwarp.live.run import LiveSummary

EPILOG = examples(
    "motionwarp live me.jpg",
    "motionwarp live me.jpg --camera dance.mp4 --to window --size 512x512",
    "motionwarp live me.jpg --to virtual-camera --background '#00ff00' --no-mark",
)


@with_options
def live(
    *,
    photo: Annotated[Path, typer.Argument(metavar="PERSON", help="Picture of the person.", show_default=False)],
    options: LiveOptions,
    reporter: Reporter,
) -> None:
    """Let a camera move the person in PERSON: whoever dances before it gives the motion at once.

    Ends with Ctrl-C, when the window is closed, or when a clip ends.
    """
    with uncollected_imports():
        from motionwarp.live.run import live as run_live

    from motionwarp.devices import set_threads
    from motionwarp.runtime import keep_freed_memory

    keep_freed_memory()
    set_threads()
    stop, over = threading.Event(), threading.Event()
    found: list[LiveSummary | BaseException] = []

    def work() -> None:
        try:
            found.append(run_live(photo, options, on_ready=lambda place: reporter.note(f"Look at {place}"), stop=stop))
        except BaseException as error:  # raised below, in the thread that the signals come to
            found.append(error)
        finally:
            over.set()

    if options.to == "window":  # windows belong to the first thread
        work()
    else:
        threading.Thread(target=work, name="motionwarp-live").start()
        try:
            while not over.wait(0.2):  # not `join`, which takes a thread for ended when it is interrupted
                pass
        except KeyboardInterrupt as interrupt:
            stop.set()
            over.wait()
            if isinstance(interrupt, Ended):
                raise
    [result] = found
    if isinstance(result, BaseException):
        raise result
    reporter.result(result.as_dict(), _text(result))


def _text(summary: LiveSummary) -> str:
    late = f"{summary.latency_ms:.0f} ms from frame to picture (95 % within {summary.latency_95_ms:.0f} ms)"
    return (
        f"{summary.pictures} pictures of {summary.width}x{summary.height} in {clock(summary.seconds)}: "
        f"{summary.fps:.1f} a second, {late}; {summary.dropped} of {summary.camera_frames} frames were dropped"
    )
