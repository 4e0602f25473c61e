"""Faults of the connection."""

import ssl
import subprocess
import threading

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import ServerUnreachable
from tests.faults import acts
from tests.faults.checks import plan
from tests.faults.proxy import Proxy, Rule
from tests.faults.scene import TIMEOUT, Scene

PASSING = {
    "refused mid-run then back": acts.refused(0.7),
    "reset before body": acts.reset_before_body,
    "reset after body before answer": acts.reset_after_body,
    "half-open silence": acts.silence(3),
    "1 byte/s answer": acts.trickle(3),
}


@pytest.fixture
def one_window(monkeypatch):
    """All records are compared with the index before the first is sent."""
    monkeypatch.setattr("es_hybrid.indexing.intake.WINDOW", 1000)


@pytest.mark.parametrize("fault", PASSING)
def test_a_broken_connection_is_waited_for_and_nothing_is_lost(scene, fault, one_window, seed):
    planned = plan(seed)
    scene.begin(planned)
    report = scene.ingest(planned, Rule(fault, PASSING[fault], at=range(3 + seed, 5 + seed)))
    assert scene.in_mid_run(fault, planned)
    assert scene.wrong(planned, report) == []


def test_an_answer_that_trickles_is_given_up_and_its_connection_closed(scene, seed):
    planned = plan(seed)
    scene.begin(planned)
    left = []
    act = acts.trickle(8 * TIMEOUT, heard=left.append)
    report = scene.ingest(planned, Rule("1 byte/s answer", act, at=range(3 + seed, 7 + seed)))
    assert left == [True] * 4
    assert scene.wrong(planned, report) == []
    assert not [one.name for one in threading.enumerate() if one.name == "es_hybrid-request"]


def test_however_many_answers_trickle_the_client_keeps_its_connections(scene):
    planned = plan(0)
    options = {"request_timeout": TIMEOUT, "connections_per_node": 2}
    with Elasticsearch(scene.proxy.url, **options) as scene.client:
        scene.begin(planned)
        rule = Rule("1 byte/s answer", acts.trickle(30), at=range(3, 9))
        report = scene.ingest(planned, rule)
    assert scene.proxy.times(rule.fault) == 6
    assert scene.wrong(planned, report) == []


def test_a_connection_that_is_refused_at_the_start_is_told_and_writes_nothing(scene, seed):
    planned = plan(seed)
    scene.proxy.close_for(None)
    with pytest.raises(ServerUnreachable, match="es-hybrid up"):
        scene.ingest(planned)
    assert not scene.proxy.written
    scene.proxy.open_again()
    assert scene.wrong(planned, scene.ingest(planned)) == []


def test_a_name_that_does_not_resolve_is_told_dns_failure(scene, seed):
    planned = plan(seed)
    right, scene.client = scene.client, Elasticsearch("http://no-such-host.invalid:9200")
    with scene.client, pytest.raises(ServerUnreachable, match=r"no-such-host\.invalid.*--url"):
        scene.ingest(planned)
    assert not scene.proxy.written
    scene.client = right.options(request_timeout=30)
    assert scene.wrong(planned, scene.ingest(planned)) == []


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Two certificates for loopback, each its own authority: file with the key, too."""
    files = [tmp_path_factory.mktemp("tls") / f"{number}.pem" for number in range(2)]
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-x509"]
    options += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    for file in files:
        command = ["openssl", "req", *options, "-keyout", str(file), "-out", f"{file}.crt"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except OSError:
            pytest.skip("no openssl to make certificates with")
        file.write_bytes(file.read_bytes() + file.with_name(f"{file.name}.crt").read_bytes())
    return files


def shown(file):
    """What a server shows that has this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_that_changes_mid_run_is_not_trusted(
    es, node, name, certificates, tmp_path, seed
):
    planned = plan(seed)
    trusted, other = certificates
    with Proxy(node.url, certificate=shown(trusted)) as proxy:
        options = {"ca_certs": str(trusted)}
        with Scene(es=es, proxy=proxy, name=name, folder=tmp_path, **options) as scene:
            scene.options["patience"] = 2.0
            scene.begin(planned)
            changed = acts.certificate_changed(shown(other))
            with pytest.raises(ServerUnreachable, match="--ca-certs"):
                scene.ingest(planned, Rule("TLS cert changes", changed, at={3 + seed}))
            assert scene.in_mid_run("TLS cert changes", planned)
            proxy.show(shown(trusted))
            assert scene.wrong(planned, scene.ingest(planned)) == []
