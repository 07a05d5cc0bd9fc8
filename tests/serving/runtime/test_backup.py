"""What was saved comes back; what was damaged is refused before anything is touched."""

import os
import tarfile

import pytest

from data.errors import BundleError, InputError, NotFoundError
from data.records import Achievement
from data.store.store import Store
from matcher.bundle import current_bundle, verify
from serving.runtime.backup import back_up, restore


@pytest.fixture
def elsewhere(site, tmp_path):
    return site.model_copy(update={"home": tmp_path / "elsewhere"})


def test_round_trip_with_an_open_store(site, elsewhere, tmp_path):
    with Store.open(site.store_url) as store:
        store.upsert_achievements([Achievement(achievement_id="late", title="最后写入")])  # still in the log
        saved = back_up(site, tmp_path / "b" / "gongxu.tar")
        expected = store.counts()
    assert saved.counts == expected
    assert restore(elsewhere, saved.archive).counts == expected
    with Store.open(elsewhere.store_url) as store:
        assert store.counts() == expected
        assert store.achievement("late").title == "最后写入"
    assert verify(current_bundle(elsewhere.bundles)).version == saved.bundle
    assert not list(elsewhere.home.glob(".restore-*"))


def test_existing_store_is_set_aside_only_when_told(site, tmp_path):
    saved = back_up(site, tmp_path / "gongxu.tar")
    with Store.open(site.store_url) as store:
        store.upsert_achievements([Achievement(achievement_id="after", title="备份之后")])
    with pytest.raises(InputError, match="--replace"):
        restore(site, saved.archive)
    restore(site, saved.archive, replace=True)
    (aside,) = site.home.glob("store.db.before-restore-*[0-9]")
    with Store.open(f"sqlite:///{aside}") as store:
        assert store.achievement("after")
    with Store.open(site.store_url) as store, pytest.raises(NotFoundError):
        store.achievement("after")


def test_an_older_python_restores_too_and_lets_nothing_out_of_the_folder(site, elsewhere, tmp_path, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter", raising=False)  # as before Python 3.11.4
    saved = back_up(site, tmp_path / "gongxu.tar")
    assert restore(elsewhere, saved.archive).counts == saved.counts
    for member in (tarfile.TarInfo("../out"), tarfile.TarInfo("link")):
        member.type = tarfile.SYMTYPE if member.name == "link" else tarfile.REGTYPE
        with tarfile.open(tmp_path / "hostile.tar", "w") as tar:
            tar.addfile(member)
        with pytest.raises(InputError, match="is no file of a backup"):
            restore(elsewhere, tmp_path / "hostile.tar", replace=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_flipped_byte_is_found(site, elsewhere, tmp_path, share):
    archive = back_up(site, tmp_path / "gongxu.tar").archive
    content = bytearray(archive.read_bytes())
    content[int(len(content) * share)] ^= 1
    archive.write_bytes(content)
    with pytest.raises((InputError, BundleError), match=r"gongxu\.tar"):
        restore(elsewhere, archive)
    assert not (elsewhere.home / "store.db").exists()


def test_a_cut_archive_is_refused(site, elsewhere, tmp_path):
    archive = back_up(site, tmp_path / "gongxu.tar").archive
    os.truncate(archive, archive.stat().st_size // 2)
    with pytest.raises((InputError, BundleError)):
        restore(elsewhere, archive)


def test_what_cannot_be_backed_up(site, elsewhere, tmp_path):
    (tmp_path / "there").write_text("x")
    with pytest.raises(InputError, match="exists"):
        back_up(site, tmp_path / "there")
    with pytest.raises(NotFoundError):
        back_up(elsewhere, tmp_path / "nothing.tar")
    with pytest.raises(InputError, match="not the SQLite file in GONGXU_HOME"):
        back_up(site.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'other.db'}"}), tmp_path / "other.tar")
    with pytest.raises(NotFoundError):
        restore(elsewhere, tmp_path / "none.tar")
