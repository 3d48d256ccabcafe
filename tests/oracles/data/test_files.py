import os

import pytest

from oracles import InputError
from oracles.data.files import parsed, read_text


def test_a_text_is_read_whole(tmp_path):
    (tmp_path / "a").write_text("ä\n" * 10, encoding="utf-8")
    assert read_text(tmp_path / "a") == "ä\n" * 10
    assert read_text(tmp_path / "a", largest=30) == "ä\n" * 10


@pytest.mark.parametrize(("content", "said"), [(b"x" * 31, "over 30 bytes"), (b"\xff", "not UTF-8")])
def test_what_is_no_such_file_is_named(tmp_path, content, said):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=rf"a: {said}"):
        read_text(tmp_path / "a", largest=30)


@pytest.mark.parametrize(("name", "said"), [("no", "No such file"), (".", "directory"), ("a\0b", "null")])
def test_what_cannot_be_opened_is_named(tmp_path, name, said):
    with pytest.raises(InputError, match=said):
        read_text(f"{tmp_path}/{name}")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero here")
def test_a_file_without_an_end_ends():
    with pytest.raises(InputError, match="over 1000 bytes"):
        read_text("/dev/zero", largest=1000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is given twice"),
        ("[NaN]", 'NaN is no number; write "nan"'),
        ("-Infinity", "-Infinity is no number"),
        ("{", "Expecting"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_what_is_not_json_of_the_standard_is_refused(text, said):
    with pytest.raises(InputError, match=rf"what: not JSON: .*{said}"):
        parsed(text, "what")


def test_json_is_read():
    assert parsed('{"a": [1, 2.5, null, "nan"]}', "what") == {"a": [1, 2.5, None, "nan"]}
