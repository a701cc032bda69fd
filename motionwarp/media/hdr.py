"""High dynamic range and wide gamut brought to what 8-bit RGB means.

BT.709 primaries, a display of ordinary brightness.

Phones record HLG (and some PQ) in BT.2020 primaries by default; read as ordinary video it looks gray and flat. Both
transfer functions are those of ITU-R BT.2100-2. How bright the result is to be follows ITU-R BT.2408: the level that
HDR gives to white paper, 203 cd/m2, becomes the white of ordinary video. The roll-off above it is ours.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.format import VideoFormat

Array = npt.NDArray[np.float64]

# libavutil's numbers (AVCOL_TRC_*, AVCOL_PRI_*)
TRANSFER_PQ, TRANSFER_HLG = 16, 18
PRIMARIES_BT2020 = 9

WHITE_NITS = 203.0
_HLG_PEAK_NITS = 1000.0
# highlights above this share of white are compressed, so that what is brighter than white keeps some shape
_KNEE = 0.8
# exponent of the display of ordinary video, ITU-R BT.1886
_DISPLAY_GAMMA = 2.4

# linear BT.2020 to linear BT.709, ITU-R BT.2087-0, 4
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float64
)
_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])

_LATTICE = 49  # points a side of the table


@dataclass(frozen=True)
class Gamut:
    """What the numbers of an RGB picture mean beyond matrix and range.

    Attributes
    ----------
    transfer : int
        TRANSFER_PQ, TRANSFER_HLG, or any other of libavutil's numbers for ordinary transfer functions.
    primaries : int
        PRIMARIES_BT2020, or any other of libavutil's numbers.
    """

    transfer: int
    primaries: int

    @property
    def is_ordinary(self) -> bool:
        """Whether nothing has to be done.

        Primaries of standard definition are so near BT.709 that nobody converts them.
        """
        return self.transfer not in (TRANSFER_PQ, TRANSFER_HLG) and self.primaries != PRIMARIES_BT2020


ORDINARY = Gamut(transfer=1, primaries=1)


def to_display_light(signal: Array, transfer: int) -> Array:
    """Return linear light for a signal.

    Parameters
    ----------
    signal : float64 (..., 3)
        RGB in [0, 1], in BT.2020 primaries for PQ and HLG.
    transfer : int
        As in `Gamut`.

    Returns
    -------
    float64 (..., 3)
        In units of the white of ordinary video, from 0 up.
    """
    if transfer == TRANSFER_PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = np.power(signal, 1 / m2)
        nits = 10_000 * np.power(np.maximum(root - c1, 0) / (c2 - c3 * root), 1 / m1)
        return np.asarray(nits / WHITE_NITS)
    if transfer == TRANSFER_HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        luminance = scene @ _BT2020_LUMA
        # the opto-optical transfer of a display of 1,000 cd/m2 has the exponent 1.2
        nits = _HLG_PEAK_NITS * np.power(np.maximum(luminance, 1e-9), 0.2)[..., None] * scene
        return np.asarray(nits / WHITE_NITS)
    return np.asarray(np.power(signal, _DISPLAY_GAMMA))


def to_ordinary_signal(signal: Array, gamut: Gamut) -> Array:
    """Return the signal of ordinary BT.709 video that looks like `signal`.

    Parameters
    ----------
    signal : float64 (..., 3)
        RGB in [0, 1].
    gamut : Gamut
        What `signal` means.

    Returns
    -------
    float64 (..., 3)
        RGB in [0, 1]; colors outside BT.709 are clipped.
    """
    light = to_display_light(signal, gamut.transfer)
    if gamut.primaries == PRIMARIES_BT2020:
        light = light @ _BT2020_TO_BT709.T
    light = np.maximum(light, 0)
    if gamut.transfer in (TRANSFER_PQ, TRANSFER_HLG):
        light = _roll_off(light, _HLG_PEAK_NITS / WHITE_NITS)
    return np.asarray(np.power(np.clip(light, 0, 1), 1 / _DISPLAY_GAMMA))


def _roll_off(light: Array, peak: float) -> Array:
    """Scale each pixel so that its largest component, up to `peak`, fits below 1; below the knee nothing changes."""
    largest = light.max(axis=-1, keepdims=True)
    excess = np.maximum(largest - _KNEE, 0) / (1 - _KNEE)
    most = (peak - _KNEE) / (1 - _KNEE)
    # rises with slope 1 at the knee, and reaches 1 at the peak
    rolled = _KNEE + (1 - _KNEE) * np.minimum(excess * (1 + excess / most**2) / (1 + excess), 1)
    return np.asarray(np.where(largest > _KNEE, light * (rolled / np.maximum(largest, 1e-9)), light))


class GamutMapper:
    """Maps 16-bit RGB frames to ordinary ones, by FFmpeg's interpolation in a table of colors.

    Parameters
    ----------
    gamut : Gamut
        Not ordinary.
    width, height : int
        Size of the frames, in pixels.
    """

    # libswscale's packed rgb48le wraps saturated colors where chroma is interpolated; its planar way does not
    pixel_format = "gbrp16le"

    def __init__(self, gamut: Gamut, width: int, height: int) -> None:
        self._graph = Graph()
        with tempfile.TemporaryDirectory(prefix="motionwarp-") as folder:
            table = Path(folder) / "table.cube"
            table.write_text(_cube(gamut))
            source = self._graph.add_buffer(
                width=width, height=height, format=VideoFormat(self.pixel_format), time_base=Fraction(1, 1000)
            )
            # the path goes through two levels of FFmpeg's quoting
            quoted = str(table).replace("\\", "/").replace(":", "\\:").replace("'", "\\\\\\'")
            lookup = self._graph.add("lut3d", f"file={quoted}:interp=tetrahedral")
            source.link_to(lookup)
            lookup.link_to(self._graph.add("buffersink"))
            self._graph.configure()  # reads the table

    def map(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame mapped, in the same format."""
        frame.pts, frame.time_base = 0, Fraction(1, 1000)
        self._graph.push(frame)
        mapped = self._graph.pull()
        assert isinstance(mapped, av.VideoFrame)
        return mapped


@lru_cache(maxsize=4)  # a clip's converters all need the same one, which takes longer to make than a short clip to read
def _cube(gamut: Gamut) -> str:
    """Return the map as a table in the .cube form, red changing fastest."""
    axis = np.linspace(0, 1, _LATTICE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    mapped = to_ordinary_signal(np.stack([red, green, blue], axis=-1), gamut).reshape(-1, 3)
    rows = "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in mapped)
    return f"LUT_3D_SIZE {_LATTICE}\n{rows}\n"
