"""Terms of the full-text index: each word stands under its organization, so that no search meets what others have."""

from growbase.core.statements import POSTGRESQL

NOTHING = "\ue000"
"""What no text contains: a character of private use is no part of a word."""
TENANT_LENGTH = 12
"""The last digits of an organization's id are random; two that share them only cost each other a little time."""


def terms_sql(engine: str, alias: str = "") -> str:
    """Return the terms of a search document, separated by spaces."""
    owner = f"{alias}organization_id"
    tenant = f"right({owner}::text, {TENANT_LENGTH})" if engine == POSTGRESQL else f"substr({owner}, -{TENANT_LENGTH})"
    return f"{tenant} || replace({alias}words, ' ', ' ' || {tenant})"


def match_text(engine: str, organization_id: object, words: str) -> str:
    """Return what finds the documents of an organization that have a word beginning with each of ``words``."""
    tenant = str(organization_id)[-TENANT_LENGTH:]
    if engine == POSTGRESQL:
        return " & ".join(f"'{tenant}{word}':*" for word in words.split(" "))
    return " ".join(f'"{tenant}{word}"*' for word in words.split(" "))
