"""The page as a whole: what is put in on top, and tabs for what is made of it. Gradio is imported when it is built."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from motionwarp.motions.catalog import library
from motionwarp.ui import avatar_tab, compare_tab, dataset_tab, swap_tab, transfer_tab
from motionwarp.ui.desk import Desk, Inputs, as_it_is


def build(desk: Desk) -> Any:
    """Return the whole page as Gradio's `Blocks`.

    Parameters
    ----------
    desk : Desk
    """
    import gradio as gr

    with gr.Blocks(title="motionwarp", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            '<header class="mw-head"><h1>motionwarp</h1><p>The motion of a clip for the person in a photo.</p></header>'
        )
        inputs = _inputs()
        with gr.Tabs():
            with gr.Tab("Transfer", id="transfer"):
                transfer_tab.build(desk, inputs)
            with gr.Tab("Avatar", id="avatar"):
                avatar_tab.build(desk, inputs)
            with gr.Tab("Clothes", id="swap"):
                swap_tab.build(desk, inputs)
            with gr.Tab("Compare engines", id="compare"):
                compare_tab.build(desk, inputs)
            with gr.Tab("Data sets", id="datasets"):
                dataset_tab.build(desk)
        gr.HTML(
            '<footer class="mw-foot">All work is done on this machine; nothing is sent anywhere, and what was put in '
            "is deleted when the page is closed. Results are synthetic and say so in their files: use photos of people "
            "who agreed to it.</footer>"
        )

        def closed(request: Any) -> None:
            desk.sessions.close_tab(request.session_hash or "")

        closed.__annotations__ = {"request": gr.Request}
        page.unload(closed)
    return page


def _inputs() -> Inputs:
    import gradio as gr

    with gr.Row(equal_height=True):
        photo = gr.Image(
            label="Photo: drop, paste or take one", type="filepath", image_mode=None, height=340, elem_id="mw-photo",
            sources=["upload", "clipboard", "webcam"], buttons=["fullscreen"],
        )  # fmt: skip
        clip = gr.Video(
            label="Clip with the motion", sources=["upload", "webcam"], elem_id="mw-clip",
            include_audio=True, buttons=[],
        )  # fmt: skip
    names = list(library())
    with gr.Accordion("Other motions" if not names else "A motion of the library, or another file", open=False):
        motion = gr.Dropdown(
            [("The clip above", ""), *((name, name) for name in names)], value="", label="Motion of the library",
            visible=bool(names), elem_id="mw-motion",
        )  # fmt: skip
        other = gr.File(
            label="GIF, sticker (.webp, .png) or motion capture (.bvh)", height=120, elem_id="mw-other",
            file_types=[".gif", ".webp", ".png", ".apng", ".bvh"],
        )  # fmt: skip
    photo.preprocess = as_it_is
    return Inputs(photo, clip, motion, other)


def style() -> str:
    """Return the page's style sheet."""
    return _text("page.css")


def script() -> str:
    """Return what the page itself does in the browser, as a function: views in 3D, buttons."""
    return f"() => {{\n{_text('avatar_view.js')}\n{_text('page.js')}}}"


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
