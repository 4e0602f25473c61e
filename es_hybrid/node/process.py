"""The server's process: launched apart from the caller's terminal, recognised, stopped.

A process is known by its number *and* the moment it began, because numbers are given
out again. The launcher leads a session of its own (Ctrl-C and a closing terminal do not
reach it) and stays only until the server is up; then the server runs by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from es_hybrid.errors import NodeFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import psutil

    from es_hybrid.node.account import Account
    from es_hybrid.node.folders import Folders

SAME = 2.0  # seconds two readings of one process's birth may differ, as the clock is adjusted
GRACE = 30.0  # seconds a server gets to close its indices before it is killed
MARK = "starting.json"  # says which sessions are starting; left behind by a run that was killed


def launch(
    server: Path, folders: Folders, *, environment: Mapping[str, str], account: Account | None
) -> subprocess.Popen[bytes]:
    """Start the server's launcher; it ends with 0 once the server is up.

    Raises:
        NodeFailed: The system refuses to run it.
    """
    command = [str(server / "bin" / "elasticsearch"), "-d", "-p", str(folders.pid)]
    try:
        with folders.console.open("wb") as console:
            launcher = subprocess.Popen(
                command,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
    except OSError as error:
        raise NodeFailed(
            f"{command[0]} cannot be run ({error}): remove the folder {server} to have it "
            "unpacked again, or set ES_HYBRID_HOME to a folder where programs may run"
        ) from error
    _mark(folders.node, launcher.pid)
    return launcher


def server_pid(folders: Folders, launcher: int) -> int:
    """Return the number of the server that ``launcher`` left running.

    The file that holds it belongs to the server's account, so the number is believed only
    if that process is of the launcher's session.

    Raises:
        NodeFailed: There is no such process.
    """
    with suppress(OSError, ValueError):
        pid = int(folders.pid.read_text())
        if os.getpgid(pid) == launcher:
            return pid
    raise NodeFailed(f"the server ended right after its start: read {folders.log}")


def born(pid: int) -> float | None:
    """Return when the living process ``pid`` began, in seconds since 1970, None if it is dead."""
    import psutil

    try:
        process = psutil.Process(pid)
        # One that nobody has buried yet is dead, too: in a container the first process,
        # whose duty that is, may not care.
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def is_ours(pid: int, created: float) -> bool:
    """Tell whether the process ``pid`` lives and is the one that began at ``created``."""
    began = born(pid)
    return began is not None and abs(began - created) < SAME


def stop(pid: int, created: float, *, grace: float = GRACE) -> bool:
    """Stop the process if it still is the one that began at ``created``; False if it is gone.

    Raises:
        NodeFailed: It belongs to somebody else, or does not even obey SIGKILL.
    """
    return stop_all([(pid, created)], grace=grace)


def stop_all(births: Iterable[tuple[int, float]], *, grace: float = GRACE) -> bool:
    """Stop all these processes at once, as :func:`stop` does one; False if all are gone.

    Raises:
        NodeFailed: One belongs to somebody else, or does not even obey SIGKILL.
    """
    import psutil

    found: list[psutil.Process] = []
    for pid, created in births:
        with suppress(psutil.NoSuchProcess):
            found += [psutil.Process(pid)] if is_ours(pid, created) else []
    _end(found, grace=grace)
    return bool(found)


def stop_leftover(node: Path, *, grace: float = GRACE) -> bool:
    """Stop what a start that did not finish has left running; False if nothing was."""
    left = _leftover(node / MARK)
    _end(left, grace=grace)
    unmark(node)
    return bool(left)


def unmark(node: Path) -> None:
    """Forget the start: it has finished, well or not."""
    (node / MARK).unlink(missing_ok=True)


def _mark(node: Path, session: int) -> None:
    """Note the session beside those that the same start began before."""
    noted = [*_marked(node / MARK), (session, born(session))]
    (node / MARK).write_text(json.dumps(noted))


def _marked(mark: Path) -> list[tuple[int, float]]:
    """Return the sessions that are noted, each with the birth of its leader."""
    try:
        return [(int(session), float(created)) for session, created in json.loads(mark.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _leftover(mark: Path) -> Sequence[psutil.Process]:
    """Return the living processes of the sessions that ``mark`` names."""
    import psutil

    # Where a number was given to somebody else, the session is long over.
    sessions = {
        session
        for session, created in _marked(mark)
        if born(session) is None or is_ours(session, created)
    }
    return [p for p in psutil.process_iter() if _session(p) in sessions and born(p.pid)]


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


def _end(processes: Sequence[psutil.Process], *, grace: float) -> None:
    """Ask all of them to end, wait, and kill those that did not."""
    import psutil

    try:
        for ask in (psutil.Process.terminate, psutil.Process.kill):
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    ask(process)
            if _all_dead(processes, within=grace):
                return
    except psutil.AccessDenied as error:
        raise NodeFailed(
            f"process {error.pid} belongs to another user: stop it as that user, or as root"
        ) from error
    raise NodeFailed(f"process {processes[0].pid} does not end: look at it with `ps` and `kill -9`")


def _all_dead(processes: Sequence[psutil.Process], *, within: float) -> bool:
    deadline = time.monotonic() + within
    while any(born(process.pid) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
