"""A library's error in one line, whatever it says."""

import pytest

from data.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a line\nmore"), "a line"),
        (ValueError("\n \n  after blank lines"), "after blank lines"),
        (ValueError(), "ValueError"),
        (OSError(), "OSError"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_an_error_has_one_line_even_where_it_says_nothing(error, line):
    assert first_line(error) == line
