"""The search for a JDK, among folders that only look like one."""

import sys

import pytest

from es_hybrid.errors import JavaNotFound
from es_hybrid.node import java


@pytest.fixture(autouse=True)
def no_java(monkeypatch, tmp_path):
    """A machine without any Java: no variable, an empty PATH, no usual folder."""
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("ES_HYBRID_HOME", str(tmp_path / "es-hybrid"))
    monkeypatch.setattr(java, "USUAL_PLACES", (str(tmp_path / "jvm" / "*"),))


def jdk(folder, *, version="25.0.3", tools=("java", "javac"), modules="java.base jdk.jlink"):
    """Make what find_jdk looks at of a JDK: its programs and its release file."""
    (folder / "bin").mkdir(parents=True)
    for tool in tools:
        (folder / "bin" / tool).touch(mode=0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return folder


def test_the_explicit_variable_wins(tmp_path, monkeypatch):
    jdk(tmp_path / "jvm" / "jdk-25")
    monkeypatch.setenv("JAVA_HOME", str(jdk(tmp_path / "second")))
    monkeypatch.setenv("ES_JAVA_HOME", str(jdk(tmp_path / "first")))
    found = java.find_jdk()
    assert (found.home.name, found.version, found.source) == ("first", 25, "ES_JAVA_HOME")


def test_an_old_java_on_the_path_does_not_end_the_search(tmp_path, monkeypatch):
    old = jdk(tmp_path / "old", version="17.0.15")
    monkeypatch.setenv("PATH", str(old / "bin"))
    new = jdk(tmp_path / "jvm" / "new")
    assert java.find_jdk().home == new


def test_the_newest_of_the_usual_places_is_taken(tmp_path):
    for name in ("jdk-9.1", "jdk-25.0", "jdk-21.0"):
        jdk(tmp_path / "jvm" / name)
    assert java.find_jdk().home.name == "jdk-25.0"


def test_a_jdk_that_was_fetched_is_found_again(tmp_path):
    home = tmp_path / "es-hybrid"
    home.mkdir()
    (home / "jdk").symlink_to(jdk(tmp_path / "fetched"))
    assert java.find_jdk(home=home).source == "es-hybrid up --install-jdk"


@pytest.mark.parametrize(
    ("flaw", "why"),
    [
        ({"version": "17.0.15"}, "Java 17, older than 21"),
        ({"version": "1.8.0_402"}, "Java 8, older than 21"),
        ({"tools": ("java",)}, "Java 25, but only a runtime"),
        ({"modules": "java.base"}, "Java 25, but only a runtime"),
        ({"tools": ()}, "there is no bin/java"),
    ],
)
def test_an_unfit_java_is_named_with_its_reason(tmp_path, monkeypatch, flaw, why):
    folder = jdk(tmp_path / "unfit", **flaw)
    monkeypatch.setenv("JAVA_HOME", str(folder))
    with pytest.raises(JavaNotFound) as caught:
        java.find_jdk()
    assert f"{folder} (JAVA_HOME): {why}" in str(caught.value)


def test_without_any_java_the_message_says_what_to_install():
    with pytest.raises(JavaNotFound, match=r"no Java was found at all.*apt install.*--install-jdk"):
        java.find_jdk()


def test_a_java_without_a_release_file_is_asked(tmp_path, monkeypatch):
    folder = jdk(tmp_path / "mute")
    (folder / "release").unlink()
    (folder / "bin" / "java").write_text("#!/bin/sh\necho 'openjdk version \"22.0.1\"' >&2\n")
    monkeypatch.setenv("JAVA_HOME", str(folder))
    assert java.find_jdk().version == 22


def test_fetching_a_jdk_without_cjdk_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cjdk", None)
    with pytest.raises(JavaNotFound, match=r"pip install 'es_hybrid\[jdk\]'"):
        java.install_jdk(tmp_path)
