"""One start, from the empty folder to the healthy node, or back to nothing."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from es_hybrid.errors import NodeFailed, PortTaken
from es_hybrid.node import config, health, log, ports, process, state
from es_hybrid.node.account import Account
from es_hybrid.node.folders import Folders, hand_over, prepare
from es_hybrid.node.progress import Say
from es_hybrid.node.state import NodeState

SPEAK = 2.0  # seconds between two progress lines
RECOVERY = 30  # seconds that indices get to be read back after the server answers
ATTEMPTS = 3  # of finding a port that is still free when the server comes to bind it


@dataclass(frozen=True)
class Plan:
    """Everything a start needs to know; see :class:`es_hybrid.node.Node` for what each means."""

    name: str
    version: str
    server: Path
    java_home: Path
    folders: Folders
    account: Account | None
    port: int | None
    heap: str
    timeout: float
    java_options: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def start(plan: Plan, *, say: Say) -> NodeState:
    """Start the node; another port is tried when a free one was lost to somebody else.

    Raises:
        PortTaken: The port asked for is taken.
        NodeFailed: It did not start; the message has the telling lines of its log.
    """
    tried: list[int] = []
    while True:
        port = ports.choose(plan.port, tried=tried)
        try:
            return _start_on(port, plan, say=say)
        except PortTaken:
            tried.append(port)
            if plan.port is not None or len(tried) == ATTEMPTS:
                raise
            say(f"port {port} was taken while the server started: trying another")


def _start_on(port: int, plan: Plan, *, say: Say) -> NodeState:
    prepare(plan.folders, server=plan.server)
    config.write_settings(plan.folders, name=plan.name, port=port, extra=plan.settings)
    hand_over(plan.folders, plan.account)
    environment = config.environment(
        plan.folders, java_home=plan.java_home, heap=plan.heap, java_options=plan.java_options
    )
    launcher = process.launch(
        plan.server, plan.folders, environment=environment, account=plan.account
    )
    try:
        _await(launcher, plan, port=port, say=say)
        fresh = _recognise(launcher.pid, plan, port=port)
        state.save(plan.folders.node, fresh)
    except BaseException:  # Ctrl-C, too, must not leave half a server behind
        process.stop_leftover(plan.folders.node, grace=5)
        launcher.wait()
        raise
    process.unmark(plan.folders.node)
    if health.status(fresh.url, wait=RECOVERY) == "red":
        say(f"an index is red, the others can be used: read {fresh.log}")
    return fresh


def _await(launcher: "subprocess.Popen[bytes]", plan: Plan, *, port: int, say: Say) -> None:
    """Wait until the launcher says that the server is up, or has failed."""
    what = f"starting Elasticsearch {plan.version} on http://{ports.LOOPBACK}:{port} …"
    began = spoke = time.monotonic()
    say(what)
    while launcher.poll() is None:
        now = time.monotonic()
        if now - began > plan.timeout:
            raise _failure(plan, port, f"was not up after {plan.timeout:.0f} s")
        if now - spoke > SPEAK:
            spoke = now
            say(f"{what} {now - began:.0f} s")
        time.sleep(0.05)
    if launcher.returncode != 0:
        raise _failure(plan, port, f"did not start (exit status {launcher.returncode})")


def _recognise(launcher: int, plan: Plan, *, port: int) -> NodeState:
    """Return the state of the server that just came up, after making sure that it answers."""
    url = f"http://{ports.LOOPBACK}:{port}"
    pid = process.server_pid(plan.folders, launcher)
    created = process.born(pid)
    answers = health.identity(url)
    if created is None or answers is None or answers.pid != pid:
        raise _failure(plan, port, f"does not answer at {url}")
    return NodeState(
        name=plan.name,
        url=url,
        version=answers.version,
        pid=pid,
        created=created,
        nodes=1,
        heap=plan.heap,
        data=plan.folders.data,
        log=plan.folders.log,
    )


def _failure(plan: Plan, port: int, what: str) -> NodeFailed | PortTaken:
    text = log.read(plan.folders.console)
    if "BindHttpException" in text:
        return PortTaken(ports.taken(port))
    return NodeFailed(
        f"Elasticsearch {plan.version} {what}. From its log, in full at {plan.folders.console} "
        f"(fix what it names and run the command again):\n{log.excerpt(text)}"
    )
