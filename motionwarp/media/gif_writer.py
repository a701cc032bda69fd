"""Animated GIFs, each frame with a palette of its own or all with one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from motionwarp.errors import OptionError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.metadata import tag_file
from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

# the format's own clock
_CENTISECOND = Fraction(1, 100)

# viewers show anything quicker at a tenth of a second, so frames that come sooner are left out
_SHORTEST_TICKS = 2


@dataclass(frozen=True)
class GifPalette:
    """The colors that all frames of a GIF share.

    One palette for all keeps what stands still from flickering, so that it need not be stored again.

    Attributes
    ----------
    colors : uint8 (16, 16, 4)
        RGBA, as FFmpeg's filters take it.
    ordered : bool
        Whether colors between are mixed by a fixed pattern, which takes fewer bytes than spreading errors.
    """

    colors: ByteArray
    ordered: bool


def shared_palette(pictures: Iterable[ByteArray], colors: int, *, ordered: bool) -> GifPalette:
    """Return the best palette for all of some pictures.

    Parameters
    ----------
    pictures : iterable of uint8 (H, W, 3) or (H, W, 4)
        Of one size, at least one; pixels whose alpha is below one half do not count.
    colors : int
        From 4 to 256, the transparent one included where there is alpha.
    ordered : bool
        As `GifPalette` has it.
    """
    graph: Graph | None = None
    sink: FilterContext | None = None
    for number, picture in enumerate(pictures):
        kind = "rgba" if picture.shape[2] == 4 else "rgb24"
        if graph is None:
            graph = Graph()
            height, width = picture.shape[:2]
            source = graph.add_buffer(width=width, height=height, format=VideoFormat(kind), time_base=_CENTISECOND)
            made = graph.add(
                "palettegen", f"stats_mode=full:max_colors={colors}:reserve_transparent={int(kind == 'rgba')}"
            )
            sink = graph.add("buffersink")
            source.link_to(made)
            made.link_to(sink)
            graph.configure()
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=kind)
        frame.pts, frame.time_base = number, _CENTISECOND
        graph.push(frame)
    if graph is None:
        raise ValueError("shared_palette needs a picture")
    graph.push(None)
    palette = graph.pull()
    assert isinstance(palette, av.VideoFrame)
    return GifPalette(np.asarray(palette.to_ndarray(format="rgba"), dtype=np.uint8), ordered)


class GifWriter(VideoWriter):
    """Quantizes each frame to 256 colors of its own, or to those that all share, and loops for ever.

    Parameters
    ----------
    pending : PendingFile
        Where to write.
    width, height : int
        Size of the frames, in pixels.
    frame_rate : Fraction
        Frames a second on average.
    alpha : bool
        Pixels whose alpha is below one half become transparent.
    options : EncodeOptions
        GIF has none; all must be at their defaults.
    metadata : mapping of str
        Written as one comment, and XMP.
    palette : GifPalette or None
        None gives each frame colors of its own, and spreads errors.
    """

    def __init__(
        self,
        pending: PendingFile,
        width: int,
        height: int,
        frame_rate: Fraction,
        alpha: bool,
        options: EncodeOptions,
        metadata: Mapping[str, str],
        palette: GifPalette | None = None,
    ) -> None:
        super().__init__(pending.target, width, height, alpha, _CENTISECOND, Fraction(frame_rate))
        if options.codec != "auto" or options.crf is not None or options.preset is not None:
            raise OptionError(
                "GIF has no codec, crf or preset to choose", subject=pending.target, remedy="Leave them out"
            )
        self._pending = pending
        self._metadata = metadata
        self._left_out = 0
        self._source: FilterContext | None = None  # where frames go in, if the graph has several places
        self._pixel_format = "rgba" if alpha else "rgb24"
        try:
            self._output = av.open(str(pending.path), "w", format="gif", container_options={"loop": "0"})
            stream = self._output.add_stream("gif", rate=Fraction(frame_rate))
            assert isinstance(stream, VideoStream)
            self._stream = stream
            stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
            stream.time_base = stream.codec_context.time_base = _CENTISECOND
            self._output.start_encoding()
            self._graph = self._palette_graph() if palette is None else self._shared_graph(palette)
        except (av.FFmpegError, ValueError) as error:
            self.abort()
            raise write_failure(error, self.path) from error

    def _palette_graph(self) -> Graph:
        """Return FFmpeg filters that turn each frame into indices of its own palette."""
        transparent = int(self.alpha)
        graph = Graph()
        source = graph.add_buffer(
            width=self.width, height=self.height, format=VideoFormat(self._pixel_format), time_base=_CENTISECOND
        )
        split = graph.add("split")
        generate = graph.add("palettegen", f"stats_mode=single:reserve_transparent={transparent}")
        apply = graph.add("paletteuse", "new=1:dither=sierra2_4a:alpha_threshold=128")
        source.link_to(split)
        split.link_to(generate, 0, 0)
        split.link_to(apply, 1, 0)
        generate.link_to(apply, 0, 1)
        apply.link_to(graph.add("buffersink"))
        graph.configure()
        return graph

    def _shared_graph(self, palette: GifPalette) -> Graph:
        """Return FFmpeg filters that turn each frame into indices of one palette."""
        dither = "dither=bayer:bayer_scale=4" if palette.ordered else "dither=sierra2_4a"
        graph = Graph()
        source = graph.add_buffer(
            width=self.width, height=self.height, format=VideoFormat(self._pixel_format), time_base=_CENTISECOND
        )
        colors = graph.add_buffer(width=16, height=16, format=VideoFormat("rgba"), time_base=_CENTISECOND)
        apply = graph.add("paletteuse", f"{dither}:alpha_threshold=128:diff_mode=rectangle")
        source.link_to(apply, 0, 0)
        colors.link_to(apply, 0, 1)
        apply.link_to(graph.add("buffersink"))
        graph.configure()
        picture = av.VideoFrame.from_ndarray(palette.colors, format="rgba")
        picture.pts, picture.time_base = 0, _CENTISECOND
        colors.push(picture)
        colors.push(None)
        self._source = source
        return graph

    def _take(self, picture: ByteArray, pts_seconds: float) -> None:
        ticks = round(Fraction(pts_seconds) / _CENTISECOND)
        if self._last_ticks is None:
            ticks = 0  # a GIF cannot begin later; the first frame then lasts longer
        elif ticks < self._last_ticks + _SHORTEST_TICKS:
            self._left_out += 1
            self._last_seconds = pts_seconds
            return
        self._hand_on(self._prepared(picture), ticks)
        self._last_ticks = ticks
        self._last_seconds = pts_seconds
        self.frame_count += 1

    def _prepared(self, picture: ByteArray) -> av.VideoFrame:
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=self._pixel_format)

    def _encode(self, prepared: av.VideoFrame, ticks: int, end_ticks: int) -> None:
        prepared.pts, prepared.time_base = ticks, _CENTISECOND
        try:
            (self._graph if self._source is None else self._source).push(prepared)
            for indexed in self._pulled():
                for packet in self._stream.encode(indexed):
                    packet.duration = end_ticks - ticks
                    self._output.mux(packet)
        except av.FFmpegError as error:
            raise write_failure(error, self.path) from error

    def _pulled(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                pulled = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(pulled, av.VideoFrame)
            yield pulled

    def _finish(self) -> None:
        try:
            self._output.mux(self._stream.encode(None))
            self._output.close()
            tag_file(self._pending.path, self._metadata)
        except (av.FFmpegError, OSError) as error:
            raise write_failure(error, self.path) from error
        if self._left_out:
            self.warnings.append(
                f"{self._left_out} frames were left out, since a GIF cannot show more than 50 a second"
            )
        self._pending.commit()

    def _discard(self) -> None:
        with contextlib.suppress(Exception):
            self._output.close()
        self._pending.discard()
