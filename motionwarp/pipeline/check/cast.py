"""What speaks against the people who are cast, each with their own dancer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from motionwarp.body.body_track import BodyReader
from motionwarp.pipeline.cast import ScenePlan
from motionwarp.pipeline.check.alignment import alignment_issues, alignment_stats
from motionwarp.pipeline.check.driving import driving_issues, driving_stats
from motionwarp.pipeline.check.issues import Issue
from motionwarp.pipeline.check.source import source_issues, source_stats
from motionwarp.pipeline.driving import FrameSampler

# that there are several dancers is what a cast is for
ANSWERED: Final = ("driving.people",)
# cuts of the clip are told once
_TOLD: Final = (*ANSWERED, "driving.cuts")


def cast_issues(scene: ScenePlan, sampler: FrameSampler, reader: BodyReader) -> Iterator[Issue]:
    """Yield the issues of everybody but SOURCE, with the name of the photo before.

    Parameters
    ----------
    scene : ScenePlan
    sampler : FrameSampler
        Which frames of the clip were looked at.
    reader : BodyReader
    """
    for plan, inputs in zip(scene.plans[1:], scene.inputs[1:], strict=True):
        options = plan.setup.options
        photo = source_stats(inputs.source, plan.inputs.source, None, reader)
        clip = driving_stats(plan, sampler, None, reader)
        together = alignment_stats(plan, inputs.source.scale, clip.frames)
        for issue in (
            *source_issues(photo, options),
            *driving_issues(clip, photo, options),
            *alignment_issues(together, photo.framing, options),
        ):
            if issue.code not in _TOLD:
                yield replace(issue, text=f"{inputs.setup.source.name}: {issue.text}")
