"""A real node that answers as a serverless project: without shards, nodes, licence and blocks.

What it refuses and hides, and in which words, is what Elastic documents:
https://www.elastic.co/docs/reference/elasticsearch/index-settings/serverless
https://www.elastic.co/docs/deploy-manage/deploy/elastic-cloud/differences-from-other-elasticsearch-offerings
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tests.faults import acts
from tests.faults.proxy import Always, Exchange, Rule, made_up

ROOT = {"version": {"number": "8.11.0", "build_flavor": "serverless"}}

# Settings that a project's users may choose, or what they begin with.
_ALLOWED = (
    *("analysis.", "blocks.", "codec", "default_pipeline", "final_pipeline", "hidden", "mode"),
    *("mapping.coerce", "mapping.ignore_above", "mapping.ignore_malformed", "mapping.source.mode"),
    *("mapping.synthetic_source_keep", "mapping.total_fields.", "query.default_field"),
    *("refresh_interval", "similarity.", "sort."),
)


def flat(settings: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The full names of settings."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def unavailable(method: str, target: str) -> dict[str, Any]:
    reason = (
        f"Request for uri [{target}] with method [{method}] exists but is not available when "
        "running in serverless mode"
    )
    return {"error": {"type": "api_not_available_exception", "reason": reason}, "status": 410}


async def gone(exchange: Exchange) -> None:
    """A request that a project does not have."""
    await exchange.body()
    told = unavailable(exchange.method, exchange.target)
    await exchange.reply(made_up(410, told))


async def created(exchange: Exchange) -> None:
    """An index is made, unless settings are asked for that are the project's own."""
    body = orjson.loads(await exchange.body() or b"{}")
    settings = body.get("settings", {})
    names = flat(settings.get("index", settings))
    refused = sorted(f"index.{name}" for name in names if not name.startswith(_ALLOWED))
    if not refused:
        await exchange.proxy.pass_on(exchange)
        return
    reason = f"Settings [{','.join(refused)}] are not available when running in serverless mode"
    told = {"error": {"type": "illegal_argument_exception", "reason": reason}, "status": 400}
    await exchange.reply(made_up(400, told))


async def shards_hidden(exchange: Exchange) -> None:
    """Settings are told without what a project decides itself."""
    answer = await exchange.forward()
    said = answer.json()
    for index in said.values() if answer.status == 200 else ():
        _hide(index.get("settings", {}))
    await exchange.reply(answer.with_json(said))


def _hide(settings: dict[str, Any]) -> None:
    inner = settings.get("index", settings)
    for name in ("number_of_shards", "number_of_replicas"):
        inner.pop(name, None)
        inner.pop(f"index.{name}", None)


def serverless() -> tuple[Rule, ...]:
    """The script of a project."""
    every = {"at": Always()}
    return (
        Rule("root", acts.answered(200, ROOT), on=r"GET /$", **every),
        Rule("none", gone, on=r" /_(license|nodes|cluster|cat|stats)", **every),
        Rule("none", gone, on=r"/(_block|_stats|_close|_settings/reopen)\b", **every),
        Rule("none", gone, on=r"/_mapping/field/", **every),
        Rule("created", created, on=r"PUT /[^/?]+(\?|$)", **every),
        Rule("hidden", shards_hidden, on=r"GET /[^_/?][^/?]*(/_settings)?(\?|$)", **every),
    )
