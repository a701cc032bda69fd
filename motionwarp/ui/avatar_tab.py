"""The tab for avatars: the person of the photo in space, turning, in the page in 3D, and as files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.ui import markup
from motionwarp.ui.desk import Desk, Inputs, Visitor, begin, buttons, switched
from motionwarp.ui.form import PEOPLE, hex_color
from motionwarp.ui.jobs import Job, JobState
from motionwarp.ui.work import AvatarWork

_USUAL_SECONDS = {"avatar": 4.0, "turntable": 8.0}


def build(desk: Desk, inputs: Inputs) -> None:
    """Add the tab to the page that is built."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            person = gr.Dropdown(list(PEOPLE), value="largest", label="Who of the photo", allow_custom_value=True)
            also = gr.File(
                label="Further photos, from other sides", file_count="multiple",
                file_types=["image"], height=120, elem_id="mw-avatar-also",
            )  # fmt: skip
            color = gr.ColorPicker(value="#c8c8c8", label="Background of the turntable")
            seconds = gr.Slider(1, 12, value=4, step=1, label="Seconds of the turn", elem_id="mw-avatar-seconds")
            height = gr.Dropdown([("1080", 1080), ("720", 720), ("480", 480), ("240", 240)], value=720, label="Height")
            start, stop = buttons("Make the avatar", "avatar")
            progress = gr.HTML(elem_id="mw-avatar-progress")
        with gr.Column(scale=2, min_width=280):
            model = gr.HTML(elem_id="mw-avatar-model")
            result = gr.HTML(elem_id="mw-avatar-result")
    with gr.Row():
        downloads = [
            gr.DownloadButton(label, visible=False, elem_id=f"mw-avatar-{kind}")
            for label, kind in (("Model (.glb)", "glb"), ("Avatar (.safetensors)", "file"), ("Turntable", "turntable"))
        ]
    start.click(
        desk.handler(partial(_make, desk)),
        [inputs.photo, also, person, color, seconds, height],
        [progress, model, result, *downloads, start, stop],
        show_progress="hidden", trigger_mode="multiple", concurrency_limit=None, api_visibility="private",
    )  # fmt: skip
    stop.click(desk.cancel("avatar"), None, None, show_progress="hidden", api_visibility="private")


def _make(desk: Desk, visitor: Visitor, photo: str | None, *values: Any) -> Iterator[Any]:
    import gradio as gr

    hidden, same = gr.update(visible=False), gr.skip()
    for view in begin(desk, visitor, "avatar", partial(_submit, desk, visitor, photo, *values)):
        if isinstance(view, str):
            yield view, same, same, same, same, same, *switched(running=False)
        elif view.state is JobState.DONE:
            made = view.value
            shown = markup.clips_side_by_side([markup.Clip(made.turntable, f"{made.triangles:,} triangles, turning")])
            shown += markup.listed(made.warnings, "What to know")
            files = [gr.update(value=str(path), visible=True) for path in (made.model, made.file, made.turntable)]
            yield "", markup.in_space(made.model), shown, *files, *switched(running=False)
        elif view.over:
            yield markup.progress(view), "", "", hidden, hidden, hidden, *switched(running=False)
        else:
            yield markup.progress(view), same, same, same, same, same, *switched(running=True)


def _submit(desk: Desk, visitor: Visitor, photo: str | None, also: list[str] | None, *look: Any) -> Job:
    person, color, seconds, height = look
    photos = desk.photo(visitor, photo), *(desk.sessions.own(visitor.key, path) for path in also or ())
    folder = visitor.tab.new_folder("avatar")
    options = AvatarOptions(person=person, background=hex_color(color), seconds=float(seconds), height=int(height))
    return desk.submit(visitor, "avatar", AvatarWork(photos, folder, options), folder, _USUAL_SECONDS)
