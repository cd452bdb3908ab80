import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbase.core.folding import fold, fold_email, search_words

TEXT = st.text(max_size=40)


@given(TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold_email(fold_email(text)) == fold_email(text)
    assert search_words(search_words(text)) == search_words(text)


@given(TEXT)
def test_case_does_not_matter(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("É", "é"),
        ("E\u0301", "\u00e9"),
        ("Straße", "STRASSE"),
        ("ﬁn", "FIN"),
        ("  Acme ", "acme"),
        ("\uff21\uff43\uff4d\uff45", "acme"),
    ],
)
def test_names_a_reader_takes_for_equal_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_names_with_other_letters_stay_different() -> None:
    assert fold("café") != fold("cafe")


def test_addresses_ignore_case_and_width_but_keep_their_letters() -> None:
    assert fold_email(" Ann@Example.COM ") == "ann@example.com"
    assert fold_email("Éve\uff20Example.com") == "éve@example.com"
    assert fold_email("straße@example.com") != fold_email("strasse@example.com")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("Crème Brûlée, crème!",), "creme brulee"),
        (("L'Oréal", None, "l oreal paris"), "l oreal paris"),
        (("snake_case e-mail", ""), "snake case e mail"),
        (("İstanbul 2024",), "istanbul 2024"),
        (("한국어 서울",), "한국어 서울"),
        ((), ""),
    ],
)
def test_search_words_are_plain_distinct_and_in_order(texts: tuple[str | None, ...], words: str) -> None:
    assert search_words(*texts) == words


def test_search_words_have_limits() -> None:
    assert search_words("x" * 100) == "x" * 64
    text = search_words(" ".join(f"w{number:05}" for number in range(1_000)))
    assert len(text) <= 2_000
    assert text.endswith("w00284")


@given(st.lists(TEXT, max_size=5))
def test_search_words_hold_letters_and_digits_only(texts: list[str]) -> None:
    words = search_words(*texts).split(" ")
    assert words == [""] or all(word.isalnum() for word in words)
    assert len(words) == len(set(words))
