"""Cameras: a device of this machine, or a clip that is played as if it were one."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.errors import MediaError
from motionwarp.media.prefetch import prefetched
from motionwarp.media.reader import open_video
from motionwarp.types import ByteArray

_AHEAD: Final = 8
_BROKEN_READS: Final = 30  # in a row, after which a camera is taken for gone


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """One picture of a camera.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    captured_seconds : float
        When it was there, on the clock of `time.monotonic`.
    """

    rgb: ByteArray
    captured_seconds: float


class Camera(ABC):
    """Gives pictures when they are there."""

    @abstractmethod
    def frames(self) -> Iterator[CameraFrame]:
        """Yield pictures in real time until there are no more; closing the iterator lets go of the camera."""


class DeviceCamera(Camera):
    """A camera that is connected to this machine.

    Parameters
    ----------
    number : int
        The system's, from 0.

    Raises
    ------
    MediaError
        If there is none, or it gives no pictures (another program may have it).
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._device = cv2.VideoCapture(number)
        if not self._device.isOpened():
            raise MediaError(
                "there is no such camera, or another program has it",
                subject=f"camera {number}",
                remedy="Give another number, or a clip to be played as a camera",
            )
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # older pictures than the newest are of no use

    def frames(self) -> Iterator[CameraFrame]:
        """Yield pictures as the device gives them; see `Camera.frames`."""
        broken = 0
        try:
            while broken < _BROKEN_READS:
                there, bgr = self._device.read()
                captured = time.monotonic()
                if not there:
                    broken += 1
                    continue
                broken = 0
                yield CameraFrame(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8), captured)
        finally:
            self._device.release()
        name = f"camera {self._number}"
        raise MediaError("it gives no more pictures", subject=name, remedy="Connect it again")


class ClipCamera(Camera):
    """A clip, each frame of which comes when its time has come.

    Parameters
    ----------
    path : Path

    Raises
    ------
    MediaError, LimitError
        As for `open_video`.
    """

    def __init__(self, path: Path) -> None:
        self._reader = open_video(path)

    def frames(self) -> Iterator[CameraFrame]:
        """Yield the frames in real time; see `Camera.frames`."""
        with self._reader as reader, closing(prefetched(reader, _AHEAD)) as decoded:
            begin: float | None = None
            for frame in decoded:
                now = time.monotonic()
                begin = now - frame.pts_seconds if begin is None else begin
                due = begin + frame.pts_seconds
                if due > now:
                    time.sleep(due - now)
                # a clip that cannot be decoded fast enough comes late, as the pictures of a slow camera do
                yield CameraFrame(frame.rgb, max(due, now))


def open_camera(text: str) -> Camera:
    """Open a camera by its number, or a clip by its path; errors are those of both."""
    return DeviceCamera(int(text)) if text.isascii() and text.isdecimal() else ClipCamera(Path(text))
