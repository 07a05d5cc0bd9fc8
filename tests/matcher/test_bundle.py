"""The bundle on disk: every kind of damage is named, publishing is all or nothing."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

import matcher.bundle
from data.errors import BundleError
from matcher.bundle import (
    FORMAT_VERSION,
    MANIFEST,
    SEAL,
    Manifest,
    current_bundle,
    link_files,
    new_bundle,
    new_version,
    publish,
    read_manifest,
    set_current,
    verify,
    write_manifest,
)
from matcher.features.table import FEATURES
from matcher.model import MatchingModel
from tests.some import some

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTENTS = {"encoder/model.bin": bytes(range(200)), "scorer/ranker.json": b'{"a": 1}', "empty.txt": b""}


def manifest(version: str = "20260102-030405", **changes) -> Manifest:
    facts = {"version": version, "created_at": MOMENT, "watermark": 7, "achievements": 2, "demands": 1}
    return Manifest.model_validate({**facts, "encoder_digest": "0" * 64, **changes})


def publish_one(bundles: Path, version: str = "20260102-030405", contents: dict[str, bytes] = CONTENTS) -> Path:
    with new_bundle(bundles) as directory:
        for name, content in contents.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(content)
        return publish(directory, manifest(version))


@pytest.fixture
def bundle(tmp_path) -> Path:
    return publish_one(tmp_path / "bundles")


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A bundle that tests damage and mend again."""
    return publish_one(tmp_path_factory.mktemp("bundles"))


def test_a_sound_bundle_verifies_and_says_what_it_holds(bundle):
    found = verify(bundle)
    assert found.version == bundle.name == "20260102-030405"
    assert {name: entry.bytes for name, entry in found.files.items()} == {k: len(v) for k, v in CONTENTS.items()}
    assert (found.watermark, found.achievements, found.demands) == (7, 2, 1)
    assert current_bundle(bundle.parent) == bundle


@given(data=st.data())
@limits(max_examples=150, deadline=None)
def test_any_flipped_byte_is_found_and_its_file_named(sound, data):
    name = data.draw(st.sampled_from([*(n for n, content in CONTENTS.items() if content), MANIFEST, SEAL]))
    path = sound / name
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    flipped = before[at] ^ data.draw(st.integers(1, 255))
    path.write_bytes(before[:at] + bytes([flipped]) + before[at + 1 :])
    try:
        with pytest.raises(BundleError) as caught:
            verify(sound)
    finally:
        path.write_bytes(before)
    said = str(caught.value)
    # a flipped digit of the format version makes it another version's bundle, which is said of the bundle as a whole
    assert (MANIFEST if name == SEAL else name) in said or f"reads version {FORMAT_VERSION}" in said
    assert "\n" not in said


@given(data=st.data())
@limits(max_examples=60, deadline=None)
def test_any_truncation_or_growth_is_found_and_its_file_named(sound, data):
    name = data.draw(st.sampled_from([*CONTENTS, MANIFEST, SEAL]))
    path = sound / name
    before = path.read_bytes()
    shorter = st.integers(0, max(len(before) - 1, 0)).map(lambda n: before[:n])
    longer = st.binary(min_size=1, max_size=5).map(lambda more: before + more)
    after = data.draw((shorter | longer) if before else longer)
    path.write_bytes(after)
    try:
        with pytest.raises(BundleError, match=MANIFEST if name == SEAL else name):
            verify(sound)
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", [*CONTENTS, MANIFEST, SEAL])
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=MANIFEST if name == SEAL else name):
        verify(bundle)


@pytest.mark.parametrize("name", ["more.txt", "encoder/pickle.pkl", "new/manifest.json"])
def test_an_added_file_is_named(bundle, name):
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("x")
    with pytest.raises(BundleError, match=f"{name} is not named by the manifest"):
        verify(bundle)


def test_two_files_exchanged_are_found(bundle):
    shutil.copy(bundle / "encoder/model.bin", bundle / "kept")
    shutil.copy(bundle / "scorer/ranker.json", bundle / "encoder/model.bin")
    shutil.move(bundle / "kept", bundle / "scorer/ranker.json")
    with pytest.raises(BundleError, match=r"model\.bin"):
        verify(bundle)


def test_another_version_s_bundle_is_refused_with_the_way_out(bundle):
    write_manifest(bundle, read_manifest(bundle).model_copy(update={"format_version": 99}))
    with pytest.raises(BundleError, match=rf"format version 99, this gongxu reads version {FORMAT_VERSION}; run `gong"):
        verify(bundle)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"x"'])
def test_a_manifest_that_is_none_is_refused(bundle, text):
    (bundle / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="gongxu build"):
        verify(bundle)


def test_no_bundle_yet_says_what_to_run(tmp_path):
    with pytest.raises(BundleError, match=r"no bundle in .*; run `gongxu import` and `gongxu build` first"):
        current_bundle(tmp_path)


def test_a_pointer_to_nothing_is_refused(bundle):
    shutil.rmtree(bundle)
    with pytest.raises(BundleError, match=r"has no manifest\.json; run `gongxu build`"):
        current_bundle(bundle.parent)


