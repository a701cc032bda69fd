"""Reads damaged files, one after another, in a process that may crash.

Run by test_media_fuzz.py as a program of its own.

Before each case its number is written to stdout, so that whoever runs this knows which one ended it. What is wrong with
a case but does not end the process is a line of JSON. Arguments: first case, last case + 1, and a folder to work in.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import resource
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import av
import fuzz_seeds
from fuzz_mutations import mutated

from motionwarp.errors import InputError
from motionwarp.media.audio import AudioSource, open_audio_feed
from motionwarp.media.encoders import CONTAINERS
from motionwarp.media.image import is_picture, read_image
from motionwarp.media.limits import MediaLimits
from motionwarp.media.reader import open_video, read_frame_at

# on a busy machine a case takes a hundred times what it takes alone; one that hangs takes for ever
SECONDS_A_CASE = 60
# beyond what the process has before the case; a limit of address space counts what is never touched, so it is wider
GROWTH_BYTES = 300_000_000
ADDRESS_SPACE_BYTES = 4_000_000_000
LIMITS = MediaLimits(
    max_pixels=1_000_000, max_side=4096, max_video_pixels=1_000_000, max_video_side=4096, max_file_bytes=10_000_000
)
# a damaged table of times may promise frames for ever, which is not more than a long video may
FRAMES = 40
SOUND_PACKETS = 200


def read_everything(path: Path, case: int) -> None:
    """Ask all readers for what is in a file."""
    is_picture(path)
    with suppress(InputError):
        read_image(path, LIMITS)
    with suppress(InputError), open_video(path, limits=LIMITS, start_seconds=0.05 if case % 4 == 0 else None) as reader:
        for _ in islice(reader, FRAMES):
            pass
    if case % 8 == 3:
        with suppress(InputError):
            read_frame_at(path, 0.1, limits=LIMITS)
    with suppress(InputError):
        read_sound(path, encoded=case % 2 == 0)
    if case % 8 == 5:
        with suppress(InputError):
            read_folder(path)


def read_folder(path: Path) -> None:
    """Read a file as the second frame of a folder of pictures, whose first is sound."""
    folder = path.parent / "frames"
    folder.mkdir(exist_ok=True)
    (folder / "1.png").write_bytes((path.parent / "color.png").read_bytes())
    (folder / "2.png").write_bytes(path.read_bytes())
    with open_video(folder, limits=LIMITS) as reader:
        for _ in reader:
            pass


def read_sound(path: Path, *, encoded: bool) -> None:
    """Take a file's sound over into another, packet by packet or encoded anew."""
    container = CONTAINERS[".webm" if encoded else ".mkv"]
    with av.open(io.BytesIO(), "w", format=container.muxer) as output:
        feed = open_audio_feed(AudioSource(path, 0.02 if encoded else None, 10.0), output, container)
        if feed is not None:
            with suppress(av.FFmpegError):  # as the writer does, which says so in its own words
                for _ in islice(feed.packets_until(None), SOUND_PACKETS):
                    pass
            feed.close()


class Growth:
    """How far memory rises from now on, at its highest.

    Where the system cannot begin anew, how far its highest value does.
    """

    _STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def __init__(self) -> None:
        self._resettable = self._FORGET.exists()
        if self._resettable:
            self._FORGET.write_text("5")  # proc(5): the highest value is now the present one
        self._before = self._peak_bytes()

    def bytes(self) -> int:
        return self._peak_bytes() - self._before

    def _peak_bytes(self) -> int:
        if self._resettable:
            return next(
                int(line.split()[1]) * 1024
                for line in self._STATUS.read_text().splitlines()
                if line.startswith("VmHWM")
            )
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Raise if the block leaves files open."""
    before = len(os.listdir("/dev/fd"))
    yield
    after = len(os.listdir("/dev/fd"))
    if after > before:
        raise RuntimeError(f"{after - before} files are still open")


def main(first: int, end: int, folder: Path) -> None:
    faulthandler.enable()
    seeds = fuzz_seeds.all_seeds(folder / "seeds")
    for name, content in seeds.items():  # sound ones first: code and tables that are loaded once count for no case
        (folder / name).write_bytes(content)
        read_everything(folder / name, 3)
    with suppress(ValueError):  # the caller's own limit may be lower
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, resource.RLIM_INFINITY))
    for case in range(first, end):
        name, content = mutated(seeds, case)
        print(case, name, flush=True)
        path = folder / f"case_{name}"
        path.write_bytes(content)
        faulthandler.dump_traceback_later(SECONDS_A_CASE, exit=True)
        growth = Growth()
        try:
            with no_descriptor_left():
                read_everything(path, case)
        except Exception:
            print(json.dumps({"case": case, "name": name, "error": traceback.format_exc()}), flush=True)
        faulthandler.cancel_dump_traceback_later()
        if growth.bytes() > GROWTH_BYTES:
            print(json.dumps({"case": case, "name": name, "error": f"{growth.bytes()} bytes of memory"}), flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
