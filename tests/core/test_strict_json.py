import pytest

from growbase.core.errors import Invalid, InvalidJSON
from growbase.core.strict_json import read_json, require_no_nul, require_unique_names


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[1,]", b'{"a":1} x', b'"\xff"', '"a"'.encode("utf-16"), b"\xef\xbb\xbf{}"),
        *(b"NaN", b"[-Infinity]", b'{"a":1e999}', rb'"\ud800"', rb'{"\udc00":1}', b"[" * 100_000),
    ],
)
def test_what_is_not_json_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(InvalidJSON) as caught:
        read_json(body)
    assert caught.value.fields[0].text()


def test_sound_json_is_read_as_it_is() -> None:
    body = rb'{"a":[1,2.5,-0.0,1e-400,12345678901234567890],"b":"\ud83d\ude00 \\ud800","c":{"a":null}}'
    assert read_json(body) == {
        "a": [1, 2.5, -0.0, 0.0, 12345678901234567890],
        "b": "\U0001f600 \\ud800",
        "c": {"a": None},
    }
    assert read_json(b"[NaN]", finite=False) != [0]


def test_a_name_given_twice_is_named() -> None:
    body = b'{"a":{"b":1,"c":2,"b":3}}'
    for check in (read_json, require_unique_names):
        with pytest.raises(Invalid) as caught:
            check(body)
        assert [(error.field, error.code) for error in caught.value.fields] == [("b", "duplicate")]
    assert read_json(body, unique=False) == {"a": {"b": 3, "c": 2}}


def test_every_nul_is_named_by_its_path() -> None:
    body = rb'{"a":"x\u0000","b":[1,{"c":"\u0000","d\u0000":"e"}],"f":"\\u0000"}'
    with pytest.raises(Invalid) as caught:
        require_no_nul(body, read_json(body))
    assert [error.field for error in caught.value.fields] == ["a", "b.1.c", "b.1"]
    assert {error.code for error in caught.value.fields} == {"nul"}
    require_no_nul(rb'"\\u0000"', "\\u0000")
