from pathlib import Path

import pytest

from growbase.core.catalogue import translate
from growbase.ops.messages import (
    add_missing,
    catalogues,
    collect_messages,
    placeholders,
    read_catalogue,
    untranslated,
)

SOURCE = '''
TOO_LONG = "is too long"


class Odd(Conflict):
    """The {what} is odd.

    Make it
    even.
    """


class GalleryTemplate(Shared):
    __tablename__ = "gallery_templates"


def refuse(place, message):
    raise Invalid.at(place, "odd", message)


def check(value, kinds):
    """Return nothing that is a message."""
    message = "is {value}" if value else "is empty"
    refuse("a", message)
    refuse("b", {"x": "is not x"}.get(value, "is nothing"))
    yield FieldError("c", "long", TOO_LONG)
    yield FieldError("d", "reason", "{reason}")
    raise Odd(what="number")
'''

LABELLED = """
class State(StrEnum):
    HOLD = "on_hold"


class OddThing(Shared):
    __tablename__ = "odd_things"

    full_name: Mapped[str] = text(help="The {x} of it.")
    full_name_norm: Mapped[str] = norm("full_name")
    inner: Mapped[str] = text(hidden=True)


class Move(BaseModel):
    owner_user_id: UUID


VERBS = {"opt-out": Verb(opt_out)}


def show(words):
    words.say("Said")
"""


def test_every_way_to_say_something_is_found(tmp_path: Path) -> None:
    tree = "class GrowbaseError(Exception):\n    '''Wrong.'''\n\nclass Conflict(GrowbaseError):\n    '''No.'''\n"
    (tmp_path / "errors.py").write_text(tree)
    (tmp_path / "source.py").write_text(SOURCE.replace("Invalid.at(place", "Conflict.at(place"))
    assert {message.id for message in collect_messages(tmp_path)} == {
        *("Wrong.", "No.", "The {what} is odd.", "Make it even.", "gallery template", "number"),
        *("is {value}", "is empty", "is not x", "is nothing", "is too long", "Gallery templates"),
    }


def test_labels_and_what_templates_say_are_messages(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text(LABELLED)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("<p>{{ _('It\\'s {name}', name=x) }} {{ w.say( 'Here' ) }}</p>")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "app.py").write_text('say("not a page")\ntyper.Option(help="not a form")\n')
    assert {message.id for message in collect_messages(tmp_path)} == {
        *("Odd things", "odd thing", "Full name", "The {x} of it.", "On hold", "Opt out", "Owner", "Said"),
        *("It's {name}", "Here"),
    }


def test_adding_what_is_missing_keeps_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    path = folder / "growbase.po"
    path.write_text('msgid ""\nmsgstr ""\n"Language: fr\\n"\n\nmsgid "No."\nmsgstr "Non."\n', encoding="utf-8")
    (tmp_path / "errors.py").write_text("class GrowbaseError(Exception):\n    '''No.\n\n    Try again.\n    '''\n")
    assert add_missing(path, collect_messages(tmp_path)) == ["Try again."]
    before = path.read_bytes()
    assert add_missing(path, collect_messages(tmp_path)) == ["Try again."]
    assert path.read_bytes() == before
    assert read_catalogue(path).get("No.").string == "Non."


@pytest.mark.parametrize("language", catalogues())
def test_every_message_is_translated(language: str) -> None:
    """`make messages` adds what is missing; the translation is a person's work."""
    catalogue = read_catalogue(catalogues()[language])
    assert [f"{message.place} {message.id}" for message in collect_messages() if message.id not in catalogue] == []
    assert untranslated(catalogue) == []


@pytest.mark.parametrize("language", catalogues())
def test_every_translation_has_the_parameters_of_its_message(language: str) -> None:
    """One with another parameter is never shown: the reader gets English."""
    for message in read_catalogue(catalogues()[language]):
        if message.id:
            assert placeholders(message.string) == placeholders(message.id), message.id


def test_a_noun_inside_a_message_is_translated_too() -> None:
    assert translate("fr", "There is no such {what}.", {"what": "campaign"}) == "Élément introuvable : campagne."
    assert translate("en", "There is no such {what}.", {"what": "campaign"}) == "There is no such campaign."
