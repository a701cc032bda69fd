"""The live run: one thread takes the camera's newest frame, one sees the person, one draws; nothing is queued."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.errors import OptionError
from motionwarp.live.camera import Camera, CameraFrame, open_camera
from motionwarp.live.newest import Newest
from motionwarp.live.options import LiveOptions
from motionwarp.live.output import LiveOutput, VirtualCameraOutput, WindowOutput
from motionwarp.live.page import PageOutput
from motionwarp.live.puppet import LivePuppet
from motionwarp.live.steadying import EasedPose, SteadyPose
from motionwarp.options import changed
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.registry import make_estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.pose.causal_retargeting import CausalRetargeter
from motionwarp.types import FloatArray, Frame

_RECENT: Final = 60  # pictures that the present rate and latency are of
_LATENCY_BINS: Final = 10_000
_IDLE_SECONDS: Final = 0.05
_FORGET_SECONDS: Final = 3.0  # lost for so long, somebody else may come


@dataclass(frozen=True)
class LiveSummary:
    """What came of a live run.

    Attributes
    ----------
    place : str
        Where the picture was.
    pictures : int
        Shown.
    seconds : float
        From the first picture to the last.
    fps : float
    latency_ms, latency_95_ms : float
        From the camera's frame to the picture handed out: the median, and what 95 % stay below.
    camera_frames, dropped : int
        Frames of the camera, and those that were left out since a newer one was there.
    lost : int
        Frames in which the person was not found.
    width, height : int
        Of the pictures, in pixels.
    engine : str
    """

    place: str
    pictures: int
    seconds: float
    fps: float
    latency_ms: float
    latency_95_ms: float
    camera_frames: int
    dropped: int
    lost: int
    width: int
    height: int
    engine: str

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Pose:
    """Points (18, 3) in pixels of the picture, or None where nobody is seen, and when the camera's frame was there."""

    points: FloatArray | None
    captured_seconds: float


class _Figures:
    """Counts pictures, and how late they are."""

    def __init__(self) -> None:
        self.pictures = 0
        self._late = np.zeros(_LATENCY_BINS, dtype=np.int64)  # by milliseconds: as large after days as after seconds
        self.first_seconds: float | None = None
        self.last_seconds = 0.0
        self.camera_frames = self.lost = 0
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)

    def shown(self, captured_seconds: float) -> None:
        now = time.monotonic()
        self.first_seconds = now if self.first_seconds is None else self.first_seconds
        self.last_seconds = now
        self.pictures += 1
        self._late[min(max(int(1000 * (now - captured_seconds)), 0), _LATENCY_BINS - 1)] += 1
        self._recent.append((now, now - captured_seconds))

    def latency_ms(self, part: float) -> float:
        """Return how late a part of all pictures, 0 to 1, was at most, to the nearest millisecond."""
        if not self.pictures:
            return 0.0
        return float(np.searchsorted(np.cumsum(self._late), part * self.pictures)) + 0.5

    def now(self) -> dict[str, float]:
        """Return what holds of the last pictures."""
        recent = list(self._recent)
        if len(recent) < 2:
            return {"fps": 0.0, "latency_ms": 0.0}
        rate = (len(recent) - 1) / max(recent[-1][0] - recent[0][0], 1e-6)
        return {"fps": rate, "latency_ms": 1000 * float(np.median([late for _, late in recent]))}


def live(
    person: str | PathLike[str],
    options: LiveOptions | None = None,
    *,
    on_ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
    **changes: Any,
) -> LiveSummary:
    """Let whoever is before a camera move the person of a photo, in one pass.

    Parameters
    ----------
    person : path
        A picture, or a video of which the first frame is taken.
    options : LiveOptions, optional
    on_ready : callable, optional
        Told where to look once everything is prepared.
    stop : threading.Event, optional
        Ends the run when it is set; else the clip's end, `seconds`, the window's closing or KeyboardInterrupt do.
    **changes
        Single options by name, in place of those in `options`.

    Returns
    -------
    LiveSummary

    Raises
    ------
    InputError
        One of its kinds, if the photo, the camera, an option or the output is at fault.
    """
    options = changed(options or LiveOptions(), changes)
    device = resolve_device(options.device)
    estimator = make_estimator(options.pose_estimator, device, resolve_precision(options.precision, device))
    if not isinstance(estimator, BuiltinEstimator):
        raise OptionError(
            "cannot follow a camera",
            values={"pose_estimator": options.pose_estimator},
            remedy="Use `pose_estimator=builtin`, or a file of its weights",
        )
    camera = open_camera(options.camera)
    puppet = LivePuppet(Path(person), options, estimator)
    figures, ended = _Figures(), stop or threading.Event()
    with ExitStack() as stack:
        stack.callback(puppet.close)
        output = _opened(options, puppet, figures)
        stack.callback(output.close)
        before = torch.get_num_threads()
        if device.type == "cpu":
            # two stages side by side, each on a core: spreading small operations over cores costs more than it gains
            torch.set_num_threads(1)
            stack.callback(torch.set_num_threads, before)
        if on_ready is not None:
            on_ready(output.place)
        dropped = _Stages(camera, estimator, puppet, options, figures).run(output, ended)
    return _summary(output, puppet, figures, dropped)


