"""Headers that files use for each field, the most telling first; the first is the one that documents show."""

from enum import StrEnum


class FileKind(StrEnum):
    """What a file holds; the order is the order of import."""

    ACHIEVEMENTS = "achievements"
    DEMANDS = "demands"
    EVENTS = "events"
    JUDGEMENTS = "judgements"


LABELS = {
    FileKind.ACHIEVEMENTS: "成果",
    FileKind.DEMANDS: "需求",
    FileKind.EVENTS: "事件",
    FileKind.JUDGEMENTS: "专家评分",
}
"""What files call a kind in Chinese."""

_SHARED = {
    "keywords": "关键词 关键字 keyword 主题词 标签",
    "field": (
        "技术领域 所属领域 领域 应用领域 成果应用领域 领域类别 所属技术领域 技术领域分类 高新技术领域 "
        "学科领域 支持方向 行业领域 技术分类"
    ),
    "industries": (
        "所属行业 应用行业 行业 国民经济行业 行业代码 industry 应用行业码 应用行业名称 行业名称 "
        "所属国民经济行业 所属产业 行业分类 国民经济行业代码 国民经济行业分类 行业类别"
    ),
    "region": (
        "地区代码 行政区划代码 所在地区代码 区划代码 regioncode 所属地区 所在地区 地区 省市 所在地 "
        "所属区域 区域 所在省市 地域 所在城市 城市 所在区域 行政区划 省份 所属省市 地市 企业所在地 "
        "单位所在地 项目所在地"
    ),
    "published_at": (
        "发布日期 发布时间 publishedat publishdate 公开日 公布日期 成果公布年份 成果公布日期 公开日期 "
        "征集时间 上传时间 登记日期 登记时间 创建时间 提交时间 申报时间 申请日 成果完成时间 完成时间"
    ),
    "updated_at": "更新日期 更新时间 updatedat updatedate 修改时间 最后更新时间 最近更新",
}

