"""Pictures, videos and sound in and out of the program.

Everything past the readers is 8-bit RGB in the order a viewer sees it: rotation, pixel shape, color matrix and range
are undone while decoding, and put in place while encoding.

Examples
--------
>>> from motionwarp.media.image import read_image
>>> from motionwarp.media.reader import open_video
>>> from motionwarp.media.writer import open_writer
>>> read_image("examples/person.jpg").rgb.shape
(1024, 768, 3)
>>> with open_video("examples/dance.mp4", end_seconds=0.5) as clip:
...     info, frames = clip.info, list(clip)
>>> len(frames), frames[0].rgb.shape == (info.height, info.width, 3)
(12, True)

A writer's file appears whole when it is closed, or not at all:

>>> with open_writer("gray.mp4", width=info.width, height=info.height, frame_rate=info.frame_rate) as video:
...     for frame in frames:
...         video.write(frame.rgb // 2 + 64, frame.pts_seconds)
"""
