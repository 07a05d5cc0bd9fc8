"""The subject of a question over several kinds: a demand, a text, a firm by what it does, an achievement by what it is."""

from data.firms.facts import FirmFacts
from data.kinds.record import KindRecord
from data.records import MAX_TEXT, MAX_TITLE, Achievement, Demand, UnstoredDemand


def demand_of_firm(title: str, facts: FirmFacts, record: KindRecord | None) -> Demand:
    """Return a firm's business as the text to match by, with its region; its own name is what rules look at."""
    business = (record.content if record else "", *facts.business.values, *facts.industry.values)
    text = "\n".join(dict.fromkeys(part for part in business if part))
    words = record.keywords if record else ()
    return UnstoredDemand(
        title=(text.split("\n", 1)[0] or title)[:MAX_TITLE],
        content=text[:MAX_TEXT],
        keywords=words,
        enterprise=title[:MAX_TITLE],
        region=facts.region,
    )


def demand_of_achievement(achievement: Achievement) -> Demand:
    """Return an achievement's text as the one to match by: who could test, finance or carry it on."""
    return UnstoredDemand(
        title=achievement.title,
        content=achievement.content,
        keywords=achievement.keywords,
        field=achievement.field,
        industries=achievement.industries,
        enterprise=achievement.holder,
        region=achievement.region,
    )
