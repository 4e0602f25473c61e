"""A copy is made and looked at before anybody is to use it: counts, sampled vectors, and a gate."""

from __future__ import annotations

from collections.abc import Callable

from elasticsearch import Elasticsearch

from es_hybrid.embedders import Embedder
from es_hybrid.errors import NotVerified
from es_hybrid.existing.changes import count
from es_hybrid.existing.copy import Copy, CopyJob
from es_hybrid.existing.sample import agreement, sample
from es_hybrid.indexing.patient import plain
from es_hybrid.indexing.scan import refresh

_PASSES = 10  # over what was written meanwhile

Gate = Callable[[Elasticsearch, str, Embedder], float]


def copied_and_verified(
    copy: Copy, *, gate: Gate | None = None, at_least: float = 0.0
) -> tuple[float | None, float | None]:
    """Copy all, and catch up with what was written meanwhile.

    Args:
        copy: nothing of it needs to be there yet.
        gate: measures the copy.
        at_least: what it must measure.

    Returns:
        The share of sampled vectors that the embedder makes again, and what the gate measured;
        None where that was not looked at.

    Raises:
        NotVerified: the copy lacks documents, or finds less.
        TooManyRejected: more than the copy puts up with; its report is what was copied.
        ServerError: the server refused, or cannot be reached.
    """
    copy.all()
    _settle(copy)
    agreed = _verified(copy)
    measured = _gated(copy.job, gate, at_least)
    _settle(copy)
    return agreed, measured


def _settle(copy: Copy) -> None:
    """Catch up until hardly anything is left to do."""
    for _ in range(_PASSES):
        if copy.catch_up() == 0:
            return


def _verified(copy: Copy) -> float | None:
    """The share of sampled vectors that the embedder makes again.

    Raises:
        NotVerified: documents are missing, or the vectors are others.
    """
    job = copy.job
    copy.check_lost()
    for _ in range(_PASSES):
        refresh(job.client, job.target)
        has, needs = count(job.client, job.target), count(job.client, job.source.index)
        if has == needs:
            break
        copy.catch_up()
    else:
        raise NotVerified(
            f"{job.target!r} has {has} documents and {job.source.index!r} {needs}: "
            f"{job.source.name!r} was left as it is; run it again, best when less is written"
        )
    return _agreed(job)


def _agreed(job: CopyJob) -> float | None:
    if job.embedder is None or job.contract.passages:
        return None
    names = job.contract.text_fields
    field = job.contract.vector_field
    found = sample(job.client, job.target, vector_field=field, text_fields=names)
    if not found.dims:
        return None
    shown = agreement(found, job.embedder, names)
    if shown.sampled and not shown.proven:
        raise NotVerified(
            f"only {shown.agreed} of {shown.sampled} sampled vectors of {job.target!r} are those "
            f"of {job.embedder.info.id!r}: {job.source.name!r} was left as it is; look for "
            "another program that writes to it"
        )
    return shown.agreed / shown.sampled if shown.sampled else None


def _gated(job: CopyJob, gate: Gate | None, at_least: float) -> float | None:
    if gate is None or job.embedder is None:
        return None
    measured = gate(plain(job.client), job.target, job.embedder)
    if measured < at_least:
        raise NotVerified(
            f"{job.target!r} measures {measured:.4f}, and at least {at_least:g} is asked for: "
            f"{job.source.name!r} was left as it is; look at {job.target!r}, then delete it"
        )
    return measured
