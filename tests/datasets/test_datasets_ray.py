"""Ray: two nodes on one machine give the bytes of one process, and a killed worker costs nothing but time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motionwarp.datasets.executors.ray import RayExecutor
from motionwarp.datasets.options import ExecutorChoice, RunSettings
from motionwarp.datasets.scheduler import Tally
from motionwarp.datasets.worker import TaskResult, WorkOrder
from motionwarp.errors import OptionError

from .conftest import CONFIG, Inputs, make, tree
from .test_datasets_executors import kill_after_the_third_clip

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


def test_two_nodes_share_the_work(
    cluster: Any, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, variants=10)
    settings = RunSettings(ExecutorChoice("ray", ray_address=cluster.address))
    # the nodes' processes have another working folder
    monkeypatch.chdir(tmp_path)
    summary = make(inputs, "far", config, settings)
    assert (summary.made, summary.failed) == (40, 0)
    assert len({worker.partition(":")[0] for worker in summary.tasks_of_worker}) == 2
    # networks are loaded once a worker
    assert len(summary.tasks_of_worker) == 2
    make(inputs, tmp_path / "near", config)
    assert tree(tmp_path / "far") == tree(tmp_path / "near")


def test_a_set_is_the_same_though_a_worker_was_killed(
    cluster: Any, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, variants=3)
    make(inputs, tmp_path / "near", config)
    killed = kill_after_the_third_clip(monkeypatch)
    summary = make(inputs, tmp_path / "far", config, RunSettings(ExecutorChoice("ray", ray_address=cluster.address)))
    assert killed
    assert (summary.made, summary.failed) == (12, 0)
    assert summary.retried >= 1
    assert tree(tmp_path / "far") == tree(tmp_path / "near")


def test_a_set_is_the_same_though_a_node_was_lost(
    cluster: Any, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, variants=3)
    make(inputs, tmp_path / "near", config)
    count, made = Tally.count, list[str]()

    def counted(self: Tally, result: TaskResult) -> None:
        count(self, result)
        made.append(result.worker)
        if len(made) == 6:
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)

    monkeypatch.setattr(Tally, "count", counted)
    summary = make(inputs, tmp_path / "far", config, RunSettings(ExecutorChoice("ray", ray_address=cluster.address)))
    assert (summary.made, summary.failed) == (12, 0)
    assert tree(tmp_path / "far") == tree(tmp_path / "near")


def test_a_worker_keeps_its_gpu_and_its_networks(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository_root: Path
) -> None:
    """Of a GPU that is pretended, which PyTorch does not see: what is asked here is how Ray places the work."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(repository_root))
    ray.init(address="local", num_cpus=4, num_gpus=1, include_dashboard=False, log_to_driver=False)
    try:
        config = replace(CONFIG, options=replace(CONFIG.options, device="auto"))
        summary = make(inputs, tmp_path / "out", config, RunSettings(ExecutorChoice("ray")))
    finally:
        ray.shutdown()
    assert summary.made == 4
    assert list(summary.tasks_of_worker.values()) == [8]


def test_a_cluster_on_which_nothing_can_be_started_is_told(
    cluster: Any, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __init__(self, order: WorkOrder) -> None:
            raise RuntimeError("there is no motionwarp on this node")

        def start(self) -> None:
            return

    monkeypatch.setattr("motionwarp.datasets.executors.ray.RayWorker", Broken)
    with pytest.raises(OptionError, match=r"not one worker can be started on the cluster .*no motionwarp on this node"):
        make(inputs, tmp_path / "out", settings=RunSettings(ExecutorChoice("ray", ray_address=cluster.address)))
    assert not (tmp_path / "out" / "failed").exists()


def test_a_cluster_that_is_not_there_is_told(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no Ray cluster can be reached"):
        RayExecutor(WorkOrder(str(tmp_path), CONFIG), None, "127.0.0.1:1")
