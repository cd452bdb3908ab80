import pytest

from growbase.core.errors import Conflict, FieldError


def test_a_message_names_its_parameters_and_fields() -> None:
    error = Conflict("There are {count}.", count=3, fields=(FieldError("name", "long", "has {n}", {"n": 4}),))
    assert str(error) == "There are 3. (name has 4)"


@pytest.mark.parametrize("words", ['status 503: {"error": "busy"}', "{", "{0}", "{a.b}", "{absent}"])
def test_the_words_of_another_program_are_no_template(words: str) -> None:
    assert str(Conflict(words, a=1)) == words