HEADERS: dict[FileKind, dict[str, str]] = {
    FileKind.ACHIEVEMENTS: {
        "achievement_id": (
            "成果编号 成果id 成果编码 编号 id 成果登记号 登记号 项目年度编号 项目编号 申请号 "
            "专利申请号 公开号 授权公告号 登记编号 成果序列号 成果代码"
        ),
        "title": (
            "成果名称 成果标题 名称 标题 项目名称 专利名称 技术名称 题名 项目 成果 成果中文名称 "
            "科技成果名称 产品名称 发明名称"
        ),
        "content": (
            "成果简介 成果内容 成果介绍 成果描述 简介 内容 摘要 abstract description 项目简介 "
            "技术简介 成果概述 技术内容 项目介绍 项目内容 成果详情 技术介绍 内容简介 中文摘要 "
            "成果概况 主要内容 技术方案 技术描述 项目概述 成果说明 详细介绍 技术原理"
        ),
        **_SHARED,
        "ipc": "IPC分类号 IPC分类 专利分类号 主分类号 分类号",
        "holder": (
            "完成单位 持有单位 所属单位 成果持有人 权利人 成果权属人 成果完成单位 第一完成单位 "
            "所在单位 承担单位 申请人 专利权人 单位名称 单位 依托单位 研发单位 技术持有方 成果持有方 "
            "持有人 所属机构 所属高校 所在学校 学校 高校 权属单位 主要完成单位 技术提供方 成果单位 "
            "项目单位 申请专利权人 供方 技术依托单位 联系单位名称"
        ),
        "holder_type": "单位类型 单位性质 持有人类型 完成单位属性 单位属性 机构类型",
        "experts": (
            "完成人 主要完成人 专家 发明人 负责人 inventor 成果完成人 项目负责人 团队负责人 "
            "主要研究人员 研发人员 设计人"
        ),
        "stage": "成熟阶段 所处阶段 成果阶段 成果所处阶段 研发阶段 技术阶段 项目阶段",
        "trl": "技术成熟度 技术成熟度等级 成熟度 成熟程度 成熟度等级 技术就绪度 trl等级 成果成熟度 技术水平成熟度",
        "form": "成果形式 成果类型 成果体现形式 成果类别 成果属性 体现形式 知识产权形式",
        "transfer_modes": (
            "转化方式 转让方式 合作方式 拟合作方式 推广方式 成果转化方式 交易方式 拟转化方式 合作模式 "
            "转移转化方式 意向合作方式"
        ),
        "price_min": "价格下限 最低价格 最低报价",
        "price_max": "价格上限 最高价格 最高报价",
        "price": (
            "价格 报价 合作价格 意向价格 转让价格 参考价格 成果价格 预期价格 转让费 挂牌价 交易价格 "
            "拟转让价格 意向金额 转化金额"
        ),
        "indicators": (
            "主要技术指标 主要技术经济指标 技术指标 性能指标 技术经济指标 技术参数 主要参数 成果水平 "
            "技术水平 创新点 技术优势"
        ),
        "ip": "知识产权 知识产权情况 知识产权状况 专利情况 专利状态 知识产权信息 专利号",
        "status": "状态 成果状态 发布状态 审核状态",
        "visibility": "可见性 公开范围",
    },
    FileKind.DEMANDS: {
        "demand_id": "需求编号 需求id 需求编码 编号 id 项目编号 登记号 需求代码 需求序列号 榜单编号",
        "title": (
            "需求名称 需求标题 名称 标题 技术需求名称 项目名称 需求题目 难题名称 榜单名称 "
            "需求项目名称 技术难题名称 技术需求 需求"
        ),
        "content": (
            "需求内容 需求描述 需求简介 需求说明 简介 内容 description 需求详情 技术需求详情 "
            "技术需求内容 需求概述 需求背景 主要技术需求 需求介绍 技术需求描述 具体需求 详细需求 "
            "拟解决的技术难题 技术难题 主要内容 拟解决的问题 研究内容 问题描述"
        ),
        "kpis": "考核指标 指标要求 技术指标 主要技术指标 技术要求 技术参数要求 预期目标 性能指标 技术参数 主要指标",
        **_SHARED,
        "enterprise": (
            "企业名称 需求单位 需求企业 发布单位 单位名称 所属单位或公司名称 公司名称 需求方 所属单位 "
            "单位 提出单位 需求方名称 申报单位 所在单位 发榜单位 企业 公司 需求单位名称 需求企业名称 "
            "承担单位"
        ),
        "enterprise_size": "企业规模 单位规模",
        "enterprise_stage": "企业阶段 企业发展阶段 发展阶段",
        "budget_min": "预算下限 最低预算",
        "budget_max": "预算上限 最高预算",
        "budget": (
            "预算 预算金额 投入预算 资金预算 拟投入资金 意向投入 意向金额 投资预算 经费预算 项目预算 "
            "合作价格 价格 拟投入金额 计划投入 计划投资 预计投入 资金投入 投资金额 合作金额 悬赏金额 "
            "榜单金额 经费 拟投资额 需求金额"
        ),
        "cooperation_modes": "合作方式 合作模式 拟合作方式 意向合作方式 解决方式 拟采用的合作方式 期望合作方式",
        "trl_min": "最低技术成熟度 技术成熟度要求 最低成熟度 成熟度要求 技术成熟度",
        "deadline": (
            "截止日期 截止时间 有效期至 有效期 到期日期 需求有效期 到期时间 需求截止时间 需求截止日期 "
            "揭榜截止时间 结束时间 完成时限"
        ),
        "status": "状态 需求状态 发布状态 审核状态",
        "visibility": "可见性 公开范围",
    },
    FileKind.EVENTS: {
        "event_id": "事件编号 事件id id",
        "demand_id": "需求编号 需求id",
        "achievement_id": "成果编号 成果id",
        "kind": "事件类型 事件 类型",
        "occurred_at": "发生时间 时间 日期 发生日期 事件时间",
        "request_id": "请求编号 请求id",
        "position": "位置 名次",
        "bundle_version": "模型包版本",
        "operator": "操作员",
        "features_digest": "特征摘要",
        "reason": "原因 拒绝原因",
        "amount": "成交金额 金额 合同金额 成交额",
        "level": "匹配等级 等级 评分",
    },
    FileKind.JUDGEMENTS: {
        "demand_id": "需求编号 需求id",
        "achievement_id": "成果编号 成果id",
        "level": "匹配等级 等级 评分 匹配程度",
        "occurred_at": "评审日期 评审时间 日期 时间 judgedat date 评分时间 评分日期",
    },
}

# Without these a file is of no use; an id can be made of holder and title.
REQUIRED: dict[FileKind, tuple[str, ...]] = {
    FileKind.ACHIEVEMENTS: ("title",),
    FileKind.DEMANDS: ("title",),
    FileKind.EVENTS: ("event_id", "demand_id", "achievement_id", "kind"),
    FileKind.JUDGEMENTS: ("demand_id", "achievement_id", "level"),
}
ID_FIELDS: dict[FileKind, str] = {
    FileKind.ACHIEVEMENTS: "achievement_id",
    FileKind.DEMANDS: "demand_id",
    FileKind.EVENTS: "event_id",
}
MONEY = frozenset({"price_min", "price_max", "budget_min", "budget_max", "price", "budget", "amount"})
LISTS = frozenset({"keywords", "industries", "ipc", "experts", "transfer_modes", "cooperation_modes"})
TEXTS = frozenset({"content", "kpis", "indicators", "ip"})
# Counts of a list's rows: they change with every sorting and are nobody's id.
ROW_NUMBERS = frozenset(("序号", "no", "行号", "排序", "顺序号", "num", "number", "xh"))
