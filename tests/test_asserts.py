"""No test passes without having asserted: a loop that asserts runs over something, and an assert is surely reached."""

import ast
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
FILLED_CALLS = {"enumerate", "items", "keys", "list", "product", "reversed", "set", "sorted", "tuple", "values", "zip"}
"""Calls that have items if their arguments, or the object that they are asked of, have some."""
RAISING = {"raises", "warns", "fail", "expect"}
"""What raises by itself where something is not as it should be; Playwright's `expect` is one."""


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


@cache
def calls(node: ast.AST) -> frozenset[str]:
    return frozenset(name_of(inner) for inner in ast.walk(node) if isinstance(inner, ast.Call))


def names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def filled(node: ast.expr, known: set[str]) -> bool:
    """Tell whether what is looped over surely has items: written out, a constant, `some(...)`, or made of such."""
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            return any(not isinstance(item, ast.Starred) or filled(item.value, known) for item in node.elts)
        case ast.Dict(keys=keys) | ast.Constant(value=str() | bytes() as keys):
            return bool(keys)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper() or name in known
        case ast.Subscript(slice=ast.Slice()):
            return filled(node.value, known)
        case ast.BinOp():
            return filled(node.left, known) or filled(node.right, known)
        case ast.ListComp(generators=parts) | ast.GeneratorExp(generators=parts) | ast.DictComp(generators=parts):
            return all(not part.ifs and filled(part.iter, known) for part in parts)
        case ast.Call() if name_of(node) == "some":
            return True
        case ast.Call() if name_of(node) == "range":
            return all(isinstance(bound, ast.Constant) or filled(bound, known) for bound in node.args)
        case ast.Call() if name_of(node) in FILLED_CALLS:
            asked_of = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            return any(filled(part, known) for part in (*node.args, *asked_of))
    return False


def reaches(body: list[ast.stmt], known: set[str], helpers: set[str]) -> bool:
    """Tell whether statements surely come to an assert, or to a function that does."""
    for statement in body:
        match statement:
            case ast.Assert():
                return True
            case ast.With(items=items) if any(RAISING & calls(item) for item in items):
                return True
            case ast.With(body=inner) | ast.Try(body=inner) | ast.AsyncWith(body=inner):
                found = reaches(inner, known, helpers)
            case ast.For() | ast.AsyncFor():
                found = filled(statement.iter, known) and reaches(statement.body, known, helpers)
            case ast.If(body=inner, orelse=other):
                found = reaches(inner, known, helpers) and reaches(other, known, helpers)
            case ast.While(test=ast.Constant(), body=inner):
                found = reaches(inner, known, helpers)
            case ast.FunctionDef(name=name, body=inner) | ast.AsyncFunctionDef(name=name, body=inner):
                helpers = helpers | {name} if reaches(inner, known, helpers) else helpers
                continue
            case ast.While():
                continue
            case _:
                called = calls(statement)
                found = bool(called & (helpers | RAISING)) or any(name.startswith("assert_") for name in called)
        if found:
            return True
    return False


def filled_names(body: list[ast.stmt], known: set[str]) -> set[str]:
    """Return the names known to be filled, with those that some statements give something filled."""
    known = set(known)
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Assign) and filled(node.value, known):
            known |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return known


def empty_loops(function: ast.FunctionDef, known: set[str]) -> list[int]:
    """Return the lines of loops that assert over what may be empty: nothing outside them says that it is there."""
    found, said = [], set[str]()
    pending: list[ast.stmt] = list(function.body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.Assert):
            said |= names(statement.test)
        elif isinstance(statement, ast.For) and any(isinstance(node, ast.Assert) for node in ast.walk(statement)):
            if not filled(statement.iter, known):
                found.append(statement)
        else:
            pending += [node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt)]
    return [loop.lineno for loop in found if not names(loop.iter) & said]


def findings(sources: dict[str, str]) -> list[str]:
    """Return what is wrong in test files, given by their names."""
    functions = []
    for name, source in sources.items():
        tree = ast.parse(source)
        known = filled_names([node for node in tree.body if isinstance(node, ast.Assign)], set())
        functions += [
            (name, node, filled_names(node.body, known))
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
    helpers: set[str] = set()
    for _ in range(4):  # a helper may call one that calls one
        helpers |= {
            function.name
            for _, function, known in functions
            if not function.name.startswith(("__", "test_")) and reaches(function.body, known, helpers)
        }
    found = []
    for name, function, known in functions:
        if function.name.startswith("test_"):
            lines = empty_loops(function, known)
            found += [f"{name}:{line} loops over what may be empty: say some(...)" for line in lines]
            if not lines and not reaches(function.body, known, helpers):
                found.append(f"{name}:{function.lineno} may come to no assert")
    return found


def test_every_test_surely_asserts():
    sources = {str(path.relative_to(FOLDER)): path.read_text("utf-8") for path in FOLDER.rglob("*.py")}
    assert findings(sources) == []


WEAK = {
    "a loop": "for item in answer['items']:\n        assert item",
    "a branch": "if answer:\n        assert answer['items']",
    "a filter": "for item in [item for item in (1, 2) if item in answer]:\n        assert item",
    "nothing": "answer.sort()",
}
STRONG = {
    "some": "for item in some(answer):\n        assert item",
    "written out": "for item in (1, 2):\n        assert item in answer",
    "said": "assert len(answer) > 2\n    for item in answer:\n        assert item",
    "a helper": "check(answer)",
    "raises": "with pytest.raises(KeyError):\n        answer['b']",
}


@pytest.mark.parametrize("body", WEAK.values(), ids=WEAK)
def test_what_may_assert_nothing_is_found(body):
    assert len(findings({"test_it.py": f"def test_it(answer):\n    {body}\n"})) == 1


@pytest.mark.parametrize("body", STRONG.values(), ids=STRONG)
def test_what_surely_asserts_is_left_alone(body):
    helper = "def check(answer):\n    assert answer\n"
    assert findings({"test_it.py": f"{helper}def test_it(answer):\n    {body}\n"}) == []
