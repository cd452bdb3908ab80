import re
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from growbase.core import catalogue
from growbase.core.catalogue import languages, negotiate, translate


def test_english_is_the_template_itself() -> None:
    assert translate("en", "There is no such {what}.", {"what": "campaign"}) == "There is no such campaign."


def test_french_comes_from_the_catalogue() -> None:
    assert translate("fr", "Too many requests.", {}) == "Trop de requêtes."
    assert (
        translate("fr-CA", "The request is larger than {limit} bytes.", {"limit": 5}) == "La requête dépasse 5 octets."
    )


@pytest.mark.parametrize("language", ["fr", "de", "", "x-klingon", "../../etc"])
def test_a_message_or_language_that_is_missing_falls_back_to_english(language: str) -> None:
    assert translate(language, "No such message {n}", {"n": 1}) == "No such message 1"


def test_a_missing_parameter_never_raises() -> None:
    assert translate("en", "No {what}", {}) == "No {what}"
    assert (
        translate("fr", "The request is larger than {limit} bytes.", {}) == "The request is larger than {limit} bytes."
    )


def test_a_translation_with_a_wrong_placeholder_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_messages", lambda _: {"Hello {name}": "Bonjour {nom}"})
    assert translate("fr", "Hello {name}", {"name": "Ann"}) == "Hello Ann"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9", "fr"),
        ("FR-ca", "fr"),
        ("fr-Latn-x-old", "fr"),
        ("de, fr;q=0.5, en;q=0.4", "fr"),
        ("en;q=0.4, fr;q=0.5", "fr"),
        ("en-GB, fr", "en"),
        ("fr;q=0", "en"),
        ("en;q=0", "fr"),
        ("en;q=0, fr;q=0", "en"),
        ("*", "en"),
        ("*, en;q=0", "fr"),
        ("fr;q=nonsense", "en"),
        ("fr;q=7", "en"),
        ("fr;q=nan", "en"),
        (";;;,,,q=1", "en"),
        ("de," * 5_000 + "fr", "en"),
    ],
)
def test_the_best_language_of_the_header_wins(header: str | None, language: str) -> None:
    assert negotiate(header) == language


def test_the_default_is_for_headers_without_a_match() -> None:
    assert negotiate("de", default="fr") == "fr"


def test_english_is_the_first_language() -> None:
    assert languages() == ("en", "fr")


@pytest.mark.parametrize("language", [name for name in languages() if name != "en"])
def test_every_translation_keeps_the_placeholders(language: str) -> None:
    path = Path(str(files("growbase"))) / "locales" / language / "LC_MESSAGES" / "growbase.po"
    with path.open("rb") as file:
        for message in read_po(file, locale=language, abort_invalid=True):
            if message.id:
                assert sorted(re.findall(r"{\w+}", str(message.string))) == sorted(
                    re.findall(r"{\w+}", str(message.id))
                )
