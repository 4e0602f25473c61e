"""The server's folder: complete or not there. The download is an archive made here."""

import zipfile

import pytest

from es_hybrid.errors import DownloadFailed, UsageError
from es_hybrid.node import maven, plugin, server


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publish an archive with these files as the server, and count the plugin's visits."""
    visits = []
    monkeypatch.setattr(plugin, "install", lambda place, **_: visits.append(place))

    def publish(*names):
        path = tmp_path / "server.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in (*names, "elasticsearch-9.5.4/plugins/"):
                archive.writestr(name, "")
        monkeypatch.setattr(maven, "fetch", lambda *_, **__: path)
        return visits

    return publish


def ensure(tmp_path, say=lambda line: None):
    return server.ensure("9.5.4", home=tmp_path / "home", java_home=tmp_path, say=say)


def test_the_server_can_be_run_by_anyone(tmp_path, published):
    published("elasticsearch-9.5.4/bin/elasticsearch", "elasticsearch-9.5.4/lib/a.jar")
    place = ensure(tmp_path)
    assert (place / "bin" / "elasticsearch").stat().st_mode & 0o777 == 0o755
    assert (place / "lib" / "a.jar").stat().st_mode & 0o777 == 0o644


def test_it_is_unpacked_once_and_the_plugin_looked_after_each_time(tmp_path, published):
    visits = published("elasticsearch-9.5.4/bin/elasticsearch")
    said = []
    assert ensure(tmp_path, said.append) == ensure(tmp_path, said.append)
    assert len(visits) == 2
    assert [line for line in said if "unpacking" in line] == ["unpacking Elasticsearch 9.5.4"]


def test_the_first_download_is_announced_with_size_licence_and_purpose(tmp_path, published):
    published("elasticsearch-9.5.4/bin/elasticsearch")
    said = []
    ensure(tmp_path, said.append)
    for word in ("132 MB", "AGPL-3.0, SSPL or Elastic License 2.0", "for development"):
        assert word in said[0]


def test_half_an_unpacked_server_is_not_used(tmp_path, published):
    published("elasticsearch-9.5.4/bin/elasticsearch")
    (tmp_path / "home/servers/9.5.4.part/elasticsearch-9.5.4/old").mkdir(parents=True)
    assert not (ensure(tmp_path) / "old").exists()


def test_an_archive_that_is_not_the_server_is_refused(tmp_path, published):
    published("readme.txt")
    with pytest.raises(DownloadFailed, match="not the server"):
        ensure(tmp_path)
    assert not (tmp_path / "home/servers/9.5.4").exists()


@pytest.mark.parametrize("version", ["latest", "9", "9.5", "../9.5.4", "9.5.4-SNAPSHOT", ""])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(UsageError, match="is no Elasticsearch version"):
        server.major(version)


@pytest.mark.parametrize("version", ["7.17.29", "8.18.9"])
def test_a_server_too_old_is_refused(version):
    with pytest.raises(UsageError, match=r"older than 8\.19: choose 9\.5\.4"):
        server.major(version)
