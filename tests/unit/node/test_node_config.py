"""What the server is told."""

from pathlib import Path

import pytest

from es_hybrid.errors import UsageError
from es_hybrid.node import config
from es_hybrid.node.folders import Folders
from es_hybrid.node.seat import Seat


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


def seats(count):
    return [Seat(f"a-{n}", Folders(Path(), 9), 9200 + n, 9400 + n) for n in range(1, count + 1)]


def test_one_server_looks_for_no_others():
    (alone,) = seats(1)
    assert config.together(alone, [alone])["discovery.type"] == "single-node"


def test_only_the_first_of_several_servers_founds_the_cluster():
    three = seats(3)
    told = [config.together(seat, three) for seat in three]
    founders = [one.get("cluster.initial_master_nodes") for one in told]
    assert founders == [["a-1"], None, None]


def test_each_of_several_servers_knows_where_all_of_them_are():
    three = seats(3)
    told = [config.together(seat, three) for seat in three]
    places = ["127.0.0.1:9401", "127.0.0.1:9402", "127.0.0.1:9403"]
    assert [one["discovery.seed_hosts"] for one in told] == [places] * 3
    assert [one["transport.port"] for one in told] == [9401, 9402, 9403]


def test_each_kind_of_node_has_its_own_data(tmp_path):
    kinds = [
        Folders(tmp_path, major, secure=secure, nodes=nodes, member=member)
        for major in (8, 9)
        for secure in (False, True)
        for nodes, member in ((1, 1), (2, 1), (2, 2), (3, 1))
    ]
    assert len({folders.data for folders in kinds}) == len(kinds)
    assert Folders(tmp_path, 9).data == tmp_path / "9" / "data"  # as it always was
