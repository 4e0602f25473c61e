"""One start, from the empty folder to the healthy node, or back to nothing."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from es_hybrid.errors import NodeFailed, PortTaken
from es_hybrid.node import config, health, log, ports, process, security, state
from es_hybrid.node.access import Access
from es_hybrid.node.account import Account
from es_hybrid.node.folders import Folders, hand_over, prepare
from es_hybrid.node.progress import Say
from es_hybrid.node.seat import Seat
from es_hybrid.node.state import Member, NodeState

SPEAK = 2.0  # seconds between two progress lines
RECOVERY = 30  # seconds that indices get to be read back after the server answers
JOINING = 60  # seconds that several servers get to find each other once all answer
TOOL_HEAP = "128m"
ATTEMPTS = 3  # of finding a port that is still free when the server comes to bind it


@dataclass(frozen=True)
class Plan:
    """Everything a start needs to know; see :class:`es_hybrid.node.Node` for what each means.

    ``folders`` are those of the first server, and say how many there are, and whether they are
    secured; ``reservations`` is the folder where all starts note the ports they chose.
    """

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
    reservations: Path | None = None


def start(plan: Plan, *, say: Say) -> NodeState:
    """Start the node; other ports are tried when free ones were lost to somebody else.

    Raises:
        PortTaken: The port asked for is taken.
        NodeFailed: It did not start; the message has the telling lines of its log.
    """
    tried: list[int] = []
    while True:
        with ports.Reservations(plan.reservations) as reserved:
            seats = _seats(plan, tried=tried, take=reserved.take)
            tried += [seat.port for seat in seats]
            try:
                return _start_on(seats, plan, say=say)
            except PortTaken:
                if plan.port is not None or len(tried) >= ATTEMPTS * len(seats):
                    raise
        say(f"port {_listed(seats)} was taken while the server started: trying another")


def revive(plan: Plan, found: NodeState, *, say: Say) -> NodeState:
    """Start again those servers of a running node that died, where they were if that is free.

    Raises:
        PortTaken: Somebody else took a port while it started.
        NodeFailed: One did not start; the message has the telling lines of its log.
    """
    places = list(zip(found.servers, plan.folders.each(), strict=True))
    dead = {member.name for member in found.servers if not member.lives()}
    with ports.Reservations(plan.reservations) as reserved:
        seats = [_seat_of(member, folders, take=reserved.take) for member, folders in places]
        chosen = [seat for seat in seats if seat.name in dead]
        fresh = {m.name: m for m in _bring_up(chosen, seats, plan, found.access, say=say)}
    members = tuple(fresh.get(member.name, member) for member in found.servers)
    return _settle(replace(found, members=members), plan, say=say)


def _seat_of(member: Member, folders: Folders, *, take: Callable[[int], bool]) -> Seat:
    """Return where a server sits, or may sit again if it died and lost its ports."""
    port, transport = urlsplit(member.url).port or 0, member.transport
    if not member.lives():
        port = port if _again(port, take=take) else ports.choose(None, take=take)
        if transport and not _again(transport, take=take):
            transport = ports.for_transport(1, take=take)[0]
    return Seat(member.name, folders, port, transport)


def _again(port: int, *, take: Callable[[int], bool]) -> bool:
    """Take the port that a dead server had, which may hold it for a moment longer; tell whether."""
    return ports.comes_free(port) and take(port)


def _seats(plan: Plan, *, tried: Sequence[int], take: Callable[[int], bool]) -> list[Seat]:
    """Return where each server shall sit."""
    count = plan.folders.nodes
    http = ports.choose_several(plan.port, count=count, tried=tried, take=take)
    if count == 1:
        return [Seat(plan.name, plan.folders, http[0])]
    places = zip(plan.folders.each(), http, ports.for_transport(count, take=take), strict=True)
    return [
        Seat(f"{plan.name}-{folders.member}", folders, port, transport)
        for folders, port, transport in places
    ]


def _start_on(seats: Sequence[Seat], plan: Plan, *, say: Say) -> NodeState:
    access = _access(plan, say=say) if plan.folders.secure else None
    members = _bring_up(seats, seats, plan, access, say=say)
    first = members[0]
    fresh = NodeState(
        name=plan.name,
        url=first.url,
        version=plan.version,
        pid=first.pid,
        created=first.created,
        nodes=plan.folders.nodes,
        heap=plan.heap,
        data=plan.folders.data if len(seats) == 1 else plan.folders.cluster,
        log=first.log,
        members=tuple(members),
        ca_certs=access.ca_certs if access else None,
        password_file=access.password_file if access else None,
        fingerprint=security.fingerprint(seats[0].port, access) if access else None,
    )
    return _settle(fresh, plan, say=say)


def _access(plan: Plan, *, say: Say) -> Access:
    plan.folders.tmp.mkdir(parents=True, exist_ok=True)  # the tools put their own files there
    environment = config.environment(
        plan.folders, java_home=plan.java_home, heap=TOOL_HEAP, java_options=()
    )
    tools = security.Tools(plan.server, plan.java_home, environment)
    return security.ensure(plan.folders, tools, say=say)


def _bring_up(
    chosen: Sequence[Seat],
    seats: Sequence[Seat],
    plan: Plan,
    access: Access | None,
    *,
    say: Say,
) -> list[Member]:
    """Start the chosen ones of all seats at the same time; all are up, or none is left.

    Raises:
        PortTaken: Another process listens on a port of one.
        NodeFailed: One did not start.
    """
    launchers: list[subprocess.Popen[bytes]] = []
    try:
        for seat in chosen:
            _write(seat, seats, plan)
            launchers.append(_launch(seat, plan))
        started = list(zip(chosen, launchers, strict=True))
        _await(started, plan, say=say)
        return [_recognise(launcher.pid, seat, plan, access) for seat, launcher in started]
    except BaseException:  # Ctrl-C, too, must not leave half a server behind
        process.stop_leftover(plan.folders.node, grace=5)
        for launcher in launchers:
            launcher.wait()
        raise


def _write(seat: Seat, seats: Sequence[Seat], plan: Plan) -> None:
    """Make a server's folders and settings ready for the account that runs it."""
    prepare(seat.folders, server=plan.server)
    config.write_settings(
        seat.folders,
        name=seat.name,
        port=seat.port,
        extra=plan.settings,
        together=config.together(seat, seats),
        login=security.LOGIN if seat.folders.secure else config.OPEN,
    )
    if seat.folders.secure:
        security.install(seat.folders)
        seat.folders.data.chmod(0o700)  # what needs a login is not to be read past the server
    hand_over(seat.folders, plan.account)