@pytest.mark.parametrize("step", ["_fsync", "write_manifest", "set_current"])
def test_an_interrupted_publish_leaves_the_old_bundle_current(bundle, monkeypatch, step):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(matcher.bundle, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish_one(bundle.parent, "20260102-999999")
    monkeypatch.undo()
    assert current_bundle(bundle.parent) == bundle
    verify(bundle)
    assert not [path for path in bundle.parent.iterdir() if path.name.startswith(".new-")]


def test_an_unpublished_folder_is_removed(bundle):
    with new_bundle(bundle.parent) as directory:
        (directory / "half").write_text("x")
    assert not directory.exists()
    assert sorted(path.name for path in bundle.parent.iterdir()) == [bundle.name, "current"]


def test_a_reader_sees_the_old_bundle_or_the_new_one_whole(tmp_path):
    """Reads as fast as it can while twenty bundles are published."""
    bundles = tmp_path / "bundles"
    publish_one(bundles, "v00", {"n": b"v00"})
    done, seen, failures = Event(), set(), []

    def read():
        while not done.is_set():
            try:
                directory = current_bundle(bundles)
                found = verify(directory)
                seen.add(found.version)
                if (directory / "n").read_bytes() != found.version.encode():
                    failures.append(found.version)
            except Exception as error:
                failures.append(error)

    reader = Thread(target=read)
    reader.start()
    for n in range(1, 21):
        publish_one(bundles, f"v{n:02}", {"n": b"v%02d" % n})
    done.set()
    reader.join()
    assert failures == []
    assert len(seen) > 1
    assert verify(current_bundle(bundles)).version == "v20"


def test_versions_sort_by_time_and_are_never_taken_twice(tmp_path):
    first = new_version(tmp_path, MOMENT)
    assert first == "20260102-110405"  # China's time
    (tmp_path / first).mkdir()
    assert new_version(tmp_path, MOMENT) == f"{first}-2"
    (tmp_path / f"{first}-2").mkdir()
    assert new_version(tmp_path, MOMENT) == f"{first}-3"


def test_an_older_bundle_can_be_made_current_again(bundle):
    newer = publish_one(bundle.parent, "20270101-000000")
    assert current_bundle(bundle.parent) == newer
    set_current(bundle.parent, bundle.name)
    assert current_bundle(bundle.parent) == bundle


def test_linked_files_outlive_the_bundle_they_came_from(bundle, tmp_path):
    target = tmp_path / "linked"
    link_files(bundle, target, ("encoder",))
    assert (target / "encoder/model.bin").stat().st_ino == (bundle / "encoder/model.bin").stat().st_ino
    assert not (target / "scorer").exists()
    shutil.rmtree(bundle)
    assert (target / "encoder/model.bin").read_bytes() == CONTENTS["encoder/model.bin"]


def test_files_are_copied_where_they_cannot_be_linked(bundle, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    link_files(bundle, tmp_path / "copied", ("encoder", "scorer"))
    assert (tmp_path / "copied/scorer/ranker.json").read_bytes() == CONTENTS["scorer/ranker.json"]


# The real thing.


@pytest.fixture
def copy(platform, tmp_path) -> Path:
    """A copy of the trained bundle to damage."""
    return Path(shutil.copytree(platform.trained, tmp_path / platform.trained.name))


@given(data=st.data())
@limits(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_of_a_real_bundle_stops_the_load(copy, data):
    names = sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file() and p.stat().st_size)
    path = copy / data.draw(st.sampled_from(names))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
    try:
        with pytest.raises(BundleError):
            MatchingModel.load(copy)
    finally:
        path.write_bytes(before)


def test_a_bundle_holds_no_pickle(platform):
    for path in some(platform.trained.rglob("*")):
        assert path.suffix not in {".pkl", ".pickle", ".joblib", ".pt"}
        if path.is_file():
            assert path.read_bytes()[:2] != b"\x80\x04", path


def test_a_ranker_of_other_features_is_refused_by_name(copy):
    found = read_manifest(copy)
    assert found.feature_names == FEATURES
    write_manifest(copy, found.model_copy(update={"feature_names": (*FEATURES, "moon_phase", "tide")}))
    expected = f"ranker expects {len(FEATURES) + 2} features, feature table defines {len(FEATURES)}: missing moon_phase"
    with pytest.raises(BundleError, match=expected):
        MatchingModel.load(copy)


def test_an_exchanged_encoder_is_refused(copy):
    found = read_manifest(copy)
    write_manifest(copy, found.model_copy(update={"encoder_digest": "f" * 64}))
    with pytest.raises(BundleError, match="not the one the bundle was built with"):
        MatchingModel.load(copy)


def test_training_shares_the_records_with_the_build_by_hard_links(platform):
    built, trained = platform.built, platform.trained
    assert built != trained
    for name in ("achievements/cards/table.arrow", "demands/typical.npy", "encoder/model.safetensors"):
        assert (built / name).stat().st_ino == (trained / name).stat().st_ino
    assert json.loads((built / MANIFEST).read_text())["feature_names"] == []
    assert not (built / "scorer").exists()


def test_large_equal_files_are_one(tmp_path):
    large = bytes(matcher.bundle.LINKED)
    contents = {"a/vectors.npy": large, "b/vectors.npy": large, "b/other.npy": large + b"x", "c": b"1", "d": b"1"}
    bundle = publish_one(tmp_path, contents=contents)
    assert (bundle / "a/vectors.npy").samefile(bundle / "b/vectors.npy")
    assert not (bundle / "c").samefile(bundle / "d")
    assert {name: (bundle / name).read_bytes() for name in contents} == contents
    assert set(verify(bundle).files) == set(contents)
