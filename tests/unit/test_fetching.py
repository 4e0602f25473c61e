"""Pictures from the web: from a stub on this machine, whose name the tests resolve themselves."""

import pytest

from es_hybrid.errors import RecordError
from es_hybrid.pictures.fetching import Limits, fetched, is_public
from tests.fakes import Answer, FakeServer

PICTURE = "the bytes of a picture"


def here(_):
    return ["127.0.0.1"]


def get(url, **options):
    """As `fetched`, which may connect to the stub beside what is public."""
    may = {"may": lambda address: address == "127.0.0.1" or is_public(address)}
    return fetched(url, **{"resolve": here} | may | options)


@pytest.fixture
def stub():
    with FakeServer() as server:
        server.at = server.url.replace("127.0.0.1", "pictures.example")
        yield server


def test_what_stands_at_an_address_is_read_from_the_host_that_was_named(stub):
    stub.script["GET", "/sea.jpg"] = Answer(PICTURE)
    assert get(f"{stub.at}/sea.jpg?size=2#top") == PICTURE.encode()
    (request,) = stub.requests
    assert (request.query, request.headers["host"]) == ("size=2", stub.at.removeprefix("http://"))


def test_redirects_are_followed(stub):
    stub.script["GET", "/old"] = Answer("", status=302, headers={"Location": "/new"})
    stub.script["GET", "/new"] = Answer(PICTURE)
    assert get(f"{stub.at}/old") == PICTURE.encode()


def test_redirects_end(stub):
    stub.script["GET", "/round"] = Answer("", status=302, headers={"Location": "/round"})
    with pytest.raises(RecordError, match="more than 3 redirects"):
        get(f"{stub.at}/round")
    assert len(stub.requests) == 4


@pytest.mark.parametrize(
    "location",
    ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "file:///etc/passwd"],
)
def test_a_redirect_into_a_private_network_is_not_followed(stub, location):
    stub.script["GET", "/"] = Answer("", status=302, headers={"Location": location})
    known = {"pictures.example": ["127.0.0.1"]}
    with pytest.raises(RecordError, match=r"no public address|no address of http"):
        get(f"{stub.at}/", resolve=lambda host: known.get(host, [host]))
    assert len(stub.requests) == 1


def test_a_host_of_which_one_address_is_private_is_not_asked(stub):
    with pytest.raises(RecordError, match=r"leads to 192\.168\.0\.9, which is no public address"):
        get(f"{stub.at}/", resolve=lambda _: ["127.0.0.1", "192.168.0.9"])
    assert not stub.requests


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pictures.example/a.jpg",
        "file:///etc/passwd",
        "pictures/a.jpg",
        "http://",
        "http://me:secret@pictures.example/",
        "http://pictures.example:port/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url):
    with pytest.raises(RecordError):
        get(url)


def test_more_bytes_than_a_picture_may_have_are_not_read(stub):
    stub.script["GET", "/"] = Answer("x" * 300_000)
    with pytest.raises(RecordError, match="more than 100,000 bytes"):
        get(f"{stub.at}/", limits=Limits(bytes=100_000))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer("", status=404), "answered 404"),
        (Answer("", status=302), "answered 302"),
        (Answer(drop=True), "cannot be read"),
        (Answer(PICTURE, delay=0.5), "cannot be read .*[Tt]ime"),
    ],
)
def test_an_answer_without_a_picture_is_told(stub, answer, said):
    stub.script["GET", "/"] = answer
    with pytest.raises(RecordError, match=said):
        get(f"{stub.at}/", limits=Limits(seconds=0.3))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "nonsense",
    ],
)  # fmt: skip
def test_addresses_of_near_networks_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)
