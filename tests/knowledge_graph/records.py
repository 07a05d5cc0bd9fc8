"""A small platform for the graph's tests: two topics, known holders, regions and outcomes."""

from datetime import UTC, datetime

from data.records import Achievement, Demand, OutcomeEvent

_DRYING = (
    ("低温热泵污泥干化设备", "采用低温热泵对市政污泥进行带式干化，含水率降到30%，用于污水处理厂。"),
    ("热泵除湿污泥干化系统", "利用热泵除湿实现污泥干化，能耗低，适用于印染污泥。"),
    ("带式污泥干化机", "带式污泥干化机采用热泵余热回收，降低能耗。"),
    ("污泥脱水压滤机", "隔膜压滤机用于污泥脱水，提高滤饼干度，配套污泥干化。"),
)
_BATTERY = (
    ("磷酸铁锂正极材料制备方法", "磷酸铁锂(LFP)正极材料采用固相法制备，提高导电性，用于动力电池。"),
    ("锂离子电池隔膜涂布工艺", "陶瓷涂布隔膜提高锂离子电池安全性，正极材料采用磷酸铁锂(LFP)。"),
    ("硅碳负极材料", "硅碳负极材料提高锂离子电池能量密度，用于动力电池。"),
    ("动力电池热管理系统", "动力电池热管理系统降低锂离子电池温差，采用LFP电芯。"),
)


def achievements(copies: int = 4) -> list[Achievement]:
    """Return `copies` variants of each text; the first topic is held in 郑州, the second in 深圳."""
    found = []
    for copy in range(copies):
        for place, (title, content) in enumerate((*_DRYING, *_BATTERY)):
            drying = place < len(_DRYING)
            found.append(
                Achievement(
                    achievement_id=f"A{len(found)}",
                    title=f"{title}{copy or ''}",
                    content=f"{content}第{copy}次试验表明效果稳定。",
                    ipc=("C02F 11/12", "F26B") if drying else (),
                    field="节能环保" if drying else "新能源",
                    industries=("7721",) if drying else ("3841",),
                    holder="郑州环境研究院" if drying else "深圳电池公司",
                    region="410100" if drying else "440300",
                    price_max=100.0 + copy,
                )
            )
    return found


def demands() -> list[Demand]:
    """Return four demands, two of each topic."""
    rows = (
        ("需要污泥干化设备", "我厂市政污泥含水率高，希望采用热泵干化降低能耗。", "410300", ("7721",)),
        ("印染污泥减量", "印染污泥脱水后仍需干化，寻求带式干化机。", "330100", ("1713",)),
        ("磷酸铁锂正极材料", "寻求磷酸铁锂正极材料制备方法，用于动力电池。", "410100", ("3841",)),
        ("锂离子电池安全", "锂离子电池隔膜需要提高安全性。", "440300", ("38",)),
    )
    return [
        Demand(
            demand_id=f"D{number}", title=title, content=content, region=region, industries=industries, budget_max=80.0
        )
        for number, (title, content, region, industries) in enumerate(rows)
    ]


def deal(demand: str, achievement: str, day: int = 1, kind: str = "deal") -> OutcomeEvent:
    """Return an outcome of January 2025."""
    return OutcomeEvent(
        event_id=f"{demand}-{achievement}-{kind}-{day}",
        demand_id=demand,
        achievement_id=achievement,
        kind=kind,
        occurred_at=datetime(2025, 1, day, tzinfo=UTC),
    )
