"""HEIC pictures, as phones take them, by libheif (the extra `heic`).

Neither OpenCV nor FFmpeg puts their tiles together.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motionwarp.errors import MediaError
from motionwarp.media.limits import MediaLimits


def decode_heif(data: bytes, file: Path, limits: MediaLimits, *, reduced: bool = True) -> npt.NDArray[np.integer]:
    """Decode the main picture of a HEIC file.

    Parameters
    ----------
    data : bytes
        The whole file.
    file : Path
        For messages.
    limits : MediaLimits
        Checked on the size that libheif is going to decode, which a header may have hidden from our own look at it.
    reduced : bool
        Whether samples of more than eight bits become bytes; otherwise they fill 16 bits.

    Returns
    -------
    uint8 or uint16 (H, W), (H, W, 3) or (H, W, 4)
        Gray, RGB or RGBA, upright: libheif turns pictures as they say themselves.

    Raises
    ------
    MediaError
        If libheif is not installed, or the picture is damaged.
    LimitError
        If it is beyond `limits`.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise MediaError(
            "reading HEIC pictures needs the package pillow-heif",
            subject=file,
            remedy="Install it with: pip install 'motionwarp[heic]', or export the picture as JPEG",
        ) from error
    try:
        picture = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=reduced)
        width, height = picture.size
        limits.check_picture(width, height, file)
        pixels = np.asarray(picture)  # decodes
    # what it raises for damaged files differs with the version of libheif
    except (AttributeError, EOFError, IndexError, OSError, RuntimeError, SyntaxError, ValueError) as error:
        raise MediaError("the HEIC picture is damaged", subject=file, remedy="Export it again") from error
    return np.array(pixels)
