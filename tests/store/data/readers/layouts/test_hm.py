"""H&M's competition in its published layout, made here."""

from __future__ import annotations

from store.data.readers import ReadOptions, read

LOG = """\
t_dat,customer_id,article_id,price,sales_channel_id
2018-09-20,000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e318,0663713001,0.0508,2
2018-09-21,000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e318,0541518023,0.0304,1
"""
ARTICLES = """\
article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,\
graphical_appearance_name,colour_group_name,department_name,index_group_name,section_name,detail_desc
0663713001,0663713,Atlanta Push Body Harlow,283,Underwear body,Underwear,Solid,Black,Expressive,\
Ladieswear,Womens Lingerie,"Lace push-up body, with ""wires""."
0541518023,0541518,Socks,302,Socks,Socks & Tights,Stripe,,Socks,Ladieswear,,
"""


def test_purchases_and_articles(tmp_path):
    """Fault: the zero that an article's id begins with was lost in one of two files."""
    (tmp_path / "transactions_train.csv").write_text(LOG)
    (tmp_path / "articles.csv").write_text(ARTICLES)
    (tmp_path / "customers.csv").write_text("customer_id,FN\n0,1\n")
    raw = read(tmp_path)
    assert (raw.format, raw.problems) == ("hm", [])
    assert raw.interactions.select("item_id", "timestamp").rows() == [
        ("0663713001", 1537401600),
        ("0541518023", 1537488000),
    ]
    assert raw.items.select("item_id", "title", "categories").rows() == [
        ("0663713001", "Atlanta Push Body Harlow", ["Ladieswear", "Underwear", "Underwear body"]),
        ("0541518023", "Socks", ["Ladieswear", "Socks & Tights", "Socks"]),
    ]
    assert 'with \\"wires\\"' in raw.items["extra"][0]
    assert read(tmp_path, ReadOptions(keep=("sales_channel_id=1",))).interactions.height == 1


def test_articles_of_another_shop(tmp_path):
    (tmp_path / "transactions_train.csv").write_text(LOG)
    (tmp_path / "articles.csv").write_text("article_id,name\n1,Pen\n")
    assert [one.column for one in read(tmp_path).problems] == ["prod_name"]
