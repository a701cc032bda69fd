"""Reads damaged files, one after another, in a process that may crash.

Run by test_media_fuzz.py as a program of its own.

Arguments: first case, last case + 1, and a folder to work in.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path

import av
import fuzz_seeds
from fuzz_harness import SECONDS_A_CASE, Fuzzing, fuzz
from fuzz_mutations import mutated

from motionwarp.errors import InputError
from motionwarp.media.audio import AudioSource, open_audio_feed
from motionwarp.media.encoders import CONTAINERS
from motionwarp.media.image import is_picture, read_image
from motionwarp.media.limits import MediaLimits
from motionwarp.media.metadata_reader import read_metadata
from motionwarp.media.reader import open_video, read_frame_at

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
    with suppress(InputError):
        read_metadata(path)
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


def main(first: int, end: int, folder: Path) -> None:
    reading = Fuzzing(fuzz_seeds.all_seeds, mutated, lambda path, case: read_everything(path, case), SECONDS_A_CASE)
    fuzz(reading, first, end, folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
