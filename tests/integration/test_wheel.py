"""The wheel holds all that runs without the checkout."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

CHECKOUT = Path(__file__).parents[2]
UNREACHABLE = ("Failed to fetch", "dns error", "Could not find a version", "Connection")

LOOK = """
import json, es_hybrid
from es_hybrid.contract import Contract
from es_hybrid.embedders import EmbedderInfo
from es_hybrid.mapping import analysis_profiles, index_body
from es_hybrid.node.plugin import SOURCES
info = EmbedderInfo(id="e", dims=3, revision="1")
body = index_body(Contract(info, ("text",), "korean", "flat", ()))
print(json.dumps({
    "package": es_hybrid.__file__,
    "profiles": analysis_profiles(),
    "dims": body["mappings"]["properties"]["embedding"]["dims"],
    "sources": sorted(path.name for path in SOURCES.glob("*.java")),
}))
"""


def tools():
    """Commands that build a wheel and install one, up to their own arguments."""
    if uv := shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent):
        return [uv, "build", "--wheel", "--out-dir"], [uv, "pip", "install", "--target"]
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip"]
        return [*pip, "wheel", "--no-deps", "--wheel-dir"], [*pip, "install", "--target"]
    pytest.skip("neither uv nor pip is here to build a wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [*tools()[0], str(folder), str(CHECKOUT)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if run.returncode and any(words in run.stderr for words in UNREACHABLE):
        pytest.skip(f"the build backend cannot be fetched: {run.stderr.splitlines()[-1]}")
    assert run.returncode == 0, run.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Runs Python far from the checkout, with the installed wheel before all else."""
    target, folder = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("elsewhere")
    install = [*tools()[1], str(target), "--no-deps", str(wheel)]
    subprocess.run(install, capture_output=True, check=True, cwd=folder)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def run(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=environment, check=True
        )
        return done.stdout

    run.target = target
    return run


def checkout_names(folder, pattern):
    return sorted(path.name for path in (CHECKOUT / folder).rglob(pattern))


@pytest.mark.parametrize(
    ("inside", "folder", "pattern"),
    [
        ("es_hybrid/mappings/", "mappings", "*.json"),
        ("es_hybrid/node/plugin_sources/", "es_hybrid/node/plugin_sources", "*.java"),
        ("es_hybrid/", "es_hybrid", "py.typed"),
    ],
)
def test_the_wheel_holds_what_is_no_python(wheel, inside, folder, pattern):
    names = [name for name in ZipFile(wheel).namelist() if name.startswith(inside)]
    found = sorted(Path(name).name for name in names if Path(name).match(pattern))
    assert found == checkout_names(folder, pattern) != []


def test_the_wheel_holds_neither_tests_nor_scripts(wheel):
    tops = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert [top for top in tops if not top.startswith("es_hybrid")] == []


def test_an_installed_package_finds_its_mappings_and_plugin_sources(elsewhere):
    found = json.loads(elsewhere("-c", LOOK))
    assert Path(found["package"]).is_relative_to(elsewhere.target)
    profiles = checkout_names("mappings/analysis", "*.json")
    assert found["profiles"] == [Path(name).stem for name in profiles] != []
    assert found["sources"] == checkout_names("es_hybrid/node/plugin_sources", "*.java")


def test_an_installed_command_line_runs(elsewhere):
    assert elsewhere("-m", "es_hybrid", "--help").startswith("Usage: es-hybrid")
