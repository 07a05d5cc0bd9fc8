"""Records whose right matches are known: topics of technical words, and grades that follow from the topics."""

from dataclasses import dataclass

import numpy as np

from data.records import Achievement, Demand

TOPICS = (
    ("污泥", "干化", "脱水", "含水率", "压滤机", "絮凝剂", "烘干", "污水处理"),
    ("锂电池", "正极材料", "电解液", "隔膜", "负极", "快充", "能量密度", "石墨"),
    ("小麦", "育种", "抗病", "锈病", "种质资源", "分子标记", "高产", "品种"),
    ("激光", "焊接", "铝合金", "焊缝", "气孔", "熔池", "光斑", "保护气体"),
    ("疫苗", "抗体", "蛋白", "免疫", "佐剂", "细胞培养", "抗原", "病毒"),
    ("风电", "叶片", "齿轮箱", "偏航", "变桨", "故障诊断", "塔筒", "发电机"),
)
COMMON = ("技术", "研究", "设备", "工艺", "系统", "方法")


def texts(topic: int, random: np.random.Generator) -> tuple[str, str]:
    """Return a title of three and a content of six words of a topic, each with a common one."""
    words = random.permutation(TOPICS[topic])
    title = "".join(words[:3]) + random.choice(COMMON)
    return title, "，".join([*random.permutation(words)[:6], random.choice(COMMON)]) + f"，编号{random.integers(10**6)}"


@dataclass(frozen=True)
class World:
    demands: list[Demand]
    achievements: list[Achievement]
    demand_topic: np.ndarray
    achievement_topic: np.ndarray

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return every pair (d, a)."""
        d, a = np.divmod(np.arange(len(self.demands) * len(self.achievements)), len(self.achievements))
        return d.astype(np.int64), a.astype(np.int64)

    def grades(self, d: np.ndarray, a: np.ndarray, shift: int = 0) -> np.ndarray:
        """Return 3 where the achievement's topic is `shift` topics on from the demand's, else 0.

        With a shift the right match shares no word with the demand: only outcomes can teach it.
        """
        wanted = (self.demand_topic[d] + shift) % len(TOPICS)
        return np.where(wanted == self.achievement_topic[a], 3, 0).astype(np.int64)


def make_world(n_demands: int = 24, n_achievements: int = 36, seed: int = 0) -> World:
    """Return records spread evenly over the topics."""
    random = np.random.default_rng(seed)
    demand_topic = np.arange(n_demands) % len(TOPICS)
    achievement_topic = np.arange(n_achievements) % len(TOPICS)
    demands, achievements = [], []
    for i, topic in enumerate(demand_topic):
        title, content = texts(topic, random)
        demands.append(Demand(demand_id=f"D{i:03d}", title=title, content=content, enterprise=f"企业{i % 7}"))
    for i, topic in enumerate(achievement_topic):
        title, content = texts(topic, random)
        achievements.append(
            Achievement(achievement_id=f"A{i:03d}", title=title, content=content, holder=f"单位{i % 9}")
        )
    return World(demands, achievements, demand_topic, achievement_topic)
