"""Noting how a test of a connection went."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_stores import live_store
from growbase.domains.commerce.models import Integration
from growbase.domains.commerce.models_events import ConnectionEvent, ConnectionStatus


def record_connection(
    tx: Transaction,
    *,
    store_id: UUID,
    integration: Integration,
    status: ConnectionStatus,
    message: str,
    latency_ms: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    correlation_id: str | None = None,
) -> UUID:
    """Note how a test went; whoever calls this has taken every secret out of the message."""
    live_store(tx, store_id)
    return tx.insert(
        ConnectionEvent,
        store_id=store_id,
        integration=integration,
        status=status,
        message=message,
        latency_ms=latency_ms,
        metadata=dict(metadata or {}),
        correlation_id=correlation_id,
    )
