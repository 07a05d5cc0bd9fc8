"""What things are called, in Chinese, and how each number is defined."""

from datetime import UTC, datetime

from data.records import DeclineReason
from data.work.match_state import MOVES, UNDO, MatchState, MatchWork
from serving.dashboard.accounts.access import Role

KIND_NAMES = {
    "impression": "推荐展示",
    "click": "查看",
    "favourite": "收藏",
    "contact": "联系",
    "meeting": "会面",
    "negotiation": "洽谈",
    "deal": "成交",
    "decline": "婉拒",
    "judgement": "人工评分",
}
# From recommendation to deal.
FUNNEL = ("impression", "click", "contact", "meeting", "negotiation", "deal")
LEVEL_NAMES = {4: "强", 3: "较强", 2: "弱", 1: "无"}
GRADE_NAMES = {0: "未获认可", 1: "略有关联", 2: "较强匹配", 3: "强匹配", 4: "可成交"}
CHANNEL_NAMES = {"dense": "语义", "lexical": "词语", "history": "历史", "graph": "图谱", "rewriting": "改写"}
REASON_KINDS = {
    "semantic": "语义",
    "terms": "共同术语",
    "concepts": "近义概念",
    "graph": "知识图谱",
    "history": "历史结果",
    "attributes": "条件",
    "caution": "不利因素",
}
STRATUM_NAMES = {
    "uncertain": "模型拿不准",
    "disagreement": "两个模型分歧",
    "value": "金额较大",
    "random": "随机对照",
    "second": "复核（第二意见）",
}
STRATUM_HINTS = {
    "uncertain": "模型给出的概率最接近平均水平的配对：判断一次，模型学到最多。",
    "disagreement": "现用模型与另一版本概率相差最大的配对。",
    "value": "预算高且概率不低的配对：判断错了代价大。",
    "random": "不看模型、随机抽取的候选配对：用来校准，避免只看模型想让你看的。",
    "second": "已由另一位同事判断过一次的配对：用来计算一致性，看不到对方的结论。",
}
REVIEW_REASONS = {
    "same_problem": "正是所需",
    "partial": "部分满足",
    "other_field": "领域不符",
    "too_early": "成熟度不够",
    "benefit_unclear": "效益不明",
    "route_unclear": "路线不清",
    "price": "价格不合",
    "location": "地域不便",
    "already_solved": "已解决",
    "vague": "需求含糊",
    "other": "其他",
}
DECLINE_REASONS = REVIEW_REASONS
DECLINES = tuple(reason.value for reason in DeclineReason)
WORK_NAMES = {"move": "进展为", "assign": "分派给", "note": "备注", "next_date": "下次跟进", "shortlist": "列入备选"}
SIDE_NAMES = {"achievements": "成果", "demands": "需求"}
ROLE_NAMES = {Role.VIEWER.value: "查看", Role.REVIEWER.value: "审核", Role.MANAGER.value: "管理"}
ACTION_NAMES = {
    "operators.add": "新建操作员",
    "operators.password": "更换密码",
    "operators.role": "更改角色",
    "operators.disable": "停用操作员",
    "operators.enable": "启用操作员",
    "operators.sign_in": "登录",
    "operators.locked": "账户锁定",
    "operators.refused": "拒绝登录",
    "operators.failed": "登录失败",
    "keys.add": "新建密钥",
    "keys.revoke": "吊销密钥",
    "models.reload": "更换模型包",
    "models.promote": "模型晋级",
    "models.rollback": "模型回退",
    "reviews.judge": "判断配对",
    "reviews.undo": "撤销判断",
    "reviews.submit": "提交判断",
    "reviews.fill": "补充审核队列",
    "reviews.opinions": "请模型评级",
    "duplicates.merge": "合并重复记录",
    "duplicates.dismiss": "确认并非重复",
    "duplicates.undo": "撤销重复处理",
    "matches.act": "处理匹配",
    "dispatch.send": "派单",
    "dispatch.step": "派单进展",
    "dispatch.handover": "转交派单",
    "orders.publish": "发布订单",
    "orders.step": "订单进展",
    "orders.undo": "撤销订单步骤",
    "providers.review": "检查服务方与记录",
    "providers.confirm": "确认仍在服务",
    "providers.appeal": "服务方申诉",
    "providers.uphold": "申诉成立",
    "providers.reject": "驳回申诉",
    "providers.reinstate": "恢复",
    "webhook.put": "登记推送地址",
    "webhook.delete": "删除推送地址",
    "webhook.retry": "重新推送消息",
    "firms.state": "登记企业事实",
    "firm.delete": "删除企业",
    "policies.approve": "核准申报条件",
    "policies.withdraw": "撤回申报条件",
    "imports.upload": "上传导入文件",
    "imports.correct": "改正列对应",
    "imports.mapping": "保存列对应",
    "imports.start": "开始导入",
    "imports.finish": "完成导入",
    "imports.discard": "放弃上传",
    "imports.undo": "撤销导入",
    "demands.clarify": "登记企业回答",
    "achievements.bulk": "批量写入成果",
    "demands.bulk": "批量写入需求",
    "achievement.delete": "删除成果",
    "demand.delete": "删除需求",
    "experiments.start": "开始试验",
    "experiments.stop": "结束试验",
}
NOTICES = {
    "saved": "已保存。",
    "view_saved": "已存为视图：在上方点它的名字就能回到这里。",
    "view_dropped": "视图已删除。",
    "dispatched": "已派出：经理人须在一个工作日内应答。",
    "partly_dispatched": "已派出一部分；其余暂无名额或无合适的人，仍在待派需求中。",
    "nobody_free": "没有派出：暂无名额，或合适的人都已拒绝或请假。",
    "handed_over": "已转交：接手的人须在一个工作日内应答。",
    "undone": "已撤销，该配对已放回队列。",
    "submitted": "已提交：这些判断已成为训练可用的评分事件。",
    "nothing": "没有可处理的内容。",
    "filled": "队列已补充。",
    "levelling": "模型正在评级，片刻后刷新可见。",
    "merged": "已合并：并入的记录已下架，保留的一条不变。",
    "dismissed": "已记为“并非重复”，不再提示。",
    "restored": "已撤销，记录已恢复。",
    "asked": "已交给门禁，结果会出现在下面。",
    "judged": "已记下判断；十分钟内可在审核队列撤销，之后成为评分事件。",
    "acted": "已记下；十分钟内可撤销，之后成为结果事件。",
    "ordered": "已记下；十分钟内可撤销，之后成为成效或评价。",
    "reviewed": "检查完成：新的通知已记下，被暂停或隐藏的已不再展示。",
    "taken_back": "已撤销。",
    "answered": "已登记：回答已补充到需求中，列表已更新。",
    "looked_at": "已按改正重新读取。",
    "mapping_saved": "已重新读取并保存列对应：以后列名相同的文件会自动套用。",
    "discarded": "已放弃，上传的文件已删除。",
    "imported": "导入完成。",
    "import_undone": "已撤销这次导入。",
    "approved": "已核准：从现在起按这些条件判断。",
    "withdrawn": "已撤回：这项政策不再参与判断，核准过的内容仍有记录。",
    "promoted": "已晋级：新模型正在生效。",
    "rolled_back": "已回退到上一个模型。",
}
_SAYINGS = {
    **KIND_NAMES,
    **STRATUM_NAMES,
    **REVIEW_REASONS,
    **ACTION_NAMES,
    "command line": "命令行",
    "provider": "统一身份",
    "nobody": "未登录者",
    **{f"level{level}": name for level, name in LEVEL_NAMES.items()},
    **SIDE_NAMES,
}


_OPERATOR = "operator "  # in the audit trail, before an operator's name


def say(value: object) -> str:
    """Return how a code is said in Chinese; what has no other name stays as it is."""
    if value is None or value == "":
        return "–"
    if str(value).startswith(_OPERATOR):
        return f"操作员 {str(value).removeprefix(_OPERATOR)}"
    return _SAYINGS.get(str(value), str(value))


def moves(state: MatchState) -> list[MatchState]:
    """Return the states that a match can go to, in their order."""
    return [other for other in MatchState if other in MOVES[state]]


def declinable(state: MatchState) -> bool:
    """Tell whether a match in this state can be declined."""
    return MatchState.DECLINED in MOVES[state]


def undoable(work: MatchWork) -> bool:
    """Tell whether the latest action on a match is recent enough to be taken back."""
    return work.changed_at is not None and datetime.now(UTC) - work.changed_at <= UNDO
