"""The three publications of Last.fm in their layouts, made here."""

from __future__ import annotations

from store.data.readers import ReadOptions, read

PLAYED = """\
user_000001\t2009-05-04T23:08:57Z\tf1b1cf71-bd35-4e99-8624-24a6e15f133a\tDeep Dish\t\tFuze "live"
user_000001\t2009-05-04T13:54:10Z\t\tUnderground\t3b1c\tComposition
"""
SHA = "00000c289a1829a808ac09c00daf10bc3c4e223b"
COUNTED = f"""\
{SHA}\t3bd73256-3905-4f3a-97e2-8b341527f805\tbetty blowtorch\t2137
{SHA}\t\tdie Ärzte\t1099
"""


def test_the_log_of_1000_users(tmp_path):
    """Fault: plays of artists without an id were lost."""
    (tmp_path / "userid-timestamp-artid-artname-traid-traname.tsv").write_text(PLAYED)
    (tmp_path / "userid-profile.tsv").write_text("#id\tgender\tage\n")
    raw = read(tmp_path)
    assert (raw.format, raw.problems) == ("lastfm", [])
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("user_000001", "f1b1cf71-bd35-4e99-8624-24a6e15f133a", 1241478537),
        ("user_000001", "Underground", 1241445250),
    ]
    assert raw.items["title"].to_list() == ["Deep Dish", "Underground"]
    tracks = read(tmp_path, ReadOptions(item_column="track", title_column="track_name"))
    assert tracks.interactions["item_id"].to_list() == ['Deep Dish – Fuze "live"', "3b1c"]
    assert tracks.items["title"].to_list() == ['Fuze "live"', "Composition"]


def test_play_counts_of_360000_users(tmp_path):
    (tmp_path / "usersha1-artmbid-artname-plays.tsv").write_text(COUNTED)
    raw = read(tmp_path)
    assert raw.problems == []
    assert raw.interactions.select("user_id", "item_id", "timestamp", "position").rows() == [
        (SHA, "3bd73256-3905-4f3a-97e2-8b341527f805", None, 1),
        (SHA, "die Ärzte", None, 0),
    ]
    assert any("has no times" in note and "plays" in note for note in raw.notes)
    loud = read(tmp_path, ReadOptions(minimum=("plays=2000",)))
    assert loud.interactions.height == 1


def test_hetrec(tmp_path):
    """Fault: tags in Latin-1 were refused; the rarest tag came first."""
    (tmp_path / "user_artists.dat").write_text("userID\tartistID\tweight\n2\t51\t13883\n2\t52\t9\n")
    (tmp_path / "artists.dat").write_text(
        "id\tname\turl\tpictureURL\n51\tDuran Duran\thttp://a\thttp://b\n52\tBjörk\thttp://c\t\n"
    )
    (tmp_path / "tags.dat").write_bytes(
        "tagID\ttagValue\n1\tnew wave\n2\tpop français\n".encode("latin-1")
    )
    (tmp_path / "user_taggedartists.dat").write_text(
        "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t51\t2\t1\t4\t2009\n2\t51\t1\t1\t4\t2009\n"
        "3\t51\t1\t1\t4\t2009\n"
    )
    (tmp_path / "user_friends.dat").write_text("userID\tfriendID\n2\t3\n")
    raw = read(tmp_path)
    assert (raw.format, raw.problems) == ("lastfm", [])
    assert raw.interactions.select("item_id", "position").rows() == [("51", 1), ("52", 0)]
    assert raw.items.select("item_id", "title", "categories").rows() == [
        ("51", "Duran Duran", ["new wave", "pop français"]),
        ("52", "Björk", []),
    ]
