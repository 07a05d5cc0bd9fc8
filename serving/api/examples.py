"""Examples in the API's documentation."""

from typing import Any

ACHIEVEMENTS_REQUEST: dict[str, Any] = {
    "by id": {"summary": "For a stored demand", "value": {"demand_id": "D000001", "top_k": 10}},
    "with the gaps": {
        "summary": "For free text, with what is missing where nothing is good enough",
        "value": {"text": "需要能在零下60℃连续工作的固态电池", "gaps": True, "filters": {"hide_hard_misses": True}},
    },
    "by text": {
        "summary": "For a demand in free text, with reasons",
        "value": {
            "text": "需要一种低温污泥干化设备，含水率降到40%以下，处理量每天50吨",
            "top_k": 5,
            "explain": "full",
        },
    },
    "inline": {
        "summary": "For a demand that is not stored, with conditions",
        "value": {
            "demand": {
                "title": "低温污泥干化设备",
                "content": "含水率降到40%以下，处理量每天50吨",
                "budget_max": 300,
                "region": "410100",
            },
            "filters": {"regions": ["410000"], "budget": 300, "trl_at_least": 6, "exclude": ["A000007"]},
        },
    },
}

DEMANDS_REQUEST: dict[str, Any] = {
    "by id": {"summary": "For a stored achievement", "value": {"achievement_id": "A000001", "top_k": 10}},
    "inline": {
        "summary": "For an achievement that is not stored",
        "value": {
            "achievement": {"title": "热泵型污泥低温干化机", "content": "单机日处理30吨，出泥含水率35%", "trl": 8},
            "explain": "brief",
        },
    },
}

ANSWER: dict[str, Any] = {
    "request_id": "0f4c6a52d1b04f7d8e2f0a1b2c3d4e5f",
    "subject_id": "D000001",
    "bundle_version": "20260101-120000",
    "degraded": False,
    "lacks": [],
    "answered": True,
    "message": "",
    "verdict": {
        "answered": True,
        "probability": 0.81,
        "threshold": 0.33,
        "basis": "calibrated",
        "text": "有足够好的匹配（最高概率 81%，门槛 33%）",
        "measure": "门槛由 139 条需求的评分或对接结果校准：达到门槛的需求中，前三项都不合适的不超过 40%",
    },
    "gap_report_at": "",
    "gap_report": None,
    "items": [
        {
            "rank": 1,
            "id": "A000042",
            "title": "热泵型污泥低温干化机",
            "owner": "某环境研究院",
            "region": "410100",
            "status": "发布",
            "probability": 0.81,
            "deal_probability": 0.04,
            "grade": 3,
            "score": 2.417,
            "channels": ["dense", "lexical"],
            "reasons": [
                {
                    "kind": "terms",
                    "text": "双方都提到“污泥”“干化”“含水率”",
                    "weight": 0.92,
                    "evidence": {"shared_terms": ["污泥", "干化", "含水率"]},
                }
            ],
        }
    ],
}

UNANSWERED: dict[str, Any] = ANSWER | {
    "subject_id": "D000002",
    "answered": False,
    "message": "没有足够好的匹配，以下是最接近的，仅供参考",
    "verdict": ANSWER["verdict"]
    | {"answered": False, "probability": 0.28, "text": "没有足够好的匹配（最高概率 28%，门槛 33%）"},
    "gap_report_at": "/v1/demands/D000002/gaps",
    "items": [ANSWER["items"][0] | {"probability": 0.28, "grade": 1, "score": 1.204, "reasons": []}],
}
