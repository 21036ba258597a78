"""A model on disk: what is damaged is refused, what is written appears in one step."""

import json
import shutil
from dataclasses import asdict, replace

import pytest

from nli_tagger import BundleError
from nli_tagger.bundle import MANIFEST, Bundle, Calibration, Manifest, default_model, new_bundle, write_manifest

SERVED = ["hypotheses.onnx", "premise.onnx", "tokenizer.json", "weights.bin"]
SMALL = Manifest(
    name="small", kind="cross-encoder", precision="fp32", window_tokens=8, hypothesis_tokens=8, template_version=1
)


@pytest.fixture
def small(tmp_path):
    """A bundle whose two files are of the right form only in name."""
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(default_model() / "tokenizer.json", folder)
    (folder / "model.onnx").write_bytes(b"no graph")
    write_manifest(folder, SMALL, ["model.onnx", "tokenizer.json"])
    return folder


def test_the_embedded_model_verifies_every_file_that_serving_reads():
    manifest = Bundle.load(default_model()).manifest
    assert sorted(manifest.files) == SERVED


@pytest.mark.parametrize("name", SERVED)
def test_one_changed_byte_is_found_and_its_file_named(make_bundle, name):
    folder = make_bundle()
    content = bytearray((default_model() / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} is damaged.*copy the bundle again"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", SERVED)
def test_a_missing_file_is_named(make_bundle, name):
    folder = make_bundle()
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing.*copy the bundle again"):
        Bundle.load(folder)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"is not a model bundle: cannot read manifest\.json"):
        Bundle.load(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BundleError, match="nowhere is not a model bundle"):
        Bundle.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"format": 2}, "manifest format 2; this version reads format 1"),
        ({"format": None}, "manifest format None"),
        ({"kind": "oracle"}, "kind 'oracle'; known are shared-premise, cross-encoder"),
        ({"surprise": 1}, "manifest is not valid"),
        ({"calibration": None}, "manifest is not valid"),
        ({"files": None}, "manifest is not valid"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_its_folder(small, values, part):
    manifest = json.loads((small / MANIFEST).read_text(encoding="utf-8"))
    (small / MANIFEST).write_text(json.dumps(manifest | values), encoding="utf-8")
    with pytest.raises(BundleError, match=part) as refused:
        Bundle.load(small)
    assert str(small) in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe{}"])
def test_what_is_no_manifest_is_refused_with_its_folder(tmp_path, content):
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match="manifest is not valid") as refused:
        Bundle.load(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_a_manifest_without_its_required_values_is_refused():
    with pytest.raises(BundleError, match=r"manifest is not valid: .*window_tokens"):
        Manifest.from_json('{"format": 1, "name": "n", "kind": "shared-premise"}')


def test_a_graph_that_cannot_run_is_named(small):
    with pytest.raises(BundleError, match=r"model\.onnx is not a graph"):
        Bundle.load(small).scorer()


def test_a_tokenizer_that_cannot_be_read_is_named(small):
    (small / "tokenizer.json").write_text("{}")
    write_manifest(small, SMALL, ["model.onnx", "tokenizer.json"])
    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read"):
        Bundle.load(small).scorer()


def test_a_manifest_survives_writing_and_reading():
    manifest = replace(SMALL, calibration=Calibration(1.5, -0.25), contradiction=2, recipe={"é": 1}, data=["set"])
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_written_digests_are_those_that_load_verifies(small):
    assert sorted(Bundle.load(small).manifest.files) == ["model.onnx", "tokenizer.json"]


def test_writing_a_manifest_keeps_all_else_it_says(small):
    said = replace(SMALL, calibration=Calibration(2, 1), padding=3)
    write_manifest(small, said, ["model.onnx"])
    written = Bundle.load(small).manifest
    assert asdict(replace(written, files={})) == asdict(said)


@pytest.mark.parametrize("calibration", [Calibration(scale=1.1), Calibration(bias=0.1)])
def test_the_digest_changes_with_the_calibration(small, calibration):
    bundle = Bundle.load(small)
    calibrated = Bundle(small, replace(bundle.manifest, calibration=calibration))
    assert calibrated.digest != bundle.digest


def test_the_digest_changes_with_a_file(small):
    before = Bundle.load(small).digest
    (small / "model.onnx").write_bytes(b"another")
    write_manifest(small, SMALL, ["model.onnx", "tokenizer.json"])
    assert Bundle.load(small).digest != before


def test_the_digest_is_128_bits_and_does_not_depend_on_the_name(small):
    bundle = Bundle.load(small)
    renamed = Bundle(small, replace(bundle.manifest, name="other"))
    assert renamed.digest == bundle.digest
    assert len(bytes.fromhex(bundle.digest)) == 16


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "mine"


def write_bundle(target, content, **options):
    with new_bundle(target, **options) as folder:
        (folder / "file").write_text(content)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_new_bundle_appears_only_when_it_is_complete(target):
    with new_bundle(target) as folder:
        (folder / "file").write_text("new")
        assert not target.exists()
    assert contents(target) == {"file": "new"}
    assert list(target.parent.iterdir()) == [target]


def test_a_new_bundle_can_be_read_by_other_users(target):
    write_bundle(target, "new")
    assert target.stat().st_mode & 0o777 == 0o755


def fail_while_writing(target, **options):
    def write():
        with new_bundle(target, **options) as folder:
            (folder / "file").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()


def test_an_error_while_writing_leaves_nothing_behind(target):
    fail_while_writing(target)
    assert list(target.parent.iterdir()) == []


def test_an_error_while_replacing_leaves_the_old_bundle(target):
    write_bundle(target, "old")
    fail_while_writing(target, replace=True)
    assert contents(target) == {"file": "old"}
    assert list(target.parent.iterdir()) == [target]


def test_an_existing_bundle_is_refused_before_any_work(target):
    write_bundle(target, "old")
    with pytest.raises(BundleError, match="mine exists already; choose another folder or allow it to be replaced"):
        write_bundle(target, "new")
    assert contents(target) == {"file": "old"}


def test_replacing_leaves_only_the_new_bundle(target):
    write_bundle(target, "old")
    (target / "old only").write_text("old")
    write_bundle(target, "new", replace=True)
    assert contents(target) == {"file": "new"}
    assert list(target.parent.iterdir()) == [target]


def test_a_bundle_that_another_wrote_meanwhile_is_not_replaced(target):
    def write_late():
        with new_bundle(target):
            write_bundle(target, "first")

    with pytest.raises(BundleError, match="exists already"):
        write_late()
    assert contents(target) == {"file": "first"}
