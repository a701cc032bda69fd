"""Damage to documents that stays well formed, so that it comes past the parser: JSON, TOML, BVH, CSV, safetensors."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from fuzz_mutations import mutated

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 17, 18, 54, 2**31, -(2**63), 2**64, 10**400, 1e308, -1e-308, float("nan"),
    float("inf"), 0.5, "", "x", "nan", "../../x", "/etc/passwd", "\x00", "\ud800", "ä" * 300, "1e999", "%s", [], {},
    [[]],
    [0] * 54, [[0, 0]], {"": 0}, [None], "[" * 2000,
)  # fmt: skip
_TOKENS = (
    b"0", b"-1", b"nan", b"1e999", b"99999999999999999999", b"", b"\x00", b'""', b"[]", b"{}", b"true", b"[[x]]", b"=",
    b"{",
    b"}", b"MOTION", b"End Site", b"ROOT x", b"\xff\xfe", b",", b'"', b"\n\n",
)  # fmt: skip
_TEXTS = (".json", ".toml", ".bvh", ".csv")


def mutated_document(seeds: Mapping[str, bytes], case: int) -> tuple[str, bytes]:
    """Return the name and the content of a case: half of the cases are damaged in form, half in bytes."""
    names = sorted(seeds)
    name = names[case % len(names)]
    if (case // len(names)) % 2:
        return mutated(seeds, case)
    generator = np.random.default_rng([20_261_129, case])
    content = seeds[name]
    for _ in range(int(generator.integers(1, 4))):
        content = _damaged(name, content, generator)
    return name, content


def _damaged(name: str, content: bytes, generator: np.random.Generator) -> bytes:
    if name.endswith(".safetensors"):
        return _damaged_tensors(content, generator)
    if name.endswith(".json") and generator.random() < 0.8:
        try:
            return _dumped(_damaged_value(json.loads(content), generator))
        except (ValueError, RecursionError):
            return content
    if name.endswith(_TEXTS):
        return _damaged_text(content, generator)
    return mutated({name: content}, int(generator.integers(1 << 31)))[1]


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _damaged_value(value: Any, generator: np.random.Generator, depth: int = 0) -> Any:
    """Return a JSON value with one place in it changed, removed, repeated or exchanged for an odd one."""
    inner = isinstance(value, dict | list) and len(value) > 0
    if not inner or (depth and generator.random() < 0.15):
        return _ODD[int(generator.integers(len(_ODD)))]
    if isinstance(value, dict):
        changed = dict(value)
        key = list(changed)[int(generator.integers(len(changed)))]
        action = generator.random()
        if action < 0.1:
            del changed[key]
        elif action < 0.15:
            changed[f"{key}x"] = changed.pop(key)
        elif isinstance(changed[key], str) and changed[key][:1] == "{" and action < 0.8:  # JSON within JSON
            changed[key] = json.dumps(_damaged_value(json.loads(changed[key]), generator, depth + 1))
        else:
            changed[key] = _damaged_value(changed[key], generator, depth + 1)
        return changed
    items = list(value)
    place = int(generator.integers(len(items)))
    action = generator.random()
    if action < 0.1:
        del items[place]
    elif action < 0.2:
        items[place:place] = [items[place]] * int(generator.integers(1, 4))
    else:
        items[place] = _damaged_value(items[place], generator, depth + 1)
    return items


def _damaged_text(content: bytes, generator: np.random.Generator) -> bytes:
    """Return a text with one of its words or numbers changed, or a line removed, repeated or moved."""
    if generator.random() < 0.3:
        lines = content.split(b"\n")
        place, other = (int(generator.integers(len(lines))) for _ in range(2))
        line = lines.pop(place)
        if generator.random() < 0.6:
            lines[other:other] = [line] * int(generator.integers(1, 4))
        return b"\n".join(lines)
    words = list(re.finditer(rb"[^\s,=\[\]]+", content))
    if not words:
        return content
    word = words[int(generator.integers(len(words)))]
    return content[: word.start()] + _TOKENS[int(generator.integers(len(_TOKENS)))] + content[word.end() :]


def _damaged_tensors(content: bytes, generator: np.random.Generator) -> bytes:
    """Return a safetensors file whose header is changed and well formed, or whose numbers are odd ones."""
    try:
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size])
    except (struct.error, ValueError, RecursionError):
        return content
    if generator.random() < 0.4:
        numbers = bytearray(content[8 + size :])
        odd = (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff\xff\x7f\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0")
        for _ in range(int(generator.integers(1, 6))):
            place = 4 * int(generator.integers(max(len(numbers) // 4, 1)))
            numbers[place : place + 4] = odd[int(generator.integers(len(odd)))][: len(numbers) - place]
        return content[: 8 + size] + bytes(numbers)
    told = header.get("__metadata__") if isinstance(header, dict) else None
    if isinstance(told, dict) and generator.random() < 0.6:
        changed = _damaged_value(told, generator)
        if isinstance(changed, dict):  # the library wants texts
            changed = {str(key): text if isinstance(text, str) else json.dumps(text) for key, text in changed.items()}
        header["__metadata__"] = changed
    else:
        header = _damaged_value(header, generator)
    encoded = _dumped(header)
    return struct.pack("<Q", len(encoded)) + encoded + content[8 + size :]
