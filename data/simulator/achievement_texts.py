"""Rows of achievements.csv: a researcher's words for what an achievement is."""

import random
from datetime import timedelta
from typing import Any

from data.simulator.lexicon import Lexicon, Technology
from data.simulator.wording import clean_join, one_of, sentence_end, some_of, value_of
from data.simulator.world import FIRST_DAY, HOLDER_TYPES, LAST_DAY_NUMBER, Achievements

HEADER = (
    "成果编号",
    "成果名称",
    "成果简介",
    "关键词",
    "技术领域",
    "所属行业",
    "IPC分类号",
    "完成单位",
    "单位类型",
    "地区代码",
    "成熟阶段",
    "技术成熟度",
    "成果形式",
    "转化方式",
    "价格下限(万元)",
    "价格上限(万元)",
    "主要技术指标",
    "知识产权",
    "状态",
    "发布日期",
    "更新日期",
)
DAY_ZERO = FIRST_DAY.astype(object)
SHAPES = (
    *("bmrx", "bmdrx", "bmr", "mdr", "bmmdrxs", "mmdrs", "rmdx", "bm", "bxmdr", "mdrsx", "m", "bmdrsx", "rx"),
    *("bbmmddrrxs", "bmddmrx", "bmdrdxs", "mddrxx", "bbmdmrdxs", "bmrddrxx"),
)
"""Orders of background, method, detail, result, benefit (x) and status (s) that a text may have."""


def achievement_id(row: int) -> str:
    """Return the id of an achievement's row."""
    return f"A{row + 1:07d}"


