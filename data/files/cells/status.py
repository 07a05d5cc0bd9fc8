"""Status of a record, in the words of the platforms: 已发布, 有效 and 在售 are 发布."""

import re
from collections.abc import Mapping
from enum import StrEnum

from data.files.cells import EMPTY, Cell, plain
from data.kinds.record import RecordStatus
from data.records import AchievementStatus, DemandStatus

_OPEN = (
    "已发布 发布中 有效 长期有效 在线 上线 已上线 挂牌 挂牌中 已挂牌 可交易 招商中 是 y true "
    "正常 上架 已上架 在架 公开 已公开 展示 展示中 推广中 进行中 征集中 审核通过 已审核 通过 启用 活动 1 "
    "published active open online valid enabled approved"
)
_TALKS = (
    "对接 洽谈中 洽谈 谈判中 谈判 合作中 合作洽谈 意向 有意向 已对接 跟进中 接洽中 沟通中 处理中 签约中 "
    "negotiating negotiation"
)
_GONE = (
    "撤销 已撤销 已撤回 撤回中 作废 已作废 废弃 删除 已删除 取消 已取消 终止 已终止 驳回 未通过 审核不通过 "
    "withdrawn cancelled canceled deleted rejected"
)
# What is not public yet must not be recommended.
_OUT_OF_SIGHT = (
    "已下架 停止 已停止 否 n false "
    "下线 已下线 停用 无效 失效 已失效 过期 已过期 到期 关闭 已关闭 隐藏 未发布 待发布 待审核 审核中 草稿 暂存 暂停 0 "
    "offline inactive closed expired draft disabled"
)
_ACHIEVEMENTS: dict[AchievementStatus, str] = {
    AchievementStatus.PUBLISHED: f"{_OPEN} 在售 可转让 待转让 待转化 未转化 未转让 可合作 寻求合作 转让中 available",
    AchievementStatus.NEGOTIATING: _TALKS,
    AchievementStatus.TRANSFERRED: (
        "转让 已转化 已成交 成交 已售 已售出 已出售 已签约 已许可 已完成转化 已完成 完成 sold transferred"
    ),
    AchievementStatus.OFFLINE: _OUT_OF_SIGHT,
    AchievementStatus.WITHDRAWN: _GONE,
}
_DEMANDS: dict[DemandStatus, str] = {
    DemandStatus.DRAFT: "未发布 待发布 待审核 审核中 暂存 待提交 未提交 draft pending",
    DemandStatus.PUBLISHED: f"{_OPEN} 招标中 揭榜中 张榜中 招募中 待对接 未对接 待解决 未解决 未完成 求购中",
    DemandStatus.NEGOTIATING: f"{_TALKS} 解决中 攻关中 研发中 实施中 已揭榜 已受理",
    DemandStatus.SIGNED: "签约 已签合同 已签订 已成交 成交 已中标 已达成合作 达成合作 signed",
    DemandStatus.SOLVED: (
        "解决 已完成 完成 已对接成功 对接成功 已结束 结束 已完结 完结 已结题 已关闭 关闭 solved done closed"
    ),
    DemandStatus.EXPIRED: "已过期 到期 已到期 截止 已截止 失效 已失效 无效 逾期 下架 已下架 停用 expired",
    DemandStatus.WITHDRAWN: _GONE,
}
_RECORDS: dict[RecordStatus, str] = {
    RecordStatus.ACTIVE: f"{_OPEN} 发布 可用 在用 在职 在研 开放 营业 存续 执行中 现行有效 申报中 受理中",
    RecordStatus.SUSPENDED: f"{_OUT_OF_SIGHT} 下架 维修 维修中 停机 未开始 休假",
    RecordStatus.WITHDRAWN: f"{_GONE} 报废 离职 注销 吊销 已注销",
}
_NOT_WORD = re.compile(r"[\W_]+")


def _table(
    words: Mapping[AchievementStatus, str] | Mapping[DemandStatus, str] | Mapping[RecordStatus, str],
) -> dict[str, StrEnum]:
    return {word: status for status, names in words.items() for word in (status.value, *names.split())}


_WORDS = {"achievements": _table(_ACHIEVEMENTS), "demands": _table(_DEMANDS), "records": _table(_RECORDS)}


def read(value: object, kind: str) -> Cell:
    """Return the status of a record of `kind` ("achievements", "demands", of declared kinds "records") that a cell tells."""
    text = _NOT_WORD.sub("", plain(value)).lower().removesuffix("状态").removesuffix("了").removesuffix(".0")
    if not text:
        return EMPTY
    words = _WORDS[kind]
    found = words.get(text) or words.get(f"已{text}") or words.get(text.removesuffix("中"))
    if found is not None:
        return Cell(found)
    return Cell(note=f"不是已知的状态，可用：{'、'.join(dict.fromkeys(status.value for status in words.values()))}")
