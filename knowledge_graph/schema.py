"""What the graph is made of: kinds of nodes, kinds of edges, and how much each kind of relation carries."""

from enum import IntEnum, StrEnum


class NodeKind(StrEnum):
    """A node's kind; node names are `kind:key`, such as `term:锂离子电池` or `region:410100`."""

    ACHIEVEMENT = "achievement"
    DEMAND = "demand"
    ORGANISATION = "organisation"
    EXPERT = "expert"
    TERM = "term"
    INDUSTRY = "industry"
    FIELD = "field"
    IPC = "ipc"
    REGION = "region"
    STAGE = "stage"


class TermType(IntEnum):
    """What a term names; OTHER where the evidence does not decide."""

    OTHER = 0
    MATERIAL = 1
    METHOD = 2
    EFFECT = 3
    PRODUCT = 4
    APPLICATION = 5


TERM_TYPE_NAMES = {
    TermType.OTHER: "术语",
    TermType.MATERIAL: "材料",
    TermType.METHOD: "方法",
    TermType.EFFECT: "效果",
    TermType.PRODUCT: "产品",
    TermType.APPLICATION: "应用",
}


class Relation(IntEnum):
    """A relation between two terms, from the first to the second; the numbers are in the compiled matrices."""

    SAME = 0
    SYNONYM = 1
    BROADER = 2
    NARROWER = 3
    SIMILAR = 4
    CO_OCCURS = 5
    SUPPLIES = 6
    SUPPLIED_BY = 7
    DEFINED_ALIKE = 8


RELATION_NAMES = {
    Relation.SAME: "同词",
    Relation.SYNONYM: "同义",
    Relation.BROADER: "上位",
    Relation.NARROWER: "下位",
    Relation.SIMILAR: "语义相近",
    Relation.CO_OCCURS: "常共现",
    Relation.SUPPLIES: "供给下游",
    Relation.SUPPLIED_BY: "来自上游",
    Relation.DEFINED_ALIKE: "定义相同",
}

CARRIED = {
    Relation.SAME: 1.0,
    Relation.SYNONYM: 0.95,
    Relation.BROADER: 0.6,
    Relation.NARROWER: 0.7,
    Relation.SIMILAR: 0.8,
    Relation.CO_OCCURS: 0.5,
    Relation.SUPPLIES: 0.25,
    Relation.SUPPLIED_BY: 0.25,
    Relation.DEFINED_ALIKE: 0.9,
}
"""Share of a term's weight that an edge of full confidence carries over to its neighbour."""


class EdgeKind(StrEnum):
    """Kinds of edges besides the relations between terms (whose kind is the relation's name in lower case)."""

    MENTIONS = "mentions"  # record -> term, weight
    IN_INDUSTRY = "in_industry"  # record -> industry, confidence
    IN_FIELD = "in_field"  # record -> field, confidence
    CLASSIFIED = "classified"  # achievement -> IPC class
    LOCATED = "located"  # record or organisation -> region
    HELD_BY = "held_by"  # achievement -> organisation or person
    ACHIEVED_BY = "achieved_by"  # achievement -> expert
    WORKS_AT = "works_at"  # expert -> organisation
    ASKED_BY = "asked_by"  # demand -> organisation
    IN_STAGE = "in_stage"  # record or term -> stage of an industry chain
    PART_OF = "part_of"  # industry -> industry, region -> region, IPC class -> IPC class
    NEAR = "near"  # field - field, region - region
    FEEDS = "feeds"  # stage -> stage downstream of it
    OUTCOME = "outcome"  # demand -> achievement, dated, graded
