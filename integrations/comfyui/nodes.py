"""The nodes, as ComfyUI asks for them: by name, and with their titles in the menu."""

from __future__ import annotations

from .kinds import Node
from .person_nodes import LoadAvatar, MakeAvatar, SaveAvatar, Swap, TurnAvatar
from .transfer_nodes import Check, LoadMotion, LoadPerson, Pose, Transfer

_NODES: tuple[type[Node], ...] = (
    LoadPerson, LoadMotion, Transfer, Check, Pose, MakeAvatar, LoadAvatar, SaveAvatar, TurnAvatar, Swap,
)  # fmt: skip

NODE_CLASS_MAPPINGS = {f"Motionwarp{node.__name__}": node for node in _NODES}
NODE_DISPLAY_NAME_MAPPINGS = {f"Motionwarp{node.__name__}": node.TITLE for node in _NODES}
