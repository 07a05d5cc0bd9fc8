"""Rows of demands.csv: a firm's words for what it needs."""

import math
import random
from datetime import timedelta

from data.simulator.achievement_texts import DAY_ZERO
from data.simulator.lexicon import Lexicon, Technology
from data.simulator.wording import clean_join, one_of, sentence_end, some_of, value_of
from data.simulator.world import LAST_DAY_NUMBER, Demands, Firms

HEADER = (
    "需求编号",
    "需求名称",
    "需求内容",
    "考核指标",
    "关键词",
    "技术领域",
    "所属行业",
    "企业名称",
    "企业规模",
    "企业阶段",
    "地区代码",
    "预算下限(万元)",
    "预算上限(万元)",
    "合作方式",
    "最低技术成熟度",
    "截止日期",
    "状态",
    "可见性",
    "发布日期",
    "更新日期",
)
PLAIN, TECHNICAL, VAGUE = range(3)
SHAPES = ("nw", "w", "nwk", "nnw", "wn", "nwkc", "wkc", "nwc", "nnwkc", "knw")
"""Orders of the present state (n), the wish (w), the figures (k) and closing words (c)."""


def demand_id(row: int) -> str:
    """Return the id of a demand's row."""
    return f"D{row + 1:06d}"


class DemandWriter:
    """Composes rows; the row of a given number depends on nothing but the world, the seed and the number."""

    def __init__(self, lexicon: Lexicon, table: Demands, firms: Firms, firm_names: list[str], seed: int) -> None:
        self._lexicon = lexicon
        self._phrases = lexicon.phrases
        self._table = table
        self._firms = firms
        self._names = firm_names
        self._seed = seed

    def row(self, number: int, closed: str = "") -> list[str]:
        """Return one row in the order of `HEADER`; `closed` is the status of a demand that found a deal."""
        original = int(self._table.original[number])
        rng = random.Random(f"{self._seed}:d:{number}")  # noqa: S311
        cells = self._compose(number if original < 0 else original)
        if original >= 0 and rng.random() < 0.6:
            city = one_of(rng, self._lexicon.places).name
            pattern = one_of(rng, self._phrases["near_duplicate_title"])
            cells["需求名称"] = pattern.format(title=cells["需求名称"], city=city)
        cells |= self._life(rng, int(self._table.published[number]), closed)
        for name, share in _MISSING.items():
            if rng.random() < share:
                cells[name] = ""
        if rng.random() < 0.04:
            cells["需求内容"] = one_of(rng, self._phrases["boilerplate"])
        cells["需求编号"] = demand_id(number)
        return [cells[name] for name in HEADER]

    def stated(self, number: int) -> dict[str, bool]:
        """Return what a row says in the end, see `clarity.WEIGHTS`: fields left out and boilerplate say nothing."""
        cells = dict(zip(HEADER, self.row(number), strict=True))
        original = int(self._table.original[number])
        meant = self._compose(number if original < 0 else original)
        content = cells["需求内容"]
        figures = meant["考核指标"].split("；") if meant["考核指标"] else []
        return {
            "subject": int(self._table.wording[number]) != VAGUE,
            "figures": bool(cells["考核指标"]) or any(figure in content for figure in figures),
            "content": content == meant["需求内容"] and bool(content),
            "budget": bool(cells["预算下限(万元)"] or cells["预算上限(万元)"]),
            "deadline": bool(cells["截止日期"]),
            "cooperation": bool(cells["合作方式"]),
            "maturity": bool(cells["最低技术成熟度"]),
        }

    def _compose(self, number: int) -> dict[str, str]:
        rng = random.Random(f"{self._seed}:dt:{number}")  # noqa: S311
        table, phrases = self._table, self._phrases
        technology = self._lexicon.technologies[int(table.technology[number])]
        industry = self._lexicon.industries[technology.industry]
        firm = int(table.firm[number])
        wording = int(table.wording[number])
        size = self._lexicon.names["firm_sizes"][int(self._firms.size[firm])]
        slots = {
            "want": one_of(rng, technology.wants),
            "pain": one_of(rng, technology.pains),
            "term": technology.term,
            "alt": technology.synonym,
            "material": technology.materials[int(table.material[number])],
            "process": technology.processes[0],
            "process2": technology.processes[-1],
            "product": technology.products[int(table.product[number])],
            "scene": industry.scenes[int(table.scene[number])],
            "industry": industry.name,
            "group": technology.group,
            "size": size,
            "mod": one_of(rng, phrases["modifiers"]),
        }
        titles = ("demand_title_plain", "demand_title_technical", "demand_title_vague")[wording]
        figures = self._figures(rng, technology, number, wording)
        budget = float(table.log_budget[number])
        low, high = math.exp(budget - 0.7), math.exp(budget)
        words = {
            PLAIN: [slots["want"], slots["pain"], slots["scene"], industry.name],
            TECHNICAL: [slots["term"], slots["product"], slots["process"], slots["material"]],
            VAGUE: [industry.name, technology.group, "技术升级"],
        }[wording]
        return {
            "需求名称": one_of(rng, phrases[titles]).format_map(slots),
            "需求内容": self._content(rng, slots, figures, wording),
            "考核指标": "；".join(figures),
            "关键词": "；".join(some_of(rng, words, 3)),
            "技术领域": industry.field,
            "所属行业": technology.code,
            "企业名称": self._names[firm],
            "企业规模": size,
            "企业阶段": one_of(rng, self._lexicon.names["firm_stages"]),
            "地区代码": self._lexicon.places[int(table.place[number])].code,
            "预算下限(万元)": f"{low:.3g}" if low < 1000 else f"{low:.0f}",
            "预算上限(万元)": f"{high:.3g}" if high < 1000 else f"{high:.0f}",
            "合作方式": "；".join(some_of(rng, phrases["cooperation_modes"], 1 + int(2 * rng.random()))),
            "最低技术成熟度": str(int(table.trl_min[number])),
            "可见性": one_of(rng, phrases["visibility"]),
        }

    def _figures(self, rng: random.Random, technology: Technology, number: int, wording: int) -> list[str]:
        """Return what is asked for in figures: in the firm's words unless the demand is a technical one."""
        sentences = []
        levels = zip(self._table.required[number].tolist(), self._table.asks[number].tolist(), strict=True)
        for indicator, (level, asks) in zip(technology.indicators, levels, strict=True):
            if asks < 0.5:
                continue
            uses = "indicator_firm_more" if indicator.more_is_better else "indicator_firm_less"
            sentences.append(
                one_of(rng, self._phrases[uses]).format(
                    alias=indicator.name if wording == TECHNICAL else indicator.alias,
                    value=value_of(indicator, level),
                    unit=indicator.unit,
                )
            )
        return sentences

    def _content(self, rng: random.Random, slots: dict[str, str], figures: list[str], wording: int) -> str:
        phrases = self._phrases
        wish = ("demand_want", "demand_want_technical", "demand_vague")[wording]
        sentences: list[str] = []
        for letter in one_of(rng, SHAPES):
            if letter == "k":
                if figures and wording != VAGUE:
                    sentences.append(one_of(rng, phrases["demand_kpi_lead"]) + sentence_end("，".join(figures)))
                continue
            uses = {"n": "demand_now", "w": wish, "c": "demand_close"}[letter]
            if wording == VAGUE and letter == "n":
                uses = "demand_vague"
            slots["n"] = str(2 + int(9 * rng.random()))
            slots["money"] = str(20 * (1 + int(80 * rng.random())))
            slots["people"] = str(10 * (2 + int(90 * rng.random())))
            sentence = sentence_end(one_of(rng, phrases[uses]).format_map(slots))
            if sentence not in sentences:
                sentences.append(sentence)
        return clean_join(sentences, "")

    def _life(self, rng: random.Random, published: int, closed: str) -> dict[str, str]:
        """Return dates and status as they are on the last day; some overdue demands still pass for open."""
        deadline = published + 90 + int(630 * rng.random())
        updated = published + (int(rng.random() * (LAST_DAY_NUMBER - published)) if rng.random() < 0.3 else 0)
        # the outcome of a demand must not reach into the draws of what it says
        if deadline < LAST_DAY_NUMBER and rng.random() < 0.6:
            status = "过期"
        else:
            status = one_of(rng, ("发布",) * 16 + ("对接中", "对接中", "撤回", "草稿"))
        return {
            "截止日期": (DAY_ZERO + timedelta(days=deadline)).isoformat(),
            "状态": closed or status,
            "发布日期": (DAY_ZERO + timedelta(days=published)).isoformat(),
            "更新日期": (DAY_ZERO + timedelta(days=updated)).isoformat(),
        }


_MISSING = {
    "需求内容": 0.05,
    "考核指标": 0.3,
    "关键词": 0.35,
    "技术领域": 0.15,
    "所属行业": 0.2,
    "企业名称": 0.04,
    "企业规模": 0.15,
    "企业阶段": 0.4,
    "地区代码": 0.05,
    "预算下限(万元)": 0.6,
    "预算上限(万元)": 0.4,
    "合作方式": 0.25,
    "最低技术成熟度": 0.6,
    "截止日期": 0.4,
    "可见性": 0.1,
    "更新日期": 0.15,
}
"""Share of records that lack a field."""
