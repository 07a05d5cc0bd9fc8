"""What is handed to a firm: the matches of its demand with facts and reasons, as a sheet or a PDF; no model's figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from data.records import Demand
from serving.dashboard.exports import safe
from serving.dashboard.figures.matching.card import MET, MISSED, UNKNOWN, Card, Chip
from serving.dashboard.rendering import day, money, region

FONT = "STSong-Light"  # of every PDF reader's Chinese fonts: none has to travel along
WORDS = {MET: "满足", MISSED: "未达到", UNKNOWN: "未明"}
HEADERS = ("序号", "成果", "完成单位", "地区", "满足", "未达到", "未明与其他", "推荐理由")
WIDTHS = (6, 34, 24, 14, 34, 30, 34, 60)


@dataclass(frozen=True)
class Entry:
    """One match of a handout; `chosen` tells that an operator shortlisted it or acts on it."""

    card: Card
    chosen: bool


@dataclass(frozen=True)
class Handout:
    """A demand and the matches to show to its firm, best first."""

    demand: Demand
    entries: tuple[Entry, ...]
    on: date

    @property
    def title(self) -> str:
        """The heading."""
        return f"《{self.demand.title}》推荐成果"

    @property
    def subtitle(self) -> str:
        """What the firm said of money and time."""
        demand = self.demand
        known = [demand.enterprise, f"预算 {money(demand.budget_min, demand.budget_max)}"]
        known += [f"截止 {day(demand.deadline)}"] if demand.deadline else []
        return " · ".join([part for part in known if part] + [f"{self.on} 整理，共 {len(self.entries)} 项"])


def as_sheet(handout: Handout) -> bytes:
    """Return the handout as an .xlsx file."""
    from openpyxl import Workbook  # here: it takes long to load and is seldom asked for
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "推荐成果"
    sheet.append([safe(handout.title)])
    sheet.append([safe(handout.subtitle)])
    sheet.append([])
    sheet.append(list(HEADERS))
    for number, entry in enumerate(handout.entries, start=1):
        match = entry.card.match
        told = [_joined(entry.card, (MET,)), _joined(entry.card, (MISSED,)), _joined(entry.card, (UNKNOWN, "plain"))]
        values: list[object] = [number, match.title, match.owner, region(match.region), *told, entry.card.why]
        sheet.append([safe(value) for value in values])
    sheet["A1"].font = Font(size=14, bold=True)
    for cell in sheet[4]:
        cell.font = Font(bold=True)
    for column, width in zip("ABCDEFGH", WIDTHS, strict=True):
        sheet.column_dimensions[column].width = width
    for cells in sheet.iter_rows(min_row=5):
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A5"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def as_pdf(handout: Handout) -> bytes:
    """Return the handout as a PDF of A4 pages."""
    from reportlab.lib.pagesizes import A4  # here: it takes long to load and is seldom asked for
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import HRFlowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer

    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    text = ParagraphStyle("text", fontName=FONT, fontSize=10, leading=15.5, wordWrap="CJK")
    heading = ParagraphStyle("heading", parent=text, fontSize=12.5, leading=18)
    soft = ParagraphStyle("soft", parent=text, textColor="#5a6875", fontSize=9.5)
    title = ParagraphStyle("title", parent=text, fontSize=17, leading=24)

    def paragraph(words: str, style: Any) -> Any:
        return Paragraph(escape(words), style)

    story = [paragraph(handout.title, title), paragraph(handout.subtitle, soft), Spacer(1, 5 * mm)]
    for number, entry in enumerate(handout.entries, start=1):
        match = entry.card.match
        owner = " · ".join(filter(None, (match.owner, region(match.region) if match.region else "")))
        parts = [paragraph(f"{number}. {match.title}", heading), paragraph(owner or "单位未说明", soft)]
        parts += [paragraph(line, text) for line in _lines(entry.card)]
        if entry.card.why:
            parts.append(paragraph(f"推荐理由：{entry.card.why}", text))
        story.append(
            KeepTogether([*parts, Spacer(1, 2 * mm), HRFlowable(width="100%", color="#d9dfe5"), Spacer(1, 2 * mm)])
        )
    if not handout.entries:
        story.append(paragraph("目前没有可以推荐的成果。", text))
    out = BytesIO()
    SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=handout.title,
    ).build(story)
    return out.getvalue()


def _lines(card: Card) -> Iterator[str]:
    for status, word in WORDS.items():
        if said := _joined(card, (status,)):
            yield f"{word}：{said}"
    if said := _joined(card, ("plain",)):
        yield said


def _joined(card: Card, statuses: tuple[str, ...]) -> str:
    chips: tuple[Chip, ...] = (*card.chips, *card.more_chips)
    return "；".join(chip.text for chip in chips if chip.status in statuses)
