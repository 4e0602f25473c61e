"""A full Elasticsearch with analysis-nori in Docker, for the tests, where Docker is.

``ES_HYBRID_TEST_DOCKER=1`` demands it and ``0`` forbids it; otherwise it is used where an
engine answers. testcontainers' own class for Elasticsearch refuses version 9, hence its general
one, with the image that docker-compose.yml builds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docker" / "elasticsearch"
VERSION = (FOLDER / "Dockerfile").read_text().split()[1].partition(":")[2]
PORT = 9200
ENVIRONMENT = {
    "discovery.type": "single-node",
    "xpack.security.enabled": "false",
    "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
}


@cache
def wanted(version: str) -> bool:
    """Whether the tests of this server version are to run on the container."""
    asked = os.environ.get("ES_HYBRID_TEST_DOCKER", "")
    if asked:
        return asked == "1"
    return version == VERSION and engine_answers()


def engine_answers() -> bool:
    """Whether there is a Docker engine, and not only its client."""
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def elasticsearch() -> Iterator[str]:
    """The address of a container that is built, started, waited for, and removed at the end."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.image import DockerImage
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    with DockerImage(
        path=FOLDER, tag=f"es-hybrid-elasticsearch:{VERSION}", clean_up=False
    ) as image:
        container = DockerContainer(str(image)).with_envs(**ENVIRONMENT).with_exposed_ports(PORT)
        healthy = HttpWaitStrategy(PORT, "/_cluster/health?wait_for_status=yellow&timeout=5s")
        with container.waiting_for(healthy.with_startup_timeout(180)) as started:
            yield f"http://{started.get_container_host_ip()}:{started.get_exposed_port(PORT)}"