class AchievementWriter:
    """Composes rows; the row of a given number depends on nothing but the world, the seed and the number."""

    def __init__(
        self, lexicon: Lexicon, table: Achievements, holder_names: list[str], holder_types: Any, seed: int
    ) -> None:
        self._lexicon = lexicon
        self._phrases = lexicon.phrases
        self._table = table
        self._holders = holder_names
        self._types = holder_types
        self._seed = seed

    def row(self, number: int) -> list[str]:
        """Return one row in the order of `HEADER`; only id and title are never missing."""
        original = int(self._table.original[number])
        rng = random.Random(f"{self._seed}:a:{number}")  # noqa: S311
        cells = self._compose(number if original < 0 else original)
        if original >= 0:
            self._retell(rng, cells)
        published = int(self._table.published[number])
        cells |= self._dates(rng, published)
        self._gaps(rng, cells)
        cells["成果编号"] = achievement_id(number)
        return [cells[name] for name in HEADER]

    def _compose(self, number: int) -> dict[str, str]:
        rng = random.Random(f"{self._seed}:at:{number}")  # noqa: S311
        table, phrases = self._table, self._phrases
        technology = self._lexicon.technologies[int(table.technology[number])]
        industry = self._lexicon.industries[technology.industry]
        holder = int(table.holder[number])
        trl = int(table.trl[number])
        figures = self._figures(rng, technology, number)
        names = [technology.term, technology.synonym]
        rng.shuffle(names)
        slots = {
            "term": names[0],
            "alt": names[1],
            "material": technology.materials[int(table.material[number])],
            "process": one_of(rng, technology.processes),
            "process2": technology.processes[-1],
            "product": technology.products[int(table.product[number])],
            "scene": industry.scenes[int(table.scene[number])],
            "industry": industry.name,
            "group": technology.group,
            "holder": self._holders[holder],
            "ind1": figures[0],
            "ind2": figures[1],
            "ind3": figures[2],
            "mod": one_of(rng, phrases["modifiers"]),
            "model": "".join(one_of(rng, "ABCDEFGHJKLMNPQRSTWXYZ") for _ in range(2))
            + f"-{10 * (1 + int(90 * rng.random()))}",
            "year": str(2014 + int(table.published[number]) // 366 + int(rng.random() * 4)),
            "n": "",
            "money": "",
        }
        if slots["process"] == slots["process2"] and len(technology.processes) > 1:
            slots["process2"] = technology.processes[0]
        price = float(table.log_price[number])
        low, high = 2.718281828 ** (price - 0.15), 2.718281828 ** (price + 0.35)
        place = self._lexicon.places[int(table.place[number])]
        return {
            "成果名称": one_of(rng, phrases["achievement_title"]).format_map(slots),
            "成果简介": self._content(rng, slots),
            "关键词": "；".join(
                some_of(
                    rng, [names[0], slots["product"], slots["material"], *technology.processes, technology.group], 4
                )
            ),
            "技术领域": industry.field,
            "所属行业": technology.code,
            "IPC分类号": technology.ipc,
            "完成单位": self._holders[holder],
            "单位类型": HOLDER_TYPES[int(self._types[holder])],
            "地区代码": place.code,
            "成熟阶段": "初期" if trl <= 4 else "中期" if trl <= 7 else "成熟应用",
            "技术成熟度": str(trl),
            "成果形式": one_of(rng, phrases["forms"]),
            "转化方式": "；".join(some_of(rng, phrases["transfer_modes"], 1 + int(3 * rng.random()))),
            "价格下限(万元)": f"{low:.3g}" if low < 1000 else f"{low:.0f}",
            "价格上限(万元)": f"{high:.3g}" if high < 1000 else f"{high:.0f}",
            "主要技术指标": "；".join(figures),
            "知识产权": one_of(rng, phrases["ip"]).format(n=1 + int(9 * rng.random())),
            "状态": one_of(rng, ("发布",) * 17 + ("对接中", "已转让", "下架")),
        }

    def _figures(self, rng: random.Random, technology: Technology, number: int) -> list[str]:
        """Return the three indicators with the achievement's figures, best stated first."""
        written_sentences = []
        for indicator, goodness in zip(technology.indicators, self._table.goodness[number].tolist(), strict=True):
            sign = "≥" if indicator.more_is_better else "≤"
            written_sentences.append(
                one_of(rng, self._phrases["indicator_researcher"]).format(
                    name=indicator.name, sign=sign, value=value_of(indicator, goodness), unit=indicator.unit
                )
            )
        return written_sentences

    def _content(self, rng: random.Random, slots: dict[str, str]) -> str:
        uses = {"b": "background", "m": "method", "d": "detail", "r": "result", "x": "benefit", "s": "status"}
        written_sentences: list[str] = []
        for letter in one_of(rng, SHAPES):
            pattern = one_of(rng, self._phrases[uses[letter]])
            slots["n"] = str(2 + int(9 * rng.random()))
            slots["money"] = str(50 * (1 + int(60 * rng.random())))
            sentence = sentence_end(pattern.format_map(slots))
            if sentence not in written_sentences:
                written_sentences.append(sentence)
        return "".join(written_sentences)

    def _retell(self, rng: random.Random, cells: dict[str, str]) -> None:
        """Turn a copy into a near-duplicate: another title, a sentence less, now and then word for word."""
        if rng.random() < 0.35:
            return
        city = one_of(rng, self._lexicon.places).name
        cells["成果名称"] = one_of(rng, self._phrases["near_duplicate_title"]).format(
            title=cells["成果名称"], city=city
        )
        sentences = [part for part in cells["成果简介"].split("。") if part]
        if len(sentences) > 1:
            sentences.pop(int(rng.random() * len(sentences)))
        cells["成果简介"] = clean_join([sentence_end(part) for part in sentences], "")

    def _dates(self, rng: random.Random, published: int) -> dict[str, str]:
        """Return publication and last update; two in three records are never touched again."""
        updated = published
        if rng.random() < 0.35:
            updated += int(rng.random() * (LAST_DAY_NUMBER - published))
        return {
            "发布日期": (DAY_ZERO + timedelta(days=published)).isoformat(),
            "更新日期": (DAY_ZERO + timedelta(days=updated)).isoformat(),
        }

    def _gaps(self, rng: random.Random, cells: dict[str, str]) -> None:
        """Leave out what platforms lack."""
        for name, share in _MISSING.items():
            if rng.random() < share:
                cells[name] = ""
        if rng.random() < 0.05:
            cells["成果简介"] = one_of(rng, self._phrases["boilerplate"])


_MISSING = {
    "成果简介": 0.04,
    "关键词": 0.15,
    "技术领域": 0.1,
    "所属行业": 0.2,
    "IPC分类号": 0.45,
    "完成单位": 0.02,
    "单位类型": 0.05,
    "地区代码": 0.06,
    "成熟阶段": 0.1,
    "技术成熟度": 0.4,
    "成果形式": 0.15,
    "转化方式": 0.2,
    "价格下限(万元)": 0.45,
    "价格上限(万元)": 0.5,
    "主要技术指标": 0.35,
    "知识产权": 0.3,
    "状态": 0.02,
    "更新日期": 0.1,
}
"""Share of records that lack a field."""