def _opened(options: LiveOptions, puppet: LivePuppet, figures: _Figures) -> LiveOutput:
    if options.to == "window":
        return WindowOutput(puppet.width, puppet.height)
    if options.to == "virtual-camera":
        return VirtualCameraOutput(puppet.width, puppet.height)
    return PageOutput(puppet.width, puppet.height, options.port, figures.now)


class _Stages:
    """The threads of a run and what they hand on."""

    def __init__(
        self, camera: Camera, estimator: BuiltinEstimator, puppet: LivePuppet, options: LiveOptions, figures: _Figures
    ) -> None:
        self._camera, self._estimator, self._puppet = camera, estimator, puppet
        self._options, self._figures = options, figures
        self._frames, self._poses = Newest[CameraFrame](), Newest[_Pose]()
        self._stopped = threading.Event()
        self._failure: BaseException | None = None

    def run(self, output: LiveOutput, ended: threading.Event) -> int:
        """Show pictures until something ends it; return how many of the camera's frames were left out."""
        threads = [
            threading.Thread(target=self._guarded, args=(work, after), name=f"motionwarp-{name}", daemon=True)
            for name, work, after in (
                ("camera", self._capture, self._frames.close), ("seeing", self._watch, self._poses.close),
            )
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        try:
            self._draw(output, ended)
        finally:
            self._stopped.set()
            self._frames.close()
            for thread in threads:
                thread.join()
        if self._failure is not None:
            raise self._failure
        return self._frames.dropped + self._poses.dropped

    def _guarded(self, work: Callable[[], None], after: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # raised where the run was started
            self._failure = self._failure or error
        finally:
            after()

    def _capture(self) -> None:
        with closing(self._camera.frames()) as frames:  # type: ignore[type-var]
            for frame in frames:
                if self._stopped.is_set():
                    return
                self._figures.camera_frames += 1
                self._frames.put(frame)

    def _watch(self) -> None:
        steady = SteadyPose(self._options.smooth)
        retarget = CausalRetargeter(self._puppet.source.person.pose)
        choice, seen_seconds = PersonChoice.parse(self._options.person), -np.inf
        for observation in self._estimator.follow_live(self._taken(), choice):
            now = observation.frame.pts_seconds
            if observation.person is None:
                self._figures.lost += 1
                if now - seen_seconds > _FORGET_SECONDS:
                    retarget.forget()
                self._poses.put(_Pose(None, now))
                continue
            seen_seconds = now
            moved = retarget(steady(observation.person.pose.points, now), now)
            self._poses.put(_Pose(None if moved is None else self._puppet.placed(moved), now))

    def _taken(self) -> Iterator[Frame]:
        """Yield the camera's newest frames, with the time at which they were there as theirs."""
        index = 0
        while (frame := self._frames.take()) is not None and not self._stopped.is_set():
            yield Frame(frame.rgb, frame.captured_seconds, index)
            index += 1

    def _draw(self, output: LiveOutput, ended: threading.Event) -> None:
        eased = EasedPose(self._puppet.rest())
        begin, limit = time.monotonic(), self._options.seconds
        output.show(self._puppet.draw(self._puppet.rest(), 0.0), begin)
        while not (ended.is_set() or output.ended or (limit is not None and time.monotonic() - begin >= limit)):
            pose = self._poses.take(_IDLE_SECONDS)
            if pose is None:
                if self._poses.closed:
                    return
                output.idle()
                continue
            points = eased(pose.points, pose.captured_seconds)
            output.show(self._puppet.draw(points, max(pose.captured_seconds - begin, 0.0)), pose.captured_seconds)
            self._figures.shown(pose.captured_seconds)


def _summary(output: LiveOutput, puppet: LivePuppet, figures: _Figures, dropped: int) -> LiveSummary:
    count = figures.pictures
    seconds = figures.last_seconds - (figures.first_seconds or figures.last_seconds)
    return LiveSummary(
        place=output.place,
        pictures=count,
        seconds=seconds,
        fps=(count - 1) / seconds if seconds > 0 else 0.0,
        latency_ms=figures.latency_ms(0.5),
        latency_95_ms=figures.latency_ms(0.95),
        camera_frames=figures.camera_frames,
        dropped=dropped,
        lost=figures.lost,
        width=puppet.width,
        height=puppet.height,
        engine=puppet.engine,
    )
