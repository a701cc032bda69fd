"""Where live pictures go: a window of the desktop, or a camera that other programs see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from motionwarp.errors import DeviceError, MissingExtraError
from motionwarp.types import ByteArray


class LiveOutput(ABC):
    """Shows pictures as they come; asked by one thread, in which it was made.

    Attributes
    ----------
    place : str
        Where to look, for users.
    """

    place: str

    @abstractmethod
    def show(self, rgb: ByteArray, captured_seconds: float) -> None:
        """Show a picture.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        captured_seconds : float
            When the camera's frame was there from which it was made, on the clock of `time.monotonic`.
        """

    def idle(self) -> None:
        """Do what has to be done now and then while there is no new picture."""
        return

    @property
    def ended(self) -> bool:
        """Whether whoever watches has ended it."""
        return False

    def close(self) -> None:
        """Take the place away."""
        return


class WindowOutput(LiveOutput):
    """A window of the desktop, by Tk, which most Pythons bring along.

    Parameters
    ----------
    width, height : int
        Of the pictures, in pixels.

    Raises
    ------
    DeviceError
        If there is no desktop, or this Python has no Tk.
    """

    place = "a window"

    def __init__(self, width: int, height: int) -> None:
        remedy = "Use `to=page` and open the page in a browser"
        try:
            import tkinter
        except ImportError as error:
            raise DeviceError("this Python has no Tk for windows", values={"to": "window"}, remedy=remedy) from error
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise DeviceError(f"no window can be opened ({error})", values={"to": "window"}, remedy=remedy) from error
        self._root.title("motionwarp")
        self._picture = tkinter.PhotoImage(width=width, height=height)
        tkinter.Label(self._root, image=self._picture, borderwidth=0).pack()
        self._closed = False
        self._root.protocol("WM_DELETE_WINDOW", self._end)

    def _end(self) -> None:
        self._closed = True

    def show(self, rgb: ByteArray, captured_seconds: float) -> None:
        """Show a picture; see `LiveOutput.show`."""
        height, width = rgb.shape[:2]
        self._picture.configure(data=b"P6 %d %d 255\n" % (width, height) + rgb.tobytes(), format="ppm")
        self.idle()

    def idle(self) -> None:
        """Let the window be moved and closed."""
        if not self._closed:
            self._root.update()

    @property
    def ended(self) -> bool:
        """Whether the window was closed."""
        return self._closed

    def close(self) -> None:
        """Close the window."""
        self._root.destroy()


class VirtualCameraOutput(LiveOutput):
    """A camera that video calls and recorders see, by pyvirtualcam.

    Parameters
    ----------
    width, height : int
        Of the pictures, in pixels.
    frame_rate : float
        What the camera claims; pictures are sent when they are there.

    Raises
    ------
    MissingExtraError
        If pyvirtualcam is not installed.
    DeviceError
        If this machine has no virtual camera: v4l2loopback on Linux, OBS elsewhere.
    """

    def __init__(self, width: int, height: int, frame_rate: float = 20.0) -> None:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MissingExtraError(
                "a virtual camera needs the package pyvirtualcam",
                values={"to": "virtual-camera"},
                remedy="Install it with: pip install 'motionwarp[camera]'",
            ) from error
        try:
            self._camera: Any = pyvirtualcam.Camera(width=width, height=height, fps=frame_rate)
        except RuntimeError as error:
            raise DeviceError(
                f"there is no virtual camera on this machine ({error})",
                values={"to": "virtual-camera"},
                remedy="Load v4l2loopback on Linux, install OBS elsewhere, or use `to=page`",
            ) from error
        self.place = f"the camera '{self._camera.device}'"

    def show(self, rgb: ByteArray, captured_seconds: float) -> None:
        """Send a picture; see `LiveOutput.show`."""
        self._camera.send(np.ascontiguousarray(rgb))

    def close(self) -> None:
        """Let go of the camera."""
        self._camera.close()
