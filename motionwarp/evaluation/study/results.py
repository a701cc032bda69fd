"""What the participants of a study preferred.

Rates with exact intervals against chance, those who did not look left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionwarp.errors import InputError
from motionwarp.evaluation.statistics import binomial_interval, binomial_p
from motionwarp.evaluation.study.make import KEY_FORMAT, RESULT_FORMAT


@dataclass(frozen=True)
class Participant:
    """One participant's votes.

    Attributes
    ----------
    name : str
        A random number of the browser's.
    votes : dict of str to bool
        By pair: whether the first system was preferred.
    left : int
        How often the left picture was chosen, whoever's it was.
    checks, failed : int
        Attention checks answered, and those answered wrongly.
    file : Path
    """

    name: str
    votes: dict[str, bool]
    left: int
    checks: int
    failed: int
    file: Path


def study_summary(paths: Sequence[Path], allowed_failures: int) -> dict[str, Any]:
    """Read a study's key and results and count the votes.

    Parameters
    ----------
    paths : sequence of Path
        The key and the participants' files, in any order; folders stand for the JSON files in them.
    allowed_failures : int
        Participants who failed more attention checks than that are left out.

    Returns
    -------
    dict
        For JSON: rates of preferring the first system, over all votes, by participant and by pair.

    Raises
    ------
    InputError
        If a file is damaged or of another study, the key is missing or there are two, or nobody is left.
    """
    key, results = _sorted_out(_files(paths))
    everybody = _once_each([_participant(key, content, file) for file, content in results])
    counted = [each for each in everybody if each.failed <= allowed_failures and each.votes]
    if not counted:
        raise InputError(
            f"none of {len(everybody)} participants is left who passed the attention checks",
            remedy="Give the files of more participants, or a larger `allow_failed`.",
        )
    names = {each.name for each in counted}
    votes = [preferred for each in counted for preferred in each.votes.values()]
    interval = binomial_interval(sum(votes), len(votes))
    return {
        "study": key["study"],
        "question": key["question"],
        "first": key["first"],
        "second": key["second"],
        "participants": len(counted),
        "left_out": [_left_out(each) for each in everybody if each.name not in names],
        "votes": len(votes),
        "first_preferred": sum(votes),
        "rate": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "p_against_chance": binomial_p(sum(votes), len(votes)),
        "left_chosen": sum(each.left for each in counted) / len(votes),
        "by_participant": {each.name: sum(each.votes.values()) / len(each.votes) for each in counted},
        "by_pair": _by_pair(counted),
    }


def _left_out(participant: Participant) -> dict[str, Any]:
    return {
        "participant": participant.name,
        "failed": participant.failed,
        "of": participant.checks,
        "file": participant.file.name,
    }


def _by_pair(participants: Sequence[Participant]) -> dict[str, dict[str, int]]:
    pairs: dict[str, dict[str, int]] = {}
    for participant in participants:
        for name, preferred in participant.votes.items():
            row = pairs.setdefault(name, {"votes": 0, "first": 0})
            row["votes"] += 1
            row["first"] += preferred
    return dict(sorted(pairs.items()))


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.glob("*.json"))
        else:
            files.append(path)
    if not files:
        raise InputError("no results were given", remedy="Give the study's key.json and the participants' files.")
    return files


def _sorted_out(files: Sequence[Path]) -> tuple[dict[str, Any], list[tuple[Path, dict[str, Any]]]]:
    """Tell the key from the results."""
    keys: list[tuple[Path, dict[str, Any]]] = []
    results: list[tuple[Path, dict[str, Any]]] = []
    for file in dict.fromkeys(files):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(f"cannot be read as JSON ({error})", subject=file) from error
        kind = content.get("format") if isinstance(content, dict) else None
        if kind not in (KEY_FORMAT, RESULT_FORMAT):
            raise InputError("is neither a study's key nor a participant's answers", subject=file)
        (keys if kind == KEY_FORMAT else results).append((file, content))
    if len(keys) != 1:
        problem = "the study's key is not among the files" if not keys else f"there are {len(keys)} keys"
        raise InputError(problem, remedy="Give key.json of one study, which lies beside its index.html.")
    if not results:
        raise InputError(
            "there are no participants' answers among the files", remedy="Give the files that participants saved."
        )
    return keys[0][1], results


def _participant(key: Mapping[str, Any], content: Mapping[str, Any], file: Path) -> Participant:
    if content.get("study") != key["study"]:
        raise InputError("is of another study than the key", subject=file, remedy="Give files of one study at a time.")
    secrets = {item["id"]: item for item in key["items"]}
    votes: dict[str, bool] = {}
    left = checks = failed = 0
    try:
        for answer in content["answers"]:
            secret, chosen = secrets[answer["id"]], answer["chosen"]
            if chosen not in ("x", "y") or answer["left"] not in ("x", "y"):
                raise ValueError(f"a choice is {chosen!r}")
            if "clean" in secret:
                checks += 1
                failed += chosen != secret["clean"]
                continue
            if secret["name"] in votes:
                raise ValueError(f"{secret['name']} is answered twice")
            votes[secret["name"]] = (chosen == "x") == (secret["x"] == "first")
            left += chosen == answer["left"]
        return Participant(str(content["participant"]), votes, left, checks, failed, file)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"holds answers that are damaged ({error})", subject=file, remedy="Ask for the file again."
        ) from error


def _once_each(participants: Sequence[Participant]) -> list[Participant]:
    """Keep of a participant's files the one with the most answers: some save midway and again at the end."""
    best: dict[str, Participant] = {}
    for each in participants:
        if each.name not in best or len(each.votes) > len(best[each.name].votes):
            best[each.name] = each
    return list(best.values())
