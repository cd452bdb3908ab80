"""Health for people, probes and Prometheus."""

import asyncio

from growbase import __version__
from growbase.api.call import Answer, Call, endpoint, json_answer
from growbase.core import telemetry
from growbase.core.errors import GrowbaseError
from growbase.core.gate import gate_of


async def _check(call: Call) -> Answer:
    document: dict[str, object] = {"status": "healthy", "database": "connected", "version": __version__}
    try:
        info = await asyncio.to_thread(call.api.database.info)
        rows = await asyncio.to_thread(call.api.database.query, "SELECT version_num FROM alembic_version")
        gate = await asyncio.to_thread(gate_of, call.api.database)
        document |= {"engine": info.engine, "schema": rows[0][0] if rows else None, "mode": gate.mode.value}
        if gate.reason:
            document["reason"] = gate.reason
    except GrowbaseError as error:
        reason = str(error.params.get("reason", error))
        document |= {"status": "unhealthy", "database": "disconnected", "reason": reason}
        return json_answer(document, 503, {"retry-after": "5"})
    return json_answer(document)


@endpoint("/api/health", "GET")
async def health(call: Call) -> Answer:
    """Tell whether the database answers: 200 healthy, 503 unhealthy."""
    return await _check(call)


@endpoint("/live", "GET")
async def live(_: Call) -> Answer:
    """Tell that the process runs."""
    return json_answer({"status": "live"})


@endpoint("/ready", "GET")
async def ready(call: Call) -> Answer:
    """Tell whether this process can serve requests."""
    return await _check(call)


@endpoint("/metrics", "GET")
async def metrics(_: Call) -> Answer:
    """Return this process's figures for Prometheus."""
    body, content_type = telemetry.render_metrics()
    return Answer(200, body, content_type=content_type)


ROUTES = [health, live, ready, metrics]
