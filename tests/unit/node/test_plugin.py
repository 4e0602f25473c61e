"""The analysis plugin is compiled once, put in place whole, and complete."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from es_hybrid.errors import JavaNotFound, NodeFailed, PluginMissing
from es_hybrid.node import maven, plugin

PROFILES = Path(__file__).parents[3] / "mappings" / "analysis"

# Stands in for javac: writes one class, and one line into the file "calls" beside itself.
COMPILES = """#!/bin/sh
echo called >> "$(dirname "$0")/calls"
while [ "$1" != "-d" ]; do shift; done
mkdir -p "$2" && echo bytecode > "$2/Any.class"
"""
REFUSES = "#!/bin/sh\nfor n in 1 2 3 4 5 6 7 8 9; do echo error $n >&2; done; exit 1\n"


def jdk(folder, script=COMPILES):
    javac = folder / "bin" / "javac"
    javac.parent.mkdir(parents=True)
    javac.write_text(script)
    javac.chmod(0o755)
    return folder


def unpacked(folder):
    """A server as the plugin sees it: two jars that state their versions."""
    (folder / "lib").mkdir(parents=True)
    for jar in ("elasticsearch-9.5.4", "elasticsearch-core-9.5.4", "lucene-core-10.5.1"):
        (folder / "lib" / f"{jar}.jar").touch()
    (folder / "plugins").mkdir()
    return folder


@pytest.fixture
def server(tmp_path):
    return unpacked(tmp_path / "server")


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the sources that a test may change."""
    copy = Path(shutil.copytree(plugin.SOURCES, tmp_path / "sources"))
    monkeypatch.setattr(plugin, "SOURCES", copy)
    return copy


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install with a stand-in compiler, and a repository that has one Korean analyzer."""
    java_home = jdk(tmp_path / "jdk")
    nori = tmp_path / "lucene-analysis-nori-10.5.0.jar"
    nori.touch()
    monkeypatch.setattr(maven, "versions", lambda *_, home: ["9.12.2", "10.5.0"])
    monkeypatch.setattr(maven, "fetch", lambda *_, home: nori)

    def run(server, java_home=java_home):
        plugin.install(server, java_home=java_home, home=tmp_path / "home", say=said.append)
        return server / "plugins" / plugin.NAME

    said = run.said = []
    run.compiled = lambda: len((java_home / "bin" / "calls").read_text().splitlines())
    return run


def test_an_installed_plugin_is_complete(install, server):
    place = install(server)
    assert {re.sub("-[0-9a-f]{16}", "", path.name) for path in place.iterdir()} == {
        "es-hybrid-analysis.jar",
        "lucene-analysis-nori-10.5.0.jar",
        "named_components.json",
        "stable-plugin-descriptor.properties",
    }
    assert json.loads((place / "named_components.json").read_text()) == plugin.components()


def test_the_descriptor_has_the_five_keys_that_are_allowed(install, server):
    lines = (install(server) / "stable-plugin-descriptor.properties").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert set(told) == {"description", "elasticsearch.version", "java.version", "name", "version"}
    assert told["elasticsearch.version"] == "9.5.4"


def test_a_second_call_does_nothing(install, server):
    before = install(server).stat().st_ino
    assert install(server).stat().st_ino == before
    assert install.said == ["compiling the analysis plugin"]


def test_a_second_server_of_a_version_gets_the_compiled_plugin(install, server, tmp_path):
    install(server)
    assert install(unpacked(tmp_path / "other")).is_dir()
    assert install.compiled() == 1


def test_changed_sources_replace_the_plugin(install, server, sources):
    before = {path.name for path in install(server).glob("es-hybrid-*.jar")}
    (sources / "Cjk.java").write_text("// changed")
    after = {path.name for path in install(server).glob("es-hybrid-*.jar")}
    assert len(after) == 1
    assert before.isdisjoint(after)
    assert [path.name for path in (server / "plugins").iterdir()] == [plugin.NAME]


def test_what_a_killed_run_left_is_no_hindrance(install, server, tmp_path):
    key = plugin.fingerprint(plugin.inspect(server))
    for left in (tmp_path / "home" / "plugins" / f"{key}.part", server / f".{plugin.NAME}.part"):
        (left / "half").mkdir(parents=True)
    assert not (install(server) / "half").exists()


def test_another_account_can_read_the_plugin_whatever_the_umask(install, server):
    before = os.umask(0o077)
    try:
        place = install(server)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o644}
    assert place.stat().st_mode & 0o777 == 0o755


def test_a_runtime_without_a_compiler_is_refused(install, server, tmp_path):
    with pytest.raises(JavaNotFound, match="is no JDK; set ES_JAVA_HOME"):
        install(server, tmp_path / "jre")


def test_a_refusing_compiler_is_quoted_and_nothing_is_installed(install, server, tmp_path):
    with pytest.raises(NodeFailed, match=r"(?s)Elasticsearch 9\.5\.4.*error 1\n.*error 6$"):
        install(server, jdk(tmp_path / "bad", REFUSES))
    assert list((server / "plugins").iterdir()) == []


def test_a_folder_without_a_server_is_refused(install, tmp_path):
    with pytest.raises(NodeFailed, match=r"no lib/elasticsearch-VERSION\.jar"):
        install(tmp_path)


def test_a_folder_that_cannot_be_written_is_explained(install, server):
    (server / "plugins").rmdir()
    (server / "plugins").touch()
    with pytest.raises(NodeFailed, match="grant access there"):
        install(server)


@pytest.mark.parametrize(
    ("wanted", "available", "taken"),
    [
        ("9.12.2", ["9.12.0", "9.12.2", "10.5.0"], "9.12.2"),
        ("10.3.2", ["10.2.2", "10.3.0", "10.4.0"], "10.3.0"),
        ("10.5.2", ["10.5.0", "10.5.1", "10.5.9"], "10.5.1"),
        ("10.5.1", ["10.5.1-rc1", "10.50.1", "10.5.0"], "10.5.0"),
    ],
)
def test_the_nearest_patch_of_the_same_line_is_taken(wanted, available, taken):
    assert plugin.nearest(wanted, available) == taken


def test_a_lucene_without_a_korean_analyzer_is_explained():
    with pytest.raises(PluginMissing, match=r"Lucene 11\.0\.0: choose another server version"):
        plugin.nearest("11.0.0", ["10.5.0"])


NAMES = {
    "Analyzer": "cjk english nori",
    "CharFilter": "html_strip mapping pattern_replace",
    "Tokenizer": """
        edge_ngram keyword letter ngram nori_tokenizer path_hierarchy pattern uax_url_email
        whitespace
    """,
    "TokenFilter": """
        apostrophe asciifolding cjk_bigram cjk_width decimal_digit edge_ngram flatten_graph kstem
        length ngram nori_number nori_part_of_speech nori_readingform pattern_capture porter_stem
        reverse stemmer trim truncate unique word_delimiter_graph
    """,
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_components_carry_the_names_of_real_clusters(kind):
    found = plugin.components()[f"org.elasticsearch.plugin.analysis.{kind}Factory"]
    assert sorted(found) == NAMES[kind].split()


def test_no_annotated_class_is_left_out():
    text = "".join(path.read_text() for path in plugin.SOURCES.glob("*.java"))
    listed = sum(len(kind) for kind in plugin.components().values())
    assert listed == text.count("@NamedComponent(")


@pytest.mark.parametrize("profile", ["cjk", "english", "korean", "standard"])
def test_a_profile_is_a_settings_fragment_with_the_text_analyzer(profile):
    fragment = json.loads((PROFILES / f"{profile}.json").read_text())
    assert list(fragment) == ["analysis"]
    assert "es_hybrid_text" in fragment["analysis"]["analyzer"]


def test_the_korean_profile_lists_no_stop_tags_because_they_differ_between_majors():
    assert "stoptags" not in (PROFILES / "korean.json").read_text()
