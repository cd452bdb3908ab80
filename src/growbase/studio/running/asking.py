"""Forms over the API's own request schemas: some of their fields, what was typed, and what the schema makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from growbase.api.call import Answer
from growbase.core.errors import GrowbaseError, Invalid
from growbase.core.schema import parse_with
from growbase.studio.forms import Input, Texts, inputs_of, parse_form, shown
from growbase.studio.render import page
from growbase.studio.visit import Visit


def fields(
    visit: Visit, model: type[BaseModel], names: Sequence[str], choices: Mapping[str, Sequence[str]] | None = None
) -> list[Input]:
    """Return the inputs of some fields of a schema, in this order; ``choices`` turns some into lists to choose from."""
    known = {one.name: one for one in inputs_of(visit.api.catalog, model, None)}
    offered = choices or {}
    found = [known[name] for name in names]
    return [
        replace(one, kind="choice", choices=tuple(offered[one.name])) if one.name in offered else one for one in found
    ]


def parsed(
    visit: Visit, model: type[BaseModel], inputs: Sequence[Input], texts: Texts, *, keep_empty: bool = False
) -> dict[str, Any]:
    """Return what was typed as the schema's values, only those that were given. Raises Invalid."""
    read = partial(parse_with, model.model_validate_json)
    found: BaseModel = parse_form(visit.words, inputs, texts, read, keep_empty=keep_empty)
    return {name: getattr(found, name) for name in model.model_fields if name in found.model_fields_set}


async def form(
    visit: Visit,
    *,
    title: str,
    back: tuple[str, str],
    button: str,
    inputs: list[Input],
    texts: Texts,
    about: str = "",
    refusal: GrowbaseError | None = None,
    called: Mapping[str, str] | None = None,
) -> Answer:
    """Answer with a form; ``back`` is the address and the name of its page, ``called`` what choices are called."""
    words = visit.words
    listed = await shown(visit, inputs, texts, Invalid(fields=refusal.fields) if refusal else None)
    names = called or {}
    return page(
        visit,
        "running/form.html",
        422 if refusal else 200,
        title=title,
        back=back,
        button=button,
        about=about,
        fields=[replace(one, options=[(key, names.get(key, text)) for key, text in one.options]) for one in listed],
        refusal=words.say(refusal.message, **refusal.params) if refusal else "",
    )


def once(visit: Visit, *, title: str, back: tuple[str, str], name: str, secret: str, hint: str) -> Answer:
    """Answer with a secret that is shown this once."""
    return page(visit, "running/secret.html", title=title, back=back, name=name, secret=secret, hint=hint)
