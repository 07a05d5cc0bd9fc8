"""Reads a page as a person would: every isolated number, whether something says what it means, where it leads."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

NUMBER = re.compile(r"[▲▼ ]*[-+−]?\d[\d,]*(\.\d+)?%?( ?(天|项|家|条|组|次|MB|毫秒|秒))?")
VOID = {"input", "br", "img", "meta", "link", "hr"}
# Dates, ids, page numbers and text; a chart's labels have their numbers in a table.
SKIPPED = {"time", "option", "textarea", "code", "pre", "kbd", "svg", "script", "style", "title", "mark", "nav", "h1"}
# What a record says of itself, lines of the store, and places in a list.
OWN = {"rank", "facts", "compare", "meta", "long", "detail", "code", "move", "titleline", "why", "pager", "sub", "t"}


@dataclass(eq=False)
class Element:
    """One element with its children and its own text."""

    tag: str
    attributes: dict[str, str | None]
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    @property
    def classes(self):
        return set((self.attributes.get("class") or "").split())

    def up(self):
        here = self
        while here is not None:
            yield here
            here = here.parent

    def all(self):
        yield self
        for child in self.children:
            yield from child.all()


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.root = self.here = Element("", {})

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs), self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag, attrs):
        self.here.children.append(Element(tag, dict(attrs), self.here))

    def handle_endtag(self, tag):
        for element in self.here.up():
            if element.tag == tag:
                self.here = element.parent or self.root
                return

    def handle_data(self, data):
        self.here.text += data


def parsed(html):
    reader = _Reader()
    reader.feed(html)
    return reader.root


def main_of(html):
    """Return the page's main part; of a fragment, all of it."""
    root = parsed(html)
    return next((element for element in root.all() if element.tag == "main"), root)


def numbers(html):
    """Yield (element, text) of every isolated number that is no record's own."""
    for element in main_of(html).all():
        text = element.text.strip()
        if not NUMBER.fullmatch(text):
            continue
        if any(one.tag in SKIPPED or one.classes & OWN for one in element.up()):
            continue
        yield element, text


def defined(element):
    """Tell whether something says on hover what a number means: itself, its column, or the name beside it."""
    for one in element.up():
        if "data-hint" in one.attributes:
            return True
        if one.tag == "td":
            return _column_defined(one)
        if one.tag in ("dd", "li", "h2", "h3"):
            group = one if one.tag != "dd" else one.parent
            return any("data-hint" in inside.attributes for inside in group.all())
        if "count" in one.classes:  # of a table: how many rows it has, which are below
            return True
    return False


def linked(element):
    """Tell whether a number leads somewhere; the number of a table's rows is shown above them."""
    return any(one.tag == "a" or "count" in one.classes for one in element.up())


def _column_defined(cell):
    row = cell.parent
    table = next(one for one in cell.up() if one.tag == "table")
    place = [child for child in row.children if child.tag in ("td", "th")].index(cell)
    heads = next(one for one in table.all() if one.tag == "thead").children[0].children
    return any("data-hint" in inside.attributes for inside in heads[place].all())
