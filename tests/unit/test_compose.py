"""docker-compose.yml and its image, as far as they can be checked without a Docker engine."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from es_hybrid.node import DEFAULT_VERSION
from tests import containers

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]


def test_the_image_is_the_tried_elasticsearch_with_nori_in_two_lines():
    first, second = (
        (ROOT / SERVICES["elasticsearch"]["build"] / "Dockerfile").read_text().split("\n")[:2]
    )
    assert first == f"FROM elasticsearch:{DEFAULT_VERSION}"
    assert second.endswith("elasticsearch-plugin install --batch analysis-nori")


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_the_tried_version_and_no_registry_in_its_name(service):
    name, _, version = SERVICES[service]["image"].partition(":")
    assert "/" not in name
    assert version == DEFAULT_VERSION


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_watched_bounded_and_closed_to_the_network(service):
    told = SERVICES[service]
    assert {"test", "interval", "timeout", "retries"} <= told["healthcheck"].keys()
    assert "mem_limit" in told
    assert all(port.startswith("127.0.0.1:") for port in told["ports"])


def test_kibana_waits_until_elasticsearch_is_healthy():
    waits = SERVICES["kibana"]["depends_on"]["elasticsearch"]
    assert waits == {"condition": "service_healthy"}


def test_every_volume_that_is_used_is_declared():
    used = {volume.split(":")[0] for told in SERVICES.values() for volume in told["volumes"]}
    assert used == COMPOSE["volumes"].keys()


def test_docker_itself_accepts_the_file():
    client = shutil.which("docker")
    if (
        client is None
        or subprocess.run([client, "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("no docker client with compose here")
    told = subprocess.run(
        [client, "compose", "--file", FILE, "config", "--format", "json"],
        capture_output=True,
        check=True,
    )
    assert json.loads(told.stdout)["services"].keys() == SERVICES.keys()


@pytest.mark.parametrize(("asked", "used"), [("1", True), ("0", False)])
def test_who_runs_the_tests_may_demand_or_forbid_the_container(monkeypatch, asked, used):
    monkeypatch.setenv("ES_HYBRID_TEST_DOCKER", asked)
    assert containers.wanted.__wrapped__(DEFAULT_VERSION) is used


@pytest.mark.parametrize(("version", "used"), [(DEFAULT_VERSION, True), ("8.19.21", False)])
def test_the_container_is_used_where_an_engine_answers_and_for_its_own_version(
    monkeypatch, version, used
):
    monkeypatch.delenv("ES_HYBRID_TEST_DOCKER", raising=False)
    monkeypatch.setattr(containers, "engine_answers", lambda: True)
    assert containers.wanted.__wrapped__(version) is used
