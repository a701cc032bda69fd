"""Ray: two nodes on one machine give the bytes of one process, and a killed worker costs nothing but time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motionwarp.batch.executor import ExecutorChoice
from motionwarp.batch.executor_ray import RayExecutor
from motionwarp.batch.generating import RunSettings
from motionwarp.batch.planning import make_plan
from motionwarp.batch.tasks import Tally, run_tasks
from motionwarp.batch.work import ClipTask, SeeTask, WorkOrder
from motionwarp.errors import OptionError

from .conftest import CONFIG, Inputs, make, tree

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.nightly


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, repository_root: Path) -> Iterator[Any]:
    """A cluster of two nodes of one core each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(repository_root))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    ray.shutdown()
    made.shutdown()


def test_two_nodes_share_the_work(cluster: Any, inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, variants=5)
    settings = RunSettings(ExecutorChoice("ray", ray_address=cluster.address))
    summary = make(inputs, tmp_path / "far", config, settings)
    assert (summary.made, summary.failed) == (20, 0)
    assert len({worker.partition(":")[0] for worker in summary.tasks_of_worker}) == 2
    make(inputs, tmp_path / "near", config)
    assert tree(tmp_path / "far") == tree(tmp_path / "near")


def test_a_killed_worker_is_replaced(cluster: Any, inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    plan = make_plan(*inputs.items(), CONFIG)
    order = WorkOrder(str(tmp_path), CONFIG)
    with RayExecutor(order, None, cluster.address) as executor:
        tally, told = Tally(), list[str]()
        seen = {}
        for end in run_tasks(executor, [SeeTask(item) for item in (*plan.sources, *plan.drivings)], tally, told.append):
            assert isinstance(end.task, SeeTask)
            seen[end.task.item.kind, end.task.item.id] = end.result.value
        tasks = [ClipTask(clip, seen["source", clip.source.id], seen["driving", clip.driving.id]) for clip in plan.clips]
        ends = run_tasks(executor, tasks, tally, told.append)
        first = next(ends)
        # the worker that has just answered is at the next clip by now
        os.kill(int(first.result.worker.rpartition(":")[2]), signal.SIGKILL)
        results = [first.result, *(end.result for end in ends)]
    assert [result.problem for result in results] == [None] * 4
    made, wanted = tree(tmp_path), tree(finished)
    clips = {name for name in wanted if name.startswith("clips/")}
    assert {name: made.get(name) for name in clips} == {name: wanted[name] for name in clips}


def test_a_cluster_that_is_not_there_is_told(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no Ray cluster can be reached"):
        RayExecutor(WorkOrder(str(tmp_path), CONFIG), None, "127.0.0.1:1")
