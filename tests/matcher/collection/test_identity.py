"""Under which names a record is known, and which records are one."""

from data.records import Achievement, Demand
from matcher.collection.columns import RecordColumns


def groups(*records: Demand | Achievement) -> list[int]:
    return RecordColumns.from_records(list(records)).identity_groups().tolist()


def test_one_title_of_two_firms_is_two_demands() -> None:
    first, second, third = (
        Demand(demand_id=key, title="技术改造", content="", enterprise=firm)
        for key, firm in (("1", "甲厂"), ("2", "乙厂"), ("3", "甲厂"))
    )
    one, other, again = groups(first, second, third)
    assert one == again
    assert one != other
    cards = RecordColumns.from_records([first, second, third])
    assert set(cards.identity(0)) & set(cards.identity(2))
    assert not set(cards.identity(0)) & set(cards.identity(1))


def test_a_text_of_two_firms_is_one_demand() -> None:
    text = "污泥含水率降到40%以下，处理量每天50吨"
    one, other = groups(*(Demand(demand_id=key, title="污泥", content=text, enterprise=key) for key in ("甲", "乙")))
    assert one == other


def test_titles_without_owners_are_one() -> None:
    one, other = groups(*(Demand(demand_id=key, title="污泥干化", content="") for key in ("1", "2")))
    assert one == other


def test_offers_of_one_title_and_no_text_are_one_matter_for_one_holder_only() -> None:
    offers = [
        Achievement(achievement_id=str(key), title="抗肿瘤药物", holder=holder, content=content)
        for key, (holder, content) in enumerate([("甲", ""), ("乙", ""), ("甲", ""), ("丙", "新型"), ("丁", "新型")])
    ]
    numbers = RecordColumns.from_records(offers).text_ids.tolist()
    assert numbers[0] == numbers[2] != numbers[1]
    assert numbers[3] == numbers[4]
