"""The features that earlier outcomes give, in the order in which `History.features` computes them.

None of what went well before can count against a pair: the monotone ones never lower its grade, other things equal.
"""

from data.columns.features import declare, names_of

NEIGHBOUR_FEATURES = declare(
    "history",
    {
        "known_pairs": "该需求已知结果的数量（对数）",  # log(1 + number)
        "known_mean": "该需求已知结果的平均等级",
        "known_near": "该需求相似成果的结果相对其平均",  # similar achievements weigh more; less known_mean
        "known_near_mass": "该需求相似成果的总权重",
        "known_nearest_0": "与该需求最相似的不相关成果的相似度",  # grade 0
        "known_nearest_1": "与该需求最相似的 1 级成果的相似度",
        "known_nearest_2": "与该需求最相似的 2 级及以上成果的相似度",
        "others_mean": "类似需求的平均等级",
        "others_near": "类似需求对相似成果的平均等级",
        "others_near_mass": "类似需求对相似成果的总权重",
        "others_lift": "类似需求对相似成果的结果相对其平均",  # others_near less others_mean
        "achievement_mean": "相似成果在远近各类需求上的平均等级",
        "known_best": "该需求最相似的一个结果的等级",
        "known_best_nearness": "该需求最相似的一个结果的相似度",
        "known_three": "该需求最相似的三个结果的平均等级",  # the nearer weighs more
        "others_best": "其他需求最相似的一个结果的等级",  # similar demands and achievements count
        "others_best_nearness": "其他需求最相似的一个结果的相似度",
        "others_three": "其他需求最相似的三个结果的平均等级",
    },
    monotone=(
        *("known_mean", "known_near", "known_three", "others_mean", "others_near", "others_lift", "others_three"),
        "achievement_mean",
    ),
)
_KERNEL_LABELS = {
    "kernel_grade": "核模型预测的等级",
    "kernel_above_0": "核模型预测超过 0 级的概率",
    "kernel_above_1": "核模型预测超过 1 级的概率",
    "kernel_above_2": "核模型预测超过 2 级的概率",
}
KERNEL_FEATURES = declare("history", _KERNEL_LABELS, monotone=_KERNEL_LABELS)
HISTORY_FEATURES = (*NEIGHBOUR_FEATURES, *KERNEL_FEATURES)
HISTORY = names_of(HISTORY_FEATURES)
