"""A Ray cluster of two nodes on this machine, with the service of deploy/ray/serve.yaml on it."""

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LIMITS
from tests.support.paths import ROOT
from tests.support.service import find_free_port

START_SECONDS = 600  # for six workers and Ray itself, at a high load and from a cold disk; 40 s on an idle machine
NODE_CORES = 6
"""That Ray counts, not the machine: each node has room for the replicas of the other."""


class TwoNodes:
    """The cluster, and the address of the service on it."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.second = cluster.add_node(num_cpus=NODE_CORES)
        self.address = f"http://127.0.0.1:{find_free_port()}"

    def remove_second(self) -> None:
        """Without a graceful end, as in a power failure."""
        self.cluster.remove_node(self.second, allow_graceful=False)

    def add_second(self) -> None:
        self.second = self.cluster.add_node(num_cpus=NODE_CORES)

    def deploy(self, folder: Path) -> None:
        """Run `serve deploy` for the file, with another port and at most one replica of a kind per node.

        A second application, `limited`, has small limits.
        """
        import yaml

        config = yaml.safe_load((ROOT / "deploy/ray/serve.yaml").read_text())
        config["http_options"] |= {"host": "127.0.0.1", "port": int(self.address.rpartition(":")[2])}
        config["proxy_location"] = "HeadOnly"  # both nodes have the same address
        application = config["applications"][0]
        for deployment in application["deployments"]:
            deployment["max_replicas_per_node"] = 1
        limited = {name: application[name] for name in ("import_path", "runtime_env")}
        limits = {f"CONVSERVE_{name.upper()}": str(value) for name, value in LIMITS.items()}
        limited["runtime_env"] = {"env_vars": limits | {"CONVSERVE_WORKERS": "1"}}
        config["applications"].append(limited | {"name": "limited", "route_prefix": "/limited"})
        (folder / "serve.yaml").write_text(yaml.safe_dump(config))
        serve = str(Path(sys.executable).with_name("serve"))
        dashboard = f"http://{self.cluster.head_node.webui_url}"
        subprocess.run([serve, "deploy", str(folder / "serve.yaml"), "-a", dashboard], check=True, cwd=ROOT)


@pytest.fixture(scope="package")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in Ray itself
        import ray
        from ray import serve
        from ray.cluster_utils import Cluster

        head = {"num_cpus": NODE_CORES, "include_dashboard": True, "dashboard_port": find_free_port()}
        cluster = Cluster(initialize_head=True, head_node_args=head | {"object_store_memory": 200 * 2**20})
        try:
            nodes = TwoNodes(cluster)
            ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False)
            nodes.deploy(tmp_path_factory.mktemp("ray"))
            wait_until(
                lambda: {app.status for app in serve.status().applications.values()} == {"RUNNING"}, START_SECONDS
            )
            yield nodes
        finally:
            serve.shutdown()
            ray.shutdown()
            cluster.shutdown()


def wait_until(condition: Any, seconds: float) -> float:
    """Returns the time that it took, in seconds. Raises TimeoutError."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.2)
    return time.monotonic() - started