def _launch(seat: Seat, plan: Plan) -> "subprocess.Popen[bytes]":
    environment = config.environment(
        seat.folders, java_home=plan.java_home, heap=plan.heap, java_options=plan.java_options
    )
    return process.launch(plan.server, seat.folders, environment=environment, account=plan.account)


def _settle(fresh: NodeState, plan: Plan, *, say: Say) -> NodeState:
    """Note what runs, and wait until it can be used."""
    state.save(plan.folders.node, fresh)
    process.unmark(plan.folders.node)
    if fresh.nodes > 1:
        _await_all(fresh, say=say)
    if health.status(fresh.url, wait=RECOVERY, access=fresh.access) == "red":
        say(f"an index is red, the others can be used: read {fresh.log}")
    return fresh


def _await_all(fresh: NodeState, *, say: Say) -> None:
    count = health.servers(fresh.url, expected=fresh.nodes, wait=JOINING, access=fresh.access)
    if count < fresh.nodes:
        say(f"only {count} of {fresh.nodes} servers have found each other yet: read {fresh.log}")


def _await(
    started: "Sequence[tuple[Seat, subprocess.Popen[bytes]]]", plan: Plan, *, say: Say
) -> None:
    """Wait until the launchers say that their servers are up, or until one has failed."""
    scheme = "https" if plan.folders.secure else "http"
    what = f"starting Elasticsearch {plan.version} on {scheme}://{ports.LOOPBACK}:"
    what += f"{_listed([seat for seat, _ in started])} …"
    began = spoke = time.monotonic()
    say(what)
    while late := _still_starting(started, plan):
        now = time.monotonic()
        if now - began > plan.timeout:
            raise _failure(plan, late[0], f"was not up after {plan.timeout:.0f} s")
        if now - spoke > SPEAK:
            spoke = now
            say(f"{what} {now - began:.0f} s")
        time.sleep(0.05)


def _still_starting(
    started: "Sequence[tuple[Seat, subprocess.Popen[bytes]]]", plan: Plan
) -> list[Seat]:
    ended = [(seat, launcher.poll()) for seat, launcher in started]
    for seat, code in ended:
        if code:
            raise _failure(plan, seat, f"did not start (exit status {code})")
    return [seat for seat, code in ended if code is None]


def _listed(seats: Sequence[Seat]) -> str:
    return ", ".join(str(seat.port) for seat in seats)


def _recognise(launcher: int, seat: Seat, plan: Plan, access: Access | None) -> Member:
    """Return the server that just came up, after making sure that it answers."""
    url = f"{'https' if access else 'http'}://{ports.LOOPBACK}:{seat.port}"
    pid = process.server_pid(seat.folders, launcher)
    created = process.born(pid)
    answers = _answer(url, pid, access)
    if created is None or answers is None or answers.pid != pid:
        login = f" to elastic with the password in {access.password_file}" if access else ""
        raise _failure(plan, seat, f"does not answer at {url}{login}")
    return Member(seat.name, url, pid, created, seat.folders.log, seat.transport)


def _answer(url: str, pid: int, access: Access | None) -> health.Identity | None:
    """Return who answers at ``url``, asked again for as long as passwords may not be read back."""
    deadline = time.monotonic() + (RECOVERY if access else 0)
    while True:
        answers = health.identity(url, access=access)
        if answers or time.monotonic() > deadline or process.born(pid) is None:
            return answers
        time.sleep(0.2)


def _failure(plan: Plan, seat: Seat, what: str) -> NodeFailed | PortTaken:
    text = log.read(seat.folders.console)
    if "BindTransportException" in text:
        return PortTaken(ports.taken(seat.transport or ports.TRANSPORT_FIRST))
    if "BindHttpException" in text:
        return PortTaken(ports.taken(seat.port))
    return NodeFailed(
        f"Elasticsearch {plan.version} {what}. From its log, in full at {seat.folders.console} "
        f"(fix what it names and run the command again):\n{log.excerpt(text)}"
    )
