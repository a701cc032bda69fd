"""What ComfyUI does with nodes, after its published contract: loads a folder of nodes, checks a prompt, carries it out.

The contract: a folder in custom_nodes/ is a package with NODE_CLASS_MAPPINGS. A node is a class with a class method
INPUT_TYPES, whose 'required' and 'optional' map names to (type, options), a list of choices in a type's place; with
RETURN_TYPES, FUNCTION and CATEGORY, and OUTPUT_NODE for those that a prompt is carried out for. A prompt in the API's
form maps a node's number to its 'class_type' and 'inputs', in which [number, place] is an output of another node.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

Prompt = Mapping[str, Mapping[str, Any]]
WIDGETS = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}


class Interrupted(BaseException):
    """What ComfyUI raises in a node when its user cancels."""


def load_nodes(folder: Path) -> dict[str, type]:
    """Import a folder of custom nodes, as ComfyUI does, and return its classes by name."""
    name = str(folder).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    mappings: dict[str, type] = module.NODE_CLASS_MAPPINGS
    assert set(module.NODE_DISPLAY_NAME_MAPPINGS) == set(mappings)
    return mappings


class FakeComfy:
    """The parts of ComfyUI that nodes may import: bars, cancel, and the output folder.

    Attributes
    ----------
    bars : list of (int, int)
        What was shown, of how many.
    """

    def __init__(self, output: Path) -> None:
        self.bars: list[tuple[int, int]] = []
        self.cancel_at: int | None = None
        self._output = output

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Stand in ComfyUI's place while the block runs."""
        comfy, utils, management, paths = (
            ModuleType(name) for name in ("comfy", "comfy.utils", "comfy.model_management", "folder_paths")
        )
        host = self

        class ProgressBar:
            def __init__(self, total: int) -> None:
                self.total = total

            def update_absolute(self, value: int, total: int | None = None, preview: Any = None) -> None:
                host.bars.append((value, total or self.total))

        def throw_exception_if_processing_interrupted() -> None:
            if host.cancel_at is not None and host.bars and host.bars[-1][0] >= host.cancel_at:
                raise Interrupted

        utils.ProgressBar = ProgressBar  # type: ignore[attr-defined]
        management.throw_exception_if_processing_interrupted = (  # type: ignore[attr-defined]
            throw_exception_if_processing_interrupted
        )
        paths.get_output_directory = lambda: str(host._output)  # type: ignore[attr-defined]
        comfy.utils, comfy.model_management = utils, management  # type: ignore[attr-defined]
        modules = {
            "comfy": comfy, "comfy.utils": utils, "comfy.model_management": management, "folder_paths": paths,
        }  # fmt: skip
        before = {name: sys.modules.get(name) for name in modules}
        sys.modules.update(modules)
        try:
            yield
        finally:
            for name, module in before.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module


def check_node(node: Any) -> None:
    """Raise AssertionError where a class is no node."""
    kinds = node.INPUT_TYPES()
    assert set(kinds) <= {"required", "optional", "hidden"}
    assert "required" in kinds
    for name, given in {**kinds["required"], **kinds.get("optional", {})}.items():
        assert isinstance(given, tuple), name
        kind, options = given[0], given[1] if len(given) > 1 else {}
        if isinstance(kind, list):
            assert options.get("default", kind[0]) in kind, name
        elif kind in WIDGETS:
            assert isinstance(options["default"], WIDGETS[kind]), name
            assert (
                options.get("min", float("-inf"))
                <= (options["default"] if kind in ("INT", "FLOAT") else 0)
                <= options.get("max", float("inf"))
            ), name
        else:
            assert kind.isupper(), name
    assert isinstance(node.RETURN_TYPES, tuple)
    assert len(getattr(node, "RETURN_NAMES", node.RETURN_TYPES)) == len(node.RETURN_TYPES)
    assert callable(getattr(node, node.FUNCTION))
    assert isinstance(node.CATEGORY, str)


class PromptError(ValueError):
    """A prompt that ComfyUI would refuse."""


def check_prompt(nodes: Mapping[str, Any], prompt: Prompt) -> None:
    """Raise PromptError where ComfyUI would refuse a prompt: inputs missing, of a wrong type or out of range."""
    for number, node in prompt.items():
        kinds = nodes[node["class_type"]].INPUT_TYPES()
        offered = {**kinds["required"], **kinds.get("optional", {})}
        for name in kinds["required"]:
            if name not in node["inputs"]:
                raise PromptError(f"{number}: {name} is missing")
        for name, value in node["inputs"].items():
            kind, options = offered[name][0], offered[name][1] if len(offered[name]) > 1 else {}
            if isinstance(value, list):
                source = nodes[prompt[value[0]]["class_type"]]
                if source.RETURN_TYPES[value[1]] != kind:
                    raise PromptError(f"{number}: {name} is {kind}, not {source.RETURN_TYPES[value[1]]}")
            elif isinstance(kind, list):
                if value not in kind:
                    raise PromptError(f"{number}: {name} is not in its list")
            elif not isinstance(value, WIDGETS[kind]):
                raise PromptError(f"{number}: {name} is no {kind}")
            elif not options.get("min", value) <= value <= options.get("max", value):
                raise PromptError(f"{number}: {name} is out of range")


def carry_out(nodes: Mapping[str, Any], prompt: Prompt) -> dict[str, Any]:
    """Return what every node of a prompt gives, each carried out once and in inference mode, as ComfyUI does."""
    check_prompt(nodes, prompt)
    given: dict[str, Any] = {}

    def result(number: str) -> Any:
        if number not in given:
            node = nodes[prompt[number]["class_type"]]
            inputs = {
                name: result(value[0])[value[1]] if isinstance(value, list) else value
                for name, value in prompt[number]["inputs"].items()
            }
            with torch.inference_mode():
                given[number] = getattr(node(), node.FUNCTION)(**inputs)
            if isinstance(given[number], tuple):
                assert len(given[number]) == len(node.RETURN_TYPES)
        return given[number]

    for number, node in prompt.items():
        if getattr(nodes[node["class_type"]], "OUTPUT_NODE", False):
            result(number)
    return given
