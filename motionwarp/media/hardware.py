"""Decoding on a graphics card where one is asked for."""

from __future__ import annotations

from typing import Any

import av

from motionwarp.errors import DeviceError

AUTO = "auto"


def hardware_decoders() -> list[str]:
    """Return the names of the hardware decoders that this build of FFmpeg knows; whether the machine has one shows on use."""
    try:
        from av.codec.hwaccel import hwdevices_available  # PyAV 14.0 has no such module
    except ImportError:
        return []
    return sorted(hwdevices_available())


def hardware_acceleration(hardware: str) -> Any:
    """Return PyAV's description of the hardware to decode with.

    Parameters
    ----------
    hardware : str
        "auto", which falls back to software where the machine or the codec has none, or one of `hardware_decoders`, which does
        not fall back.

    Returns
    -------
    av.codec.hwaccel.HWAccel or None
        None if "auto" finds nothing to try.

    Raises
    ------
    DeviceError
        If FFmpeg has no such decoder.
    """
    known = hardware_decoders()
    if hardware != AUTO and hardware not in known:
        raise DeviceError(
            f"there is no hardware decoder '{hardware}' in this build of PyAV {av.__version__}",
            remedy=f"Use {', '.join(known) or 'PyAV 15 or newer'}, or decode in software",
        )
    if not known:
        return None
    from av.codec.hwaccel import HWAccel

    for name in (hardware,) if hardware != AUTO else _preference(known):
        try:
            return HWAccel(device_type=name, allow_software_fallback=hardware == AUTO)
        except (RuntimeError, ValueError, OSError, av.FFmpegError) as error:
            if hardware != AUTO:
                raise DeviceError(
                    f"the hardware decoder '{name}' cannot be used ({error})", remedy="Decode in software"
                ) from error
    return None


def _preference(known: list[str]) -> list[str]:
    return [name for name in ("cuda", "videotoolbox", "vaapi", "d3d11va", "qsv") if name in known]
