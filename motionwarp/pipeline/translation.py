"""Pictures and clips translated by a trained network: what `motionwarp translate` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from motionwarp.devices import resolve_device
from motionwarp.engines.cyclegan.data import drawn_labels, read_labels
from motionwarp.engines.cyclegan.engine import Translator
from motionwarp.errors import MediaError
from motionwarp.media.image import is_picture, read_image, write_image
from motionwarp.media.metadata import TAGGED_ENDINGS
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.provenance import translation_provenance
from motionwarp.pipeline.translation_options import TranslationOptions
from motionwarp.types import ByteArray

OnFrame = Callable[[int, int], None]


def make_translator(model: str | Path, options: TranslationOptions) -> Translator:
    """Return the network at work.

    Parameters
    ----------
    model : str or Path
        A name of the register, such as "cyclegan", or a file that training exported.
    options : TranslationOptions

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds something else.
    DeviceError
        If this machine does not have the device.
    """
    return Translator(model, options.direction, resolve_device(options.device), options.zoom)


def translate_input(
    translator: Translator, source: Path, output: Path, options: TranslationOptions, on_frame: OnFrame
) -> int:
    """Translate a picture or a clip and write it.

    Parameters
    ----------
    translator : Translator
    source : Path
    output : Path
        Its ending decides the format.
    options : TranslationOptions
    on_frame : callable
        Called with the number of finished frames and the expected number, 0 if it is not known.

    Returns
    -------
    int
        How many frames there are.

    Raises
    ------
    InputError
        One of its kinds, if the input or the output is at fault.
    """
    if source.is_file() and is_picture(source):
        rgb = drawn_labels(read_labels(source)) if options.input_labels else read_image(source).rgb
        tags = translation_provenance("picture") if output.suffix.lower() in TAGGED_ENDINGS else None
        write_image(output, translator.picture(rgb), overwrite=options.overwrite, metadata=tags)
        on_frame(1, 1)
        return 1
    if options.input_labels:
        raise MediaError("is a clip, and label maps are pictures", subject=source, remedy="Leave out `input_labels`")
    with open_video(source) as reader:
        info = reader.info
        writer = open_writer(
            output,
            width=info.width,
            height=info.height,
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            metadata=translation_provenance(),
            overwrite=options.overwrite,
            inputs=[source],
        )
        times: list[float] = []

        def frames() -> Iterator[ByteArray]:
            for frame in reader:
                times.append(frame.pts_seconds)
                yield frame.rgb

        with writer:
            for made in translator.clip(frames()):
                writer.write(made, times[-1])
                on_frame(len(times), info.frame_count or 0)
    return len(times)
