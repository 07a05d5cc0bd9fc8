"""What the store's levels of models must do, on SQLite and on a real PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from data.errors import InputError
from data.store.store import Store
from data.store.work.model_levels import ModelLevel

NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)
ONE = ModelLevel("a" * 64, "qwen", "f" * 64, "D1", "A1", 3, "含水率", "干化", NOON)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_first_level_of_the_same_question_stays(database, request, tmp_path):
    url = f"sqlite:///{tmp_path / 's.db'}" if database == "sqlite" else request.getfixturevalue("new_postgresql")()
    later = replace(ONE, level=1, given_at=NOON + timedelta(days=1))
    other = replace(later, model="deepseek")
    prompt = replace(later, prompt="0" * 64)
    with Store.open(url) as store:
        assert store.model_levels.keep([ONE]) == 1
        assert store.model_levels.keep([later, other, prompt]) == 2
        assert store.model_levels.under("qwen", "f" * 64) == {ONE.texts: ONE}
        assert store.model_levels.all()[0] == ONE
        assert len(store.model_levels.all()) == 3
        with pytest.raises(InputError, match="level 5"):
            store.model_levels.keep([replace(ONE, level=5)])
        assert store.counts().events == 0
