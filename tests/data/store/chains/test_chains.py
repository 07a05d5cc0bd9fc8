from datetime import UTC, datetime

import pytest

from data.errors import NotFoundError
from data.store.store import Store
from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode


def test_a_chain_is_written_replaced_and_taken_out_whole(tmp_path):
    nodes = (ChainNode("1", "电池", weight=3.0, about="动力"), ChainNode("2", "隔膜", "1", "2929"))
    chain = Chain("b", "动力电池", nodes, (ChainLink("1", "2", 2.0),))
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        assert store.chains.all() == []
        assert store.chains.put(chain, first)
        assert not store.chains.put(chain, later)
        kept, read = store.chains.get("b")
        assert read == chain
        assert (kept.nodes, kept.links, kept.imported_at) == (2, 1, first)
        assert store.chains.put(Chain("b", "动力电池", nodes), later)
        assert store.chains.all()[0].links == 0
        store.chains.remove("b")
        with pytest.raises(NotFoundError, match="no chain 'b'"):
            store.chains.get("b")
        with pytest.raises(NotFoundError):
            store.chains.remove("b")
