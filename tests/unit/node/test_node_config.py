"""What the server is told."""

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.node import config
from es_hybrid.node.folders import Folders


@pytest.fixture
def folders(tmp_path):
    found = Folders(tmp_path / "it's", 9)
    found.config.mkdir(parents=True)
    return found


def written(folders, **extra):
    config.write_settings(folders, name="a", port=9201, extra=extra)
    text = (folders.config / "elasticsearch.yml").read_text()
    return dict(line.split(": ", 1) for line in text.splitlines())


def test_the_server_listens_on_loopback_alone(folders):
    settings = written(folders)
    assert (settings["network.host"], settings["http.port"]) == ('"127.0.0.1"', "9201")
    assert settings["discovery.type"] == '"single-node"'


def test_a_setting_of_the_caller_wins(folders):
    key = "cluster.routing.allocation.disk.watermark.low"
    assert written(folders, **{key: "9gb"})[key] == '"9gb"'


@pytest.mark.parametrize("key", sorted(config.OURS))
def test_a_setting_that_would_break_the_node_is_refused(folders, key):
    with pytest.raises(UsageError, match=f"the setting '{key}' cannot be changed: "):
        written(folders, **{key: "x"})


@pytest.mark.parametrize("heap", ["", "512", "512k", "64m", "0g", "-1g", "1.5g", "1g 2g"])
def test_a_heap_that_is_no_size_is_refused(heap):
    with pytest.raises(UsageError, match="is no heap size: give a number and m or g"):
        config.heap_options(heap)


def test_secrets_and_java_options_of_the_caller_stay_out(folders, monkeypatch):
    for name in ("API_KEY", "JAVA_TOOL_OPTIONS", "ES_JAVA_OPTS"):
        monkeypatch.setenv(name, "secret")
    told = config.environment(folders, java_home=folders.own, heap="1g", java_options=["-Da=b"])
    assert "secret" not in told.values()
    assert told["ES_JAVA_OPTS"] == "-Xms1g -Xmx1g -Da=b"
