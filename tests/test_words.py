"""Docstrings, comments and documents use the field's words: a list of private ones that none of them may hold.

docs/glossary.md has what to say instead.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ("serving/client/gongxu_client/models.py",)
# Pattern and what to say instead.
PRIVATE = {
    r"what (?:has |had )?(?:came|comes|become|became|becomes) of": "outcome of",
    r"who asks": "caller, subject, query record",
    r"(?<!`)told(?!`)": "stated, given, detected, distinguished",
    r"reckon\w*": "compute",
    r"(?<!`)anew(?!`)": "again, rewritten, reordered",
    r"for ever": "permanently",
    r"by lot": "at random",
    r"(?:held|holds?|holding) (?:\w+ ){0,4}against": "compared with",
    r"stands?(?!-)|stood": "is, occurs, represents",
    r"shel(?:f|ves)": "collection",
}
RULE = re.compile(r"\b(?:" + "|".join(f"(?:{pattern})" for pattern in PRIVATE) + r")\b", re.IGNORECASE)


def tracked(*suffixes: str) -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.split("\0") if done.returncode == 0 else []
    return [name for name in names if name.endswith(suffixes) and name not in GENERATED and (ROOT / name).is_file()]


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield node.body[0].lineno, text


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each line of a docstring, and of each comment."""
    for first, text in docstrings(ast.parse(source)):
        yield from enumerate(text.split("\n"), start=first)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def prose_of_page(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each line of Markdown outside code blocks."""
    code = False
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("```"):
            code = not code
        elif not code:
            yield number, line


def private_words(lines: Iterator[tuple[int, str]]) -> list[str]:
    return [f"{number}: {line.strip()[:90]} ({found[0]!r})" for number, line in lines if (found := RULE.search(line))]


def test_code_and_pages_use_the_fields_words():
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: what is tracked is not known")
    names = tracked(".py", ".md")
    assert len(names) > 500
    found = []
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        if name != "docs/glossary.md" and RULE.search(text):  # the glossary names what not to say
            lines = prose_of(text) if name.endswith(".py") else prose_of_page(text)
            found += [f"{name}:{one}" for one in private_words(lines)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ('"""Return what became of pairs."""\n', 1),
        ("x = 1  # the row stands here\n", 1),
        ('def f():\n    """Return it.\n\n    The scores are held firmly against the shelf.\n    """\n', 4),
    ],
)
def test_private_words_are_found(source, number):
    assert [one.split(":")[0] for one in private_words(prose_of(source))] == [str(number)]


@pytest.mark.parametrize(
    "source", ['x = "what became of it"\n', "stands = told = 1\n", '"""A stand-in; `anew` reads."""\n']
)
def test_names_and_texts_for_users_are_left_alone(source):
    assert private_words(prose_of(source)) == []
