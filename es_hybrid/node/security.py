"""What a secured node needs beyond an open one: certificates, a password, a keystore.

They are made once, by ``keytool`` of the JDK and the server's own ``elasticsearch-keystore``,
and kept beside the data, since the password is stored in the data as well. The authority's own
key is thrown away once it has signed the node's certificate, so it can never sign another. The
servers of a node talk to each other with the same certificate: whoever reaches that port
without one could otherwise claim to be a server.
"""

import hashlib
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import NodeFailed
from es_hybrid.node.access import Access
from es_hybrid.node.folders import Folders
from es_hybrid.node.progress import Say

P12, KEYSTORE, PASSWORD, CA = "es-hybrid.p12", "elasticsearch.keystore", "password", "ca.crt"
DAYS = "3650"  # of the certificates: as long as anybody keeps a node for development
QUICK = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")  # half the time of a short run
LINES = 4  # of what a tool said when it failed
MATERIAL = {
    f"xpack.security.{side}.ssl.{store}.path": P12
    for side, store in (
        ("http", "keystore"),
        ("transport", "keystore"),
        ("transport", "truststore"),
    )
}
LOGIN: Mapping[str, object] = {
    "xpack.security.enabled": True,
    "xpack.security.http.ssl.enabled": True,
    "xpack.security.transport.ssl.enabled": True,
    "xpack.security.transport.ssl.verification_mode": "certificate",
    **MATERIAL,
}
"""What ``elasticsearch.yml`` says of a secured node."""


@dataclass(frozen=True)
class Tools:
    """The programs that make what is needed.

    Attributes:
        server: The unpacked server, for its ``elasticsearch-keystore``.
        java_home: The JDK, for its ``keytool``.
        environment: What both are run with.
    """

    server: Path
    java_home: Path
    environment: Mapping[str, str]


def ensure(folders: Folders, tools: Tools, *, say: Say) -> Access:
    """Make certificates, password and keystore, unless they are there, and return the access.

    Raises:
        NodeFailed: A tool failed, or the folder cannot be written.
    """
    try:
        if not folders.secrets.is_dir():
            say("making a certificate and a password")
            _make(folders.secrets, tools)
        shutil.copyfile(folders.secrets / CA, folders.ca)
        folders.ca.chmod(0o644)
    except OSError as error:
        raise NodeFailed(
            f"{folders.secrets} cannot be written or read ({error}): make it yours, or run as the "
            "user who started this node before"
        ) from error
    return Access(ca_certs=folders.ca, password_file=folders.secrets / PASSWORD)


def install(folders: Folders) -> None:
    """Copy into a server's configuration what it reads itself; nobody else may."""
    for name in (P12, KEYSTORE):
        copy = folders.config / name
        shutil.copyfile(folders.secrets / name, copy)
        copy.chmod(0o600)


def fingerprint(port: int, access: Access) -> str:
    """Return the SHA-256 of the certificate that the node at ``port`` shows, as ``AB:CD:…``.

    Raises:
        OSError: Nobody answers there with a certificate of this authority.
    """
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        access.context().wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        shown = secured.getpeercert(binary_form=True) or b""
    return hashlib.sha256(shown).digest().hex(":").upper()


def _make(place: Path, tools: Tools) -> None:
    """Make the folder beside ``place``, then give it that name in one step."""
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    guard = secrets.token_urlsafe(24)
    password = secrets.token_urlsafe(24)
    _private(part / PASSWORD, password)
    _certificates(part, tools, guard=guard)
    _keystore(part, tools, guard=guard, password=password)
    for name in (P12, KEYSTORE):
        (part / name).chmod(0o600)
    part.rename(place)


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _certificates(part: Path, tools: Tools, *, guard: str) -> None:
    """Make the authority and the node's certificate signed by it, then drop the authority's key."""
    names = ("-ext", "san=dns:localhost,ip:127.0.0.1,ip:::1")
    uses = ("-ext", "ku:critical=digitalSignature", "-ext", "eku=serverAuth,clientAuth")
    signs = ("-ext", "bc:critical=ca:true,pathlen:0", "-ext", "ku:critical=keyCertSign,cRLSign")
    pair = ("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", DAYS)
    authority = ("-alias", "ca", "-file", str(part / CA))
    for step in (
        (*pair, "-alias", "ca", "-dname", "CN=es-hybrid authority of one node", *signs),
        (*pair, "-alias", "node", "-signer", "ca", "-dname", "CN=localhost", *uses, *names),
        ("-exportcert", "-rfc", *authority),
        ("-delete", "-alias", "ca"),
        ("-importcert", "-noprompt", *authority),
    ):
        _keytool(step, part, tools, guard=guard)


def _keytool(step: Sequence[str], part: Path, tools: Tools, *, guard: str) -> None:
    # A password among the arguments would show in the list of processes.
    store = ("-keystore", str(part / P12), "-storetype", "PKCS12", "-storepass:env", "GUARD")
    command = [str(tools.java_home / "bin" / "keytool"), *QUICK, *step, *store]
    _run(command, {**tools.environment, "GUARD": guard})


def _keystore(part: Path, tools: Tools, *, guard: str, password: str) -> None:
    """Write the server's keystore: the first password of its superuser, and the certificate's."""
    guards = [f"{path.removesuffix('.path')}.secure_password" for path in MATERIAL]
    program = str(tools.server / "bin" / "elasticsearch-keystore")
    command = [program, "add", "--force", "--stdin", "bootstrap.password", *guards]
    values = [password, *(guard for _ in guards)]
    _run(command, {**tools.environment, "ES_PATH_CONF": str(part)}, "\n".join(values) + "\n")


def _run(command: Sequence[str], environment: Mapping[str, str], typed: str = "") -> None:
    done = subprocess.run(
        command, env=environment, input=typed, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).splitlines()[-LINES:])
        raise NodeFailed(
            f"{command[0]} could not make what a secured node needs ({said}): look at that "
            "program, or start the node without --secure"
        )
