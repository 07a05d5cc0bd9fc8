import pytest

from knowledge_graph.graph import KnowledgeGraph
from tests.knowledge_graph.records import achievements, deal, demands


@pytest.fixture(scope="session")
def small_graph():
    """A graph of 32 achievements and 4 demands that nobody may change."""
    return KnowledgeGraph.build(achievements(), demands(), outcomes=[deal("D0", "A0"), deal("D1", "A2", 5)])
