"""What the commands of training share: an option, names of steps, and a decision of the gate."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eval.online.versions import Decision

ClusterOption = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Read and encode the records on this Ray cluster; local: on a Ray of this command's own.",
    ),
]
STEPS = {
    "cluster": "连接 Ray 集群",
    "records": "读取记录",
    "encoder": "加载并适应文本编码器",
    "text space": "统计词语与主题",
    "views": "计算文本向量与参照",
    "indexes": "建立索引",
    "graph": "构建知识图谱",
    "quantities": "读取指标数值",
    "kinds": "整理服务、专家等其他类别",
    "bundle": "写入模型包",
    "simulate": "生成模拟平台",
    "import": "导入记录与事件",
    "evaluate": "评估（五种方法，五折，按需求分组）",
    "recommend": "为三条需求推荐",
    "outcomes": "汇总结果事件",
    "features": "计算特征",
    "history": "计算历史特征",
    "ranker": "训练排序模型",
    "tune": "搜索参数",
    "calibration": "校准概率",
    "without history": "训练不用历史的排序模型",
    "exposure": "核对从未展示过的匹配",
    "held out": "在留出的需求上评估",
    "first stage": "学习初选（哪些候选值得细排）",
    "mlflow": "登记到 MLflow",
    "gate": "检查晋级条件",
    "compare": "与在役版本比较",
}


def show_decision(decision: "Decision") -> None:
    """Print a decision: each check with its numbers, and what serves now."""
    from data.terminal import console as terminal

    console = terminal()
    for check in decision.checks:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
        console.print(f"  {mark} {check.message}", highlight=False)
    if decision.action == "rollback":
        console.print(f"已回滚：{decision.candidate} 重新在役，{decision.champion} 成为上一版。", highlight=False)
    elif decision.promoted:
        how = f"强制晋级（{decision.who}：{decision.why}）" if decision.forced else "已晋级"
        console.print(f"{how}：{decision.candidate} 现已在役。", highlight=False)
    else:
        kept = f"{decision.champion} 继续在役" if decision.champion else "没有版本在役"
        console.print(f"未晋级：{decision.candidate} 保留为候选，{kept}。", highlight=False)
    if decision.unreached:
        console.print(f"决定已存于本地：{decision.unreached}", highlight=False)
