"""What happened to a pair and why it came to nothing, in Chinese or by their names in the API."""

from data.files.cells import EMPTY, Cell, plain
from data.records import DeclineReason, EventKind

_KINDS = {
    EventKind.IMPRESSION: "曝光 展示 推荐 浏览 推送 展现",
    EventKind.CLICK: "点击 查看 打开 view 浏览详情",
    EventKind.FAVOURITE: "收藏 关注 favorite 加入收藏",
    EventKind.CONTACT: "联系 咨询 留言 沟通 索取联系方式 对接",
    EventKind.MEETING: "会面 见面 会议 面谈 线下对接 考察 走访",
    EventKind.NEGOTIATION: "谈判 洽谈 商谈 意向 签订意向",
    EventKind.DEAL: "成交 签约 签订合同 交易 合作 达成合作",
    EventKind.DECLINE: "拒绝 放弃 不合适 不感兴趣 婉拒 终止",
    EventKind.JUDGEMENT: "评分 评审 专家评分 评价",
}
_REASONS = {
    DeclineReason.TOO_EARLY: "太早 不成熟 技术不成熟 成熟度低 成熟度不够",
    DeclineReason.BENEFIT_UNCLEAR: "效益不明 收益不明 效益不清楚 价值不明",
    DeclineReason.ROUTE_UNCLEAR: "路线不明 技术路线不符 路线不清楚 技术不匹配 不匹配",
    DeclineReason.PRICE: "价格 价格高 价格太高 太贵 费用高 预算不足",
    DeclineReason.LOCATION: "地区 距离 太远 地域 位置",
    DeclineReason.ALREADY_SOLVED: "已解决 已有方案 不再需要 需求已解决",
    DeclineReason.VAGUE: "不清楚 描述不清 需求不清 信息不足 太笼统",
    DeclineReason.OTHER: "其他 其它",
}
_KIND_WORDS = {word: kind for kind, words in _KINDS.items() for word in (kind.value, *words.split())}
_REASON_WORDS = {word: reason for reason, words in _REASONS.items() for word in (reason.value, *words.split())}


def kind(value: object) -> Cell:
    """Return the kind of event that a cell names."""
    found = _KIND_WORDS.get(plain(value).lower())
    return Cell(found) if found else Cell(note=f"不在允许的值之内：{'、'.join(EventKind)}")


def reason(value: object) -> Cell:
    """Return the reason for a decline that a cell names."""
    text = plain(value).lower()
    if not text:
        return EMPTY
    found = _REASON_WORDS.get(text)
    return Cell(found) if found else Cell(note=f"不在允许的值之内：{'、'.join(DeclineReason)}")
