"""Files of a chain: headers of either language, ids or names at the ends of links, what cannot be used said."""

import pytest

from data.errors import InputError
from data.files.chain_files import read_chain
from data.taxonomy.tables import shipped


def written(tmp_path, encoding="utf-8", **tables: str):
    paths = []
    for name, text in tables.items():
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_bytes(text.encode(encoding))
    return paths


NODES = "环节编号,环节名称,上级编号,行业代码,企业数\n1,电池,0,,30\n2,隔膜,1,C2929,\n3,电芯,1,3841,12\n"


def test_two_tables_in_any_order_and_encoding(tmp_path):
    links = "环节,上游,权重\n电芯,隔膜,2\n电芯,隔膜,1\n3,铜箔,5\n隔膜,隔膜,1\n"
    read = read_chain(written(tmp_path, "gb18030", links=links, nodes=NODES), "b", "动力电池")
    assert [(one.id, one.name, one.parent, one.industry, one.weight) for one in read.chain.nodes] == [
        ("1", "电池", "", "", 30),
        ("2", "隔膜", "1", "2929", None),
        ("3", "电芯", "1", "3841", 12),
    ]
    assert [(one.node, one.upstream, one.weight) for one in read.chain.links] == [("3", "2", 3)]
    assert read.notes[0] == "1 条关系的一端不是环节，未采用：铜箔"
    assert read.notes[1] == "1 条关系的两端是同一环节，未采用"
    assert "电池（30，其下合计 13）" in read.notes[2]


def test_the_shipped_industries_are_a_chain_by_their_codes():
    read = read_chain([shipped("industries.csv")], "gbt4754", "国民经济行业")
    assert len(read.chain.nodes) == 117
    assert all(one.industry == one.id for one in read.chain.nodes)
    assert read.notes == ["环节编号即 GB/T 4754 代码，按所属行业归入环节"]


def test_own_numbers_are_no_industry_codes(tmp_path):
    read = read_chain(written(tmp_path, nodes="id,name,parent\n11,甲,\n13,乙,11\n"), "own", "自有")
    assert [one.industry for one in read.chain.nodes] == ["", ""]


@pytest.mark.parametrize(
    ("nodes", "links", "message"),
    [
        ("id,parent\n1,\n", "", "缺少名称列"),
        ("id,name,parent\n1,甲,9\n", "", "上级“9”不存在"),
        ("id,name,parent\n1,甲,2\n2,乙,1\n", "", "层级不能成环"),
        ("id,name\n1,甲\n1,乙\n", "", "环节“1”此处为“乙”"),
        ("id,name,weight\n1,甲,很多\n", "", "权重“很多”不是数"),
        ("id,name,weight\n1,甲,-1\n", "", "权重 -1.0 无效"),
        ("id,name\n1,甲\n", "环节,上游\n丙,丁\n", "没有环节“丙”"),
    ],
)
def test_what_is_no_chain_is_refused_in_one_line(tmp_path, nodes, links, message):
    tables = {"nodes": nodes} | ({"links": links} if links else {})
    with pytest.raises(InputError) as caught:
        read_chain(written(tmp_path, **tables), "c", "c")
    assert message in caught.value.chinese
    assert "\n" not in str(caught.value)
